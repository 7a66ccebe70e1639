/** What a failing test leaves behind would load the machine, and hold ports, for all tests after it. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

test('a test that fails leaves neither its server nor that server’s jobs behind', () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-left-behind-'));
  const { stdout } = spawnSync(
    join('node_modules', '.bin', 'vitest'),
    ['run', '--config', 'test/support/left-behind.config.ts', '--reporter=json'],
    {
      cwd: resolve(import.meta.dirname, '../..'),
      env: { ...process.env, LEFT_BEHIND_DIR: dir },
      encoding: 'utf8',
      timeout: 100_000,
    },
  );
  expect(stdout).toContain("expected 'this' to be 'that'");
  for (const name of ['server.pid', 'job.pid']) {
    const pid = Number(readFileSync(join(dir, name), 'utf8'));
    expect([name, pid > 1, existsSync(`/proc/${pid}`)]).toEqual([name, true, false]);
  }
  rmSync(dir, { recursive: true, force: true });
}, 120_000);
