/** Output on a host that lies about it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { frameKind, frameOf, statusLine } from '../../../src/executor/logs/frames.ts';
import type { Agent } from '../../../src/executor/ssh/agent.ts';
import { HostOutput } from '../../../src/executor/ssh/output.ts';
import { SimClock } from '../../support/sim-clock.ts';

const frame = frameOf({ timeNs: 1n, kind: frameKind.stdout, bytes: Buffer.alloc(48, 'x') });
const maxBytes = 100_000;

test('that comes a byte at a time is fetched up to the first of these answers', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-output-'));
  let reads = 0;
  const agent = {
    size: async () => maxBytes,
    readPart: async () => {
      reads += 1;
      return Buffer.from('x');
    },
  } as unknown as Agent;
  const output = new HostOutput(
    () => agent,
    () => 'launches/a',
    maxBytes,
  );
  await output.moveTo(join(dir, 'kept'));
  rmSync(dir, { recursive: true });
  expect(reads).toBeLessThan(10);
});

test.each([{}, { tail: 1 }])('that has no end is read up to its bound: %j', async (query) => {
  const status = Buffer.from(statusLine({ begin: 64, newest: 0, dropped: 0 }));
  const agent = {
    size: async () => Number.MAX_SAFE_INTEGER,
    readPart: async (_: string, offset: number, length: number) =>
      offset === 0 && length <= 64 ? status : Buffer.alloc(length, frame),
  } as unknown as Agent;
  const output = new HostOutput(
    () => agent,
    () => 'launches/a',
    maxBytes,
  );
  let bytes = 0;
  for await (const chunk of output.read(query, { clock: new SimClock(0), ended: () => true }))
    bytes += chunk.bytes.length;
  expect(bytes).toBeLessThanOrEqual(maxBytes);
});
