/**
 * The program that runs one contestant of the benchmark of processes: starting a process takes longer, the more memory
 * the starter uses. Its arguments are the contestant's name, the program of stamp.ts, and the parts to measure one
 * after the other. Sends the lateness of each part to its parent.
 */

import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { until } from '../test/support/until.ts';
import { type Contestant, duesOf, type Opened, peers, type Wanted } from './process-peers.ts';

export type Part = Omit<Wanted, 'due'>;

/** Milliseconds, sorted. */
export type Lateness = readonly number[];

/** Enough for a contestant to compile and connect what it needs. */
const warmUp: Part = { count: 20, everyMs: 0, together: 20 };
/** Nineteen digits and the end of the line. */
const STAMP_BYTES = 20;

async function session(name: string, stamp: string, parts: readonly Part[]): Promise<void> {
  const stamps = `${stamp}s`;
  const opened = await (await contestantOf(name)).open(`exec ${stamp} ${stamps}`);
  const results: Lateness[] = [];
  try {
    await latenessOf(opened, stamps, warmUp);
    for (const part of parts) results.push(await latenessOf(opened, stamps, part));
  } finally {
    await opened.close();
  }
  if (existsSync(stamps)) throw new Error(`${name} has started more than was wanted.`);
  await new Promise((sent) => process.send?.(results, sent));
}

async function contestantOf(name: string): Promise<Contestant> {
  const peer = peers.find((each) => each.name === name);
  if (peer !== undefined) return peer;
  const { carillon, carillonWarm } = await import('./process-carillon.ts');
  return name === carillonWarm.name ? carillonWarm : carillon;
}

async function latenessOf(opened: Opened, stamps: string, part: Part): Promise<Lateness> {
  const { count, everyMs, together } = part;
  // Time to accept them: the slowest takes less than a millisecond for each.
  const due = Math.ceil((Date.now() + 1_500 + count) / 1_000) * 1_000;
  const wanted = { due, ...part };
  await opened.want(wanted);
  if (Date.now() > due) throw new Error(`${count} processes were accepted after they were due.`);
  const all = (): boolean => existsSync(stamps) && statSync(stamps).size >= count * STAMP_BYTES;
  await until(`${count} processes run`, all, due - Date.now() + count * (everyMs / together + 100) + 60_000);
  const times = readFileSync(stamps, 'utf8').trim().split('\n').map(Number);
  rmSync(stamps);
  const dues = duesOf(wanted);
  return times
    .sort((a, b) => a - b)
    .map((time, i) => time / 1e6 - (dues[i] ?? due))
    .sort((a, b) => a - b);
}

const [name, stamp, parts] = process.argv.slice(2) as [string, string, string];
await session(name, stamp, JSON.parse(parts));
process.exit();
