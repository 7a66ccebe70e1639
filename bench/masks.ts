/** What masking secrets in output costs: in the supervisor of a process, and where the scheduler reads output of containers. */

import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Mask, masksOf } from '../src/executor/secrets/mask.ts';
import { installSupervisor } from '../src/executor/supervisor/file.ts';
import { createLaunchServer } from '../src/executor/supervisor/server.ts';
import { realClock } from '../src/node/clock.ts';
import { createLog } from '../src/node/log.ts';
import { print } from './rig.ts';

const log = createLog({ level: 'error', format: 'json' });
const rounds = 3;
const mebibytes = 32;
const line = '2026-11-30T02:00:00.000Z INFO loaded 4711 rows of table sales_daily in 312 ms, token ok\n';
const counts = [0, 1, 10];

const masksFor = (count: number): Buffer[] => masksOf(Array.from({ length: count }, () => randomUUID()));
const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
const speed = (ms: number): string => `${Math.round(mebibytes / (ms / 1_000))} MiB/s`;

export async function run(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
  try {
    for (const folder of ['launches', 'scratch', 'tails', 'work']) mkdirSync(join(dir, folder));
    for (const count of counts) {
      const masks = masksFor(count);
      const supervised: number[] = [];
      for (let round = 0; round < rounds; round++) supervised.push(await throughSupervisor(dir, masks));
      const rows: [string, string][] = [['supervisor of a process', speed(median(supervised))]];
      if (count > 0) {
        const times = (act: () => number): string => speed(median(Array.from({ length: rounds }, act)));
        rows.push(['read from an engine', times(() => throughMask(masks))]);
        rows.push(['peer: replacing in the whole text, in memory', times(() => throughPattern(masks))]);
      }
      print(`${count} secrets, ${masks.length} texts to mask, ${mebibytes} MiB of output`, rows);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** From the start of the job to the end of its supervisor. */
async function throughSupervisor(dir: string, masks: readonly Buffer[]): Promise<number> {
  const supervisor = await installSupervisor(dir, log);
  if (supervisor === null) throw new Error('The supervisor does not run here.');
  const server = createLaunchServer(supervisor, dir, realClock);
  const id = randomUUID();
  const file = Buffer.alloc(2_048);
  file.write('carillon-launch 1 002048 0000000000 000000000000000\n');
  const script = `yes '${line.trimEnd()}' | head -c ${mebibytes * 1024 ** 2}`;
  const waiting = await server.prepare({
    ...{ name: id, id, file, masks, cwd: dir, ownFolder: false, owner: null, cgroup: null, limitGroups: [] },
    ...{ systemLimits: [], overtime: null, input: null, firstBytes: 4 * 1024 ** 2, partBytes: 6 * 1024 ** 2 },
    ...{ argv: ['/bin/sh', '-c', script], env: { PATH: '/usr/bin:/bin' } },
  });
  if (waiting === null) throw new Error('The name is taken.');
  const before = realClock.monotonicMs();
  // A job that runs keeps no scheduler from ending.
  const awake = setInterval(() => undefined, 1_000);
  const { started, exited } = waiting.open();
  await started;
  await exited;
  clearInterval(awake);
  const took = realClock.monotonicMs() - before;
  await server.stop();
  return took;
}

const chunk = Buffer.from(line.repeat(Math.ceil((16 * 1024) / line.length)));
const chunks = Math.round((mebibytes * 1024 ** 2) / chunk.length);

function throughMask(masks: readonly Buffer[]): number {
  const before = realClock.monotonicMs();
  const mask = new Mask(masks);
  for (let i = 0; i < chunks; i++) mask.push(chunk);
  mask.end();
  return realClock.monotonicMs() - before;
}

/** A peer that holds all of it in memory. */
function throughPattern(masks: readonly Buffer[]): number {
  const text = chunk.toString('latin1').repeat(chunks);
  const forms = masks.map((mask) => mask.toString('latin1').replaceAll('+', '\\+'));
  const before = realClock.monotonicMs();
  text.replaceAll(new RegExp(forms.join('|'), 'g'), '***');
  return realClock.monotonicMs() - before;
}
