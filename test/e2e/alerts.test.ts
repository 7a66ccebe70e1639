/**
 * A night of a made-up company: a parent of many jobs fails, the scheduler is killed while it tells of it, and again
 * before it recovers. The receiver gets one message of the failure and one of the recovery, and what is repeated has
 * the key that it had.
 */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { program } from '../support/program.ts';
import { endServers, eventually, Server } from '../support/server.ts';
import { until } from '../support/until.ts';

const CHILDREN = 40;

interface Received {
  readonly key: string;
  readonly title: string;
  readonly step: string;
  readonly facts: readonly { name: string; text: string }[];
  readonly output: readonly string[];
  readonly link: string;
}

const dir = mkdtempSync(join(tmpdir(), 'carillon-alerts-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
afterEach(endServers);

let received: Received[];
/** What the receiver does with a request whose body it has: by default it accepts it. */
let answer: (response: ServerResponse) => void;
const receiver = createServer(async (request: IncomingMessage, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  received.push({ ...JSON.parse(body), key: request.headers['idempotency-key'] });
  answer(response);
});

beforeEach(async () => {
  received = [];
  answer = (response) => response.end();
  if (!receiver.listening) await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
});
afterAll(() => receiver.close());

function alertsFile(): string {
  const { port } = receiver.address() as AddressInfo;
  const path = join(dir, 'alerts.yaml');
  writeFileSync(
    path,
    `receivers: { night: { webhook: { url: "http://127.0.0.1:${port}/hook" } } }\nroutes: [{ to: [night] }]\n`,
  );
  return path;
}

test('a broken parent is one message, its recovery another, whoever dies meanwhile', async () => {
  const data = join(dir, 'data');
  const args = ['--alerts-file', alertsFile()];
  let server = await Server.start(data, args);
  const broken = join(dir, 'broken');
  writeFileSync(broken, '');
  const command = `echo "loading"; test ! -e ${broken} || { echo "no route to the warehouse" >&2; exit 3; }`;
  await server.ask('PUT', '/api/v1/jobs/load', { run: { command }, owner: 'data team' });
  for (let i = 0; i < CHILDREN; i++)
    await server.ask('PUT', `/api/v1/jobs/report-${i}`, {
      run: { command: 'true' },
      schedule: { after: { parents: ['load'] } },
    });

  // It dies when the receiver has the message, and nothing noted that.
  const killed = new Promise<void>((dead) => {
    answer = () => void server.end('SIGKILL').then(() => dead());
  });
  await server.ask('POST', '/api/v1/jobs/load/trigger');
  await killed;
  answer = (response) => response.end();
  server = await Server.start(data, args);
  const owed = () => server.all('/api/v1/notifications');
  await eventually(owed, (messages) => messages.length === 0, 30_000);
  expect(received.map(({ key }) => key)).toEqual([received[0]?.key, received[0]?.key]);
  expect(received[1]).toMatchObject({
    title: 'load failed',
    output: ['loading', 'no route to the warehouse'],
    facts: expect.arrayContaining([
      { name: 'Jobs that depend on it', text: String(CHILDREN) },
      { name: 'Reason', text: 'exit code 3' },
    ]),
  });

  // It fails again, which is no news.
  await server.ask('POST', '/api/v1/jobs/load/trigger');
  const alerts = () => server.all<{ count: number }>('/api/v1/alerts');
  await eventually(alerts, ([alert]) => alert?.count === 2, 30_000);

  await server.end('SIGKILL');
  rmSync(broken);
  server = await Server.start(data, args);
  await server.ask('POST', '/api/v1/jobs/load/trigger');
  await eventually(alerts, (open) => open.length === 0, 30_000);
  await eventually(owed, (messages) => messages.length === 0, 30_000);
  expect(received.slice(2).map(({ title }) => title)).toEqual(['load succeeded again']);
  expect(new Set(received.map(({ key }) => key)).size).toBe(2);
});

test('the command line lists, acknowledges, mutes and tries', async () => {
  const server = await Server.start(join(dir, 'cli'), ['--alerts-file', alertsFile()]);
  // Not in this process alone: the receiver is here, too.
  const carillon = (...args: string[]): Promise<string> =>
    new Promise((resolve) => {
      const [command, main] = program;
      const env = { ...process.env, CARILLON_URL: server.url };
      execFile(command, [main, ...args], { env }, (_, stdout, stderr) => resolve(`${stdout}${stderr}`));
    });
  await server.ask('PUT', '/api/v1/jobs/load', { run: { command: 'exit 3' } });
  expect(await carillon('alerts')).toBe('no alerts\n');
  await server.ask('POST', '/api/v1/jobs/load/trigger');
  await eventually(
    () => server.all('/api/v1/alerts'),
    (open) => open.length === 1,
    30_000,
  );
  expect(await carillon('alerts')).toMatch(/load +failed +critical +.* open +1 +.* night +exit code 3/);
  expect(await carillon('ack', 'load')).toMatch(/load: failed acknowledged by /);
  expect(await carillon('mute', 'load', '--for', '2h', '--reason', 'we know')).toMatch(
    /load is muted until /,
  );
  expect(await carillon('unmute', 'load')).toBe('load is no longer muted\n');
  expect(await carillon('alerts', 'test', 'night')).toBe('night accepted the test message\n');
  expect(await carillon('alerts', 'test', 'nobody')).toMatch(/There is no receiver named 'nobody'\./);
  await until('both messages arrive', () => received.length === 2, 10_000);
  expect(received.map(({ step }) => step)).toEqual(['opened', 'test']);
  expect(await carillon('alerts', 'outbox')).toBe('no messages are owed\n');
});

test('a change of the file counts without a restart, also for what is owed to a receiver that left', async () => {
  const path = alertsFile();
  const server = await Server.start(join(dir, 'reload'), ['--alerts-file', path]);
  const names = async () => (await server.all<{ name: string }>('/api/v1/receivers')).map(({ name }) => name);
  expect(await names()).toEqual(['night']);
  // Nobody listens there.
  const day = 'receivers: { day: { webhook: { url: "http://127.0.0.1:9/" } } }\nroutes: [{ to: [day] }]\n';
  writeFileSync(path, day);
  await eventually(names, ([name]) => name === 'day', 10_000);
  await server.ask('PUT', '/api/v1/jobs/load', { run: { command: 'exit 3' } });
  await server.ask('POST', '/api/v1/jobs/load/trigger');
  const owed = () => server.all<{ id: string; state: string; tries: number }>('/api/v1/notifications');
  await eventually(owed, ([message]) => (message?.tries ?? 0) > 0, 30_000);

  writeFileSync(path, `${day}route: []\n`);
  const list = () => server.get<{ problem: string | null }>('/api/v1/receivers');
  await eventually(list, ({ problem }) => problem?.includes('Did you mean routes?') === true, 10_000);
  alertsFile();
  await eventually(names, ([name]) => name === 'night', 10_000);
  const [message] = await owed();
  await server.ask('POST', `/api/v1/notifications/${message?.id}/send`);
  await eventually(owed, (messages) => messages[0]?.state === 'failed', 10_000);
  expect(await owed()).toMatchObject([{ error: "There is no receiver named 'day'. Receivers: night." }]);

  await server.ask('PUT', '/api/v1/jobs/other', { run: { command: 'exit 3' } });
  await server.ask('POST', '/api/v1/jobs/other/trigger');
  await until('the new receiver is told', () => received.length > 0, 30_000);
  expect(received).toMatchObject([{ title: 'other failed' }]);
});
