/** The file to which the leader appends the audit. */

import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AuditLog } from '../../src/node/audit-log.ts';
import type { Log } from '../../src/scheduler/ports.ts';
import { auditLine } from '../conformance/store.ts';

let dir: string;
let told: object[];
let open: AuditLog[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'carillon-audit-'));
  told = [];
  open = [];
});
afterEach(() => {
  for (const each of open) each.stop();
  rmSync(dir, { recursive: true, force: true });
});

const log: Log = { info() {}, warn() {}, debug() {}, error: (fields) => void told.push(fields) };

function logAt(file: string): AuditLog {
  const made = new AuditLog(join(dir, file), log);
  open.push(made);
  return made;
}

const linesIn = (file: string): string[] =>
  readFileSync(join(dir, file), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: string }).id);

test('lines are appended as JSON, to a file that nobody else can read', () => {
  logAt('audit').write([auditLine(1)]);
  logAt('audit').write([auditLine(2), auditLine(3)]);
  expect(linesIn('audit')).toEqual([1, 2, 3].map((i) => auditLine(i).id));
  expect(statSync(join(dir, 'audit')).mode & 0o777).toBe(0o600);
  const [first] = readFileSync(join(dir, 'audit'), 'utf8').split('\n');
  expect(JSON.parse(first ?? '')).toMatchObject({ time: '2026-01-01T00:01:00.000Z', action: 'put-job' });
});

test('a file that is moved away or removed gets no more lines: another one is made', () => {
  const audit = logAt('audit');
  audit.write([auditLine(1)]);
  renameSync(join(dir, 'audit'), join(dir, 'audit.1'));
  audit.write([auditLine(2)]);
  rmSync(join(dir, 'audit'));
  audit.write([auditLine(3)]);
  expect([linesIn('audit.1'), linesIn('audit')]).toEqual([[auditLine(1).id], [auditLine(3).id]]);
});

test('a file that cannot be written is told and counted, and written again when it can', () => {
  const audit = logAt('gone/audit');
  audit.write([auditLine(1), auditLine(2)]);
  audit.write([auditLine(3)]);
  expect(told).toMatchObject([
    { lines: 2, failed: 2 },
    { lines: 1, failed: 3 },
  ]);
  expect(told[0]).toHaveProperty('error');
  mkdirSync(dirname(join(dir, 'gone/audit')));
  audit.write([auditLine(4)]);
  expect(linesIn('gone/audit')).toEqual([auditLine(4).id]);
  expect(audit.figures()).toEqual({ written: 1, failed: 3 });
});
