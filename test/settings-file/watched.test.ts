/** Files that are read as one: again when any of them has changed, and as before while one cannot be used. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import type { Clock } from '../../src/scheduler/ports.ts';
import { WatchedFiles } from '../../src/settings-file/watched.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-watched-'));
afterAll(() => rmSync(dir, { recursive: true }));
const [cert, key] = [join(dir, 'cert'), join(dir, 'key')];

let callback: () => void;
let scheduled: () => void;
const clock: Clock = {
  ...{ now: () => 0, monotonicMs: () => 0 },
  after(_, call) {
    callback = call;
    scheduled();
    return () => {};
  },
};
/** Resolves when the files have been looked at once more. */
const look = (): Promise<void> =>
  new Promise((resolve) => {
    scheduled = resolve;
    callback();
  });

let logged: [string, object][];
const write = (fields: object, event: string) => void logged.push([event, fields]);
const log = { info: write, warn: write, error: write, debug: write };

let used: string;
const use = async (): Promise<object> => {
  used = readFileSync(cert, 'utf8') + readFileSync(key, 'utf8');
  return { used };
};
const watched = (...paths: readonly [string, ...string[]]): WatchedFiles => {
  const [first, ...others] = paths.map((path) => ({ setting: 'tlsCert', path }));
  return new WatchedFiles([first!, ...others], { clock, log, subject: 'tls', use });
};

beforeEach(() => {
  [logged, scheduled] = [[], () => {}];
  writeFileSync(cert, 'c1');
  writeFileSync(key, 'k1');
});

test('a change of any of several files has all of them read once', async () => {
  const files = watched(cert, key);
  await files.open();
  files.start();
  await look();
  expect(logged).toEqual([['tls.files-read', { path: cert, used: 'c1k1' }]]);
  writeFileSync(key, 'k-22');
  await look();
  await look();
  expect(logged.slice(1)).toEqual([['tls.files-read', { path: cert, used: 'c1k-22' }]]);
  await files.stop();
});

test('while one of them is missing, what was read before stays, and its problem is told once', async () => {
  const files = watched(cert, key);
  await files.open();
  files.start();
  rmSync(key);
  await look();
  await look();
  const error = `${key}: it cannot be read (ENOENT). Allowed: a file that the scheduler may read.`;
  expect(logged.slice(1)).toEqual([['tls.files-not-read', { path: cert, error }]]);
  expect([files.problem, used]).toEqual([error, 'c1k1']);
  writeFileSync(key, 'k2');
  await look();
  expect([files.problem, used]).toEqual([null, 'c1k2']);
  await files.stop();
});

test('the events of one file name it as one', async () => {
  await watched(cert).open();
  expect(logged[0]?.[0]).toBe('tls.file-read');
});
