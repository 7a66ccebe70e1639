/**
 * Measures the computation of the next due time by Carillon, cron-parser and croner. Each computes the due times of
 * the same expression one after the other from the same start. Before that, the due times are compared with croner's.
 */

import { CronExpressionParser } from 'cron-parser';
import { Cron } from 'croner';
import { nextInstant } from '../src/scheduler/schedule/next.ts';
import { compileSchedule, resolveSchedule } from '../src/scheduler/schedule/parse.ts';

interface Case {
  readonly cron: string;
  readonly timezone: string;
}

const cases: readonly Case[] = [
  { cron: '* * * * * *', timezone: 'UTC' },
  { cron: '*/5 * * * *', timezone: 'America/New_York' },
  { cron: '30 2 * * *', timezone: 'America/New_York' },
  { cron: '0 0 1 * *', timezone: 'UTC' },
  { cron: '0 0 29 2 *', timezone: 'America/New_York' },
];

/** Ten leap days, or ten hours of an expression for every five minutes: enough for each expression's rare steps. */
const WALK = 10;
const ROUNDS = 9;
const ROUND_MS = 60;
const START_MS = Date.UTC(2026, 0, 15, 9, 30, 0);

/** Computes `WALK` due times from the start and returns the last one. */
type Walk = () => number;

function ours({ cron, timezone }: Case): Walk {
  const { resolved } = resolveSchedule({ cron, timezone }, { hashSeed: 'bench', now: START_MS });
  const schedule = compileSchedule(resolved);
  return () => {
    let instant = START_MS;
    for (let step = 0; step < WALK; step += 1) instant = nextInstant(schedule, instant) ?? Number.NaN;
    return instant;
  };
}

function cronParsers({ cron, timezone }: Case): Walk {
  const start = new Date(START_MS);
  const expression = CronExpressionParser.parse(cron, { currentDate: start, tz: timezone });
  return () => {
    expression.reset(start);
    let instant = START_MS;
    for (let step = 0; step < WALK; step += 1) instant = expression.next().getTime();
    return instant;
  };
}

function croners({ cron, timezone }: Case): Walk {
  const job = new Cron(cron, { timezone, paused: true, fixedTimeRule: 'no-wildcard' });
  return () => {
    let instant = new Date(START_MS);
    for (let step = 0; step < WALK; step += 1) instant = job.nextRun(instant)!;
    return instant.getTime();
  };
}

/** Microseconds per due time: the median of several rounds, each long enough to be measured. */
function microseconds(walk: Walk): number {
  const rounds: number[] = [];
  let seen = 0;
  for (let round = 0; round <= ROUNDS; round += 1) {
    const began = performance.now();
    let walks = 0;
    while (performance.now() - began < ROUND_MS) {
      for (let inner = 0; inner < 20; inner += 1) seen += walk();
      walks += 20;
    }
    // The first round warms up.
    if (round > 0) rounds.push(((performance.now() - began) * 1_000) / (walks * WALK));
  }
  if (!Number.isFinite(seen)) throw new Error('an instant is missing');
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1]!;
}

/** Prints microseconds per due time, and the ratio to the faster of the two others. */
export async function run(): Promise<void> {
  const row = (...cells: string[]) =>
    process.stdout.write(
      `${cells[0]!.padEnd(34)}${cells
        .slice(1)
        .map((cell) => cell.padStart(13))
        .join('')}\n`,
    );
  row('next instant, us', 'ours', 'cron-parser', 'croner', 'times faster');
  for (const entry of cases) {
    const walks = [ours(entry), cronParsers(entry), croners(entry)] as const;
    if (walks[0]() !== walks[2]()) throw new Error(`${entry.cron}: ours and croner's instants differ`);
    const [own, parser, croner] = walks.map(microseconds) as [number, number, number];
    const cells = [
      own.toFixed(3),
      parser.toFixed(1),
      croner.toFixed(1),
      (Math.min(parser, croner) / own).toFixed(0),
    ];
    row(`${entry.cron} ${entry.timezone}`, ...cells);
  }
}
