/** A backfill of the example against the real program: planned, run with what follows, seen in the ledger, and cancelled. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand, type Said } from '../support/command-line.ts';
import { Server } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-backfill-'));
const days = join(dir, 'days');
let server: Server;

beforeAll(async () => {
  server = await Server.start(join(dir, 'data'));
});
afterAll(async () => {
  await server.end('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
});

const carillon = (args: string): Promise<Said> =>
  runCommand(args.split(' '), { url: server.url, sleep, stdin: async () => '' });

/** Of three days that are over. */
const day = (back: number): string => new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
const range = `--from ${day(4)} --to ${day(1)}`;

test('the example runs three days with what follows, after a dry run that says so', async () => {
  const written = readFileSync(resolve('examples/backfill.yaml'), 'utf8');
  const path = join(dir, 'backfill.yaml');
  writeFileSync(path, written.replaceAll('/tmp/carillon-days', days));
  expect((await carillon(`apply -f ${path}`)).code).toBe(0);
  const plan = await carillon(`backfill day-load ${range} --downstream --at-once 3 --dry-run`);
  expect(plan.out).toContain('6 runs, of unknown duration');
  expect((await carillon('backfills')).out).toContain('no backfills');

  const done = await carillon(`backfill day-load ${range} --downstream --at-once 3 --wait`);
  expect(done).toMatchObject({ code: 0, out: expect.stringMatching(/done +6 of 6/) });
  expect(readdirSync(days).sort()).toEqual([4, 3, 2].map((back) => `${day(back)}.txt`));
  expect((await carillon('backfills')).out).toMatch(/succeeded +day-load, day-report/);
  expect((await carillon('jobs day-load')).out).toContain('backfilled: succeeded');
});

test('one due time, marked or run; a range that is refused; one that has ended', async () => {
  const due = `${day(6)}T02:00:00Z`;
  expect(await carillon(`run day-load --due ${due} --wait`)).toMatchObject({ code: 0 });
  const marked = await carillon(
    `backfill day-load --from ${day(8)} --to ${day(7)} --mark-succeeded --wait --json`,
  );
  const { id, counts } = JSON.parse(marked.out);
  expect(counts).toMatchObject({ steps: 1, succeeded: 1 });
  const refused = await carillon(`backfill day-load --from ${day(6)}T03:00:00Z --to ${day(6)}T04:00:00Z`);
  expect(refused).toMatchObject({
    code: 2,
    err: expect.stringContaining(`the nearest: ${due.replace('Z', '.000Z')}`),
  });
  expect(await carillon(`backfills ${id} cancel`)).toMatchObject({
    code: 1,
    err: expect.stringContaining('has ended'),
  });
});
