/** The short form of `npm run chaos`: a real cluster under faults, and the verdict over it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { programsMissing } from './network.ts';

const timeoutMs = 240_000;
const missing = programsMissing();

describe('three schedulers on three ZooKeeper servers', () => {
  test.skipIf(missing !== null)(
    'keep their promises through a minute of faults',
    async () => {
      const report = mkdtempSync(join(tmpdir(), 'carillon-chaos-test-'));
      const args = ['--import', 'tsx', 'test/chaos/main.ts', '--minutes', '1', '--report', report];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
      const timer = setTimeout(() => child.kill('SIGTERM'), timeoutMs - 15_000);
      const [code] = await once(child, 'exit');
      clearTimeout(timer);
      expect(code, output).toBe(0);
      // What it found is kept where it failed.
      rmSync(report, { recursive: true, force: true });
    },
    timeoutMs,
  );
});
