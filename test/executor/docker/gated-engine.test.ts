/** The engine with gates, against one that answers as real ones do while a container begins and ends. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { labelOf } from '../../../src/executor/container/labels.ts';
import { GatedEngine } from '../../../src/executor/docker/gate.ts';
import { realClock } from '../../../src/node/clock.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-gated-'));
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const waits = ['/.carillon/gate 5000 true'];
const due = '2026-01-01T00:00:00.000Z';

/** An engine that answers each inspection and each list of processes in turn; the last answer stays. */
async function engineThat(answers: {
  states: object[];
  programs: (number | string[])[];
}): Promise<GatedEngine> {
  const next = <T>(list: T[]): T => (list.length > 1 ? list.shift() : list[0]) as T;
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url?.includes('/top')) {
      const programs = next(answers.programs);
      if (typeof programs === 'number') response.statusCode = programs;
      const rows = typeof programs === 'number' ? [] : programs.map((args, i) => [String(i), args]);
      response.end(JSON.stringify({ Processes: rows, message: 'no' }));
      return;
    }
    const State = { StartedAt: due, FinishedAt: due, OOMKilled: false, Error: '', ...next(answers.states) };
    const Labels = { [labelOf.gate]: 'amd64', [labelOf.due]: due };
    response.end(JSON.stringify({ Id: 'id', Name: '/a', Image: 'i', Config: { Image: 'i', Labels }, State }));
  });
  servers.push(server);
  const path = join(dir, `engine-${servers.length}-${Math.round(performance.now())}.sock`);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return new GatedEngine({ host: path, tls: null, clock: realClock });
}

const running = { Status: 'running', Running: true, ExitCode: 0 };
const exited = { Status: 'exited', Running: false, ExitCode: 5 };

test.each([409, 500, []].map((answer) => [answer]))(
  'a job that ends between its inspection and the list of its processes (%j) has run',
  async (programs) => {
    const engine = await engineThat({ states: [running, exited], programs: [programs] });
    expect(await engine.inspect('id')).toMatchObject({
      State: { Running: false, ExitCode: 5, StartedAt: due },
    });
  },
);

test('a gate that has just ended is not taken for a job that runs', async () => {
  const engine = await engineThat({ states: [running], programs: [['[gate] <defunct>'], waits] });
  expect(await engine.inspect('id')).toMatchObject({ State: { Status: 'created' }, endedUnopened: false });
});

test('a container whose processes cannot be listed counts as waiting, and removal decides', async () => {
  const engine = await engineThat({ states: [running], programs: [500] });
  expect(await engine.inspect('id')).toMatchObject({ State: { Status: 'created' }, endedUnopened: false });
});
