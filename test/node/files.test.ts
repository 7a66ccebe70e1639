/** What a node of several keeps about itself, and what it does where that does not fit. */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { knownInstallation, makeDataDir, nodeId, noteInstallation } from '../../src/node/files.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-node-files-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('a node keeps its id, and refuses to start without one that it had', () => {
  const id = nodeId(dir);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(nodeId(dir)).toBe(id);
  for (const text of ['', '\n', 'two words', '\0\0\0']) {
    writeFileSync(join(dir, 'node-id'), text);
    expect(() => nodeId(dir)).toThrow(/does not contain a node id/);
    expect(readFileSync(join(dir, 'node-id'), 'utf8')).toBe(text);
  }
});

test('a node knows the installation that it found at these hosts, and at no others', () => {
  expect(knownInstallation(dir, 'zk:2181/a')).toBeNull();
  noteInstallation(dir, 'zk:2181/a', 'one');
  expect(knownInstallation(dir, 'zk:2181/a')).toBe('one');
  expect(knownInstallation(dir, 'zk:2181/b')).toBeNull();
  noteInstallation(dir, 'zk:2181/b', 'two');
  expect(knownInstallation(dir, 'zk:2181/b')).toBe('two');
  writeFileSync(join(dir, 'zookeeper.json'), 'cut o');
  expect(knownInstallation(dir, 'zk:2181/b')).toBeNull();
});

test.each([
  ['below a file', ['file', 'data'], 'a part of the path is not a directory'],
  ['that is a file', ['file'], 'there is a file of this name'],
])('a data directory %s is refused with the reason', (_, path, reason) => {
  writeFileSync(join(dir, 'file'), '');
  const dataDir = join(dir, ...path);
  expect(() => makeDataDir(dataDir)).toThrow(`The data directory ${dataDir} cannot be written: ${reason} (`);
});

test('a data directory is made with the directories above it, and may be there already', () => {
  const dataDir = join(dir, 'a', 'b');
  for (let times = 0; times < 2; times++) makeDataDir(dataDir);
  expect(statSync(dataDir).isDirectory()).toBe(true);
});
