/**
 * Measures how late processes run: one each second, thirty each second, and many due at the same second. Carillon, other schedulers and
 * bare starts take turns, each alone. All start the same line with `/bin/sh -c`: a program that records the time of
 * its first instruction.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { carillon, carillonWarm } from './process-carillon.ts';
import { type Contestant, nodeSpawn, peers, posixSpawn, width } from './process-peers.ts';
import type { Lateness, Part } from './process-session.ts';
import { buildStamp } from './stamp.ts';

const contestants = [carillon, carillonWarm, ...peers];
const TURNS = 3;
const eachSecond: Part = { count: 20, everyMs: 1_000, together: 1 };
const thirtyEachSecond: Part = { count: 600, everyMs: 1_000, together: 30 };

/** Parts of each contestant: an entry for each turn. */
type Figures = Map<Contestant, readonly Lateness[]>;

/** `processes`: how many are started at once, in one turn; null for the usual figures. */
export async function run(processes: number | null): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
  const stamp = join(dir, 'stamp');
  const count = processes ?? 1_000;
  const before = loadavg();
  try {
    buildStamp(stamp);
    const parts = [eachSecond, thirtyEachSecond, atOnce(count)];
    const [seconds, thirties, bursts] = await inTurns(stamp, parts, processes === null ? TURNS : 1);
    printSeconds('One process each second', seconds as Figures);
    printSeconds('Thirty processes each second', thirties as Figures);
    printBursts(bursts as Figures, count);
    if (processes === null) {
      const [large] = await inTurns(stamp, [atOnce(10_000)], 1);
      printBursts(large as Figures, 10_000);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  printConditions(before);
}

const atOnce = (count: number): Part => ({ count, everyMs: 0, together: count });

/** The figures of each part. */
async function inTurns(stamp: string, parts: readonly Part[], turns: number): Promise<Figures[]> {
  const figures = parts.map((): Figures => new Map());
  for (let turn = 0; turn < turns; turn++) {
    for (const contestant of contestants) {
      const results = await session(contestant, stamp, parts);
      for (const [i, lateness] of results.entries()) {
        figures[i]?.set(contestant, [...(figures[i].get(contestant) ?? []), lateness]);
      }
    }
  }
  return figures;
}

/** Runs the contestant in a process of its own. */
async function session({ name }: Contestant, stamp: string, parts: readonly Part[]): Promise<Lateness[]> {
  const child = fork(join(import.meta.dirname, 'process-session.ts'), [name, stamp, JSON.stringify(parts)]);
  let results: Lateness[] = [];
  child.once('message', (message) => {
    results = message as Lateness[];
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`The session of ${name} ended with ${code}.`);
  return results;
}

const at = (sorted: Lateness, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** Of all turns together. */
function printSeconds(title: string, figures: Figures): void {
  const all = (each: Contestant): Lateness => [...(figures.get(each) ?? [])].flat().sort((a, b) => a - b);
  const p50 = (each: Contestant): number => at(all(each), 0.5);
  printTable(
    `${title}, ${all(carillon).length} of each`,
    ['late p50', 'late p99', 'p50 to `posix_spawn`', "p50 to Node's `spawn`"],
    (each) => [
      `${p50(each).toFixed(1)} ms`,
      `${at(all(each), 0.99).toFixed(1)} ms`,
      (p50(each) / p50(posixSpawn)).toFixed(1),
      (p50(each) / p50(nodeSpawn)).toFixed(1),
    ],
  );
}

/** Of the turn with the median time until all were running. */
function printBursts(figures: Figures, count: number): void {
  const median = (each: Contestant): Lateness => {
    const turns = [...(figures.get(each) ?? [])].sort((a, b) => at(a, 1) - at(b, 1));
    return turns[turns.length >> 1] ?? [];
  };
  const rate = (each: Contestant): number => (count / at(median(each), 1)) * 1_000;
  printTable(
    `${count} processes due at the same second`,
    ['all running after', 'late p50 / p99', 'starts/s', 'of `posix_spawn`', "of Node's `spawn`", 'keeps'],
    (each) => [
      `${at(median(each), 1).toFixed(0)} ms`,
      `${at(median(each), 0.5).toFixed(0)} / ${at(median(each), 0.99).toFixed(0)} ms`,
      rate(each).toFixed(0),
      (rate(each) / rate(posixSpawn)).toFixed(2),
      (rate(each) / rate(nodeSpawn)).toFixed(2),
      each.keeps,
    ],
  );
}

function printTable(title: string, columns: readonly string[], cells: (each: Contestant) => string[]): void {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |\n`;
  const rows = contestants.map((each) => line([each.name, ...cells(each)]));
  const head = line([title, ...columns]) + line(['---', ...columns.map(() => '---')]);
  process.stdout.write(`${head}${rows.join('')}\n`);
}

function printConditions(before: readonly number[]): void {
  const [first, last] = [before, loadavg()].map(([minute]) => (minute ?? 0).toFixed(1));
  process.stdout.write(
    `Peers run at most ${width} processes at the same time. Croner has no limit; Carillon has its defaults: 64 processes.\n` +
      'Redis appends to a file and syncs it once per second. PostgreSQL and Carillon sync each commit.\n' +
      'graphile-worker polls each 100 ms (default: 2 s), pg-boss each 500 ms (its minimum) and in batches of 1,000.\n' +
      `Load average before and after: ${first} and ${last}.\n`,
  );
}
