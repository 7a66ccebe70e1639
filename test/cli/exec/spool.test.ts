/** Reports that wait for the server: in order, private, bounded, and sent by one process at a time. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Report, Spool } from '../../../src/cli/exec/spool.ts';

let root: string;
let dir: string;
let now: number;
let spool: Spool;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'carillon-spool-'));
  dir = join(root, 'state', 'spool');
  now = Date.UTC(2026, 10, 21, 2);
  spool = new Spool(dir, () => now);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const report = (rid: string, more: Partial<Report> = {}): Report => ({
  job: 'backup',
  step: 'success',
  rid,
  at: now,
  ...more,
});
const waiting = (): string[] => [...spool.claim()].map((kept) => `${kept.report.rid} ${kept.report.step}`);

test('comes out in the order in which it happened, the start before the end', () => {
  spool.put(report('b', { at: now + 1 }));
  spool.put(report('a'));
  spool.put(report('a', { step: 'start' }));
  expect(waiting()).toEqual(['a start', 'a success', 'b success']);
});

test('is for the eyes of its user only, also where the folder was not', () => {
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  spool.put(report('a', { output: 'c2VjcmV0' }));
  const [name = ''] = readdirSync(dir);
  expect((statSync(dir).mode & 0o777).toString(8)).toBe('700');
  expect((statSync(join(dir, name)).mode & 0o777).toString(8)).toBe('600');
});

test('stays until it is done', () => {
  spool.put(report('a'));
  const [kept] = [...spool.claim()];
  spool.release();
  expect(waiting()).toEqual(['a success']);
  spool.done(kept as never);
  expect(waiting()).toEqual([]);
});

test('leaves to another process what that is sending, until it is gone', async () => {
  spool.put(report('a'));
  const [name = ''] = readdirSync(dir);
  const other = spawn('sleep', ['60']);
  renameSync(join(dir, name), join(dir, name.replace(/\d+$/, String(other.pid))));
  expect(waiting()).toEqual([]);
  const exited = once(other, 'exit');
  other.kill('SIGKILL');
  await exited;
  expect(waiting()).toEqual(['a success']);
});

test('drops what is older than a week', () => {
  spool.put(report('a'));
  now += 7 * 86_400_000 + 1;
  expect(waiting()).toEqual([]);
  expect(readdirSync(dir)).toEqual([]);
});

test('keeps the newest thousand', () => {
  for (let i = 0; i < 1_003; i++) spool.put(report(`r${i}`, { at: now + i }));
  expect(spool.size).toBe(1_000);
  expect(waiting()[0]).toBe('r3 success');
});

test('keeps the newest 16 MiB', () => {
  const output = 'x'.repeat(4 * 1024 * 1024);
  for (const rid of ['a', 'b', 'c', 'd', 'e']) {
    spool.put(report(rid, { output }));
    now += 1;
  }
  expect(waiting()).toEqual(['c success', 'd success', 'e success']);
});

test('passes over what is no report', () => {
  spool.put(report('a'));
  writeFileSync(join(dir, '000000000000001-b-1.json'), '{"job":');
  writeFileSync(join(dir, 'notes.txt'), 'of somebody else');
  expect(waiting()).toEqual(['a success']);
  expect(readdirSync(dir)).toContain('notes.txt');
});

test('is empty before the first report', () => {
  expect([waiting(), spool.size]).toEqual([[], 0]);
});
