/** Random jobs: small graphs over schedules of seconds to minutes, with every policy. */

import type { LaunchSpec } from '../../src/scheduler/job/spec.ts';
import type { Course } from './engine.ts';
import { Random } from './random.ts';

type Definition = { name: string } & Record<string, unknown>;

const PERIODS = ['PT20S', 'PT30S', 'PT45S', 'PT1M', 'PT2M', 'PT5M', 'PT10M'];
const CRONS = ['*/20 * * * * *', '* * * * *', '*/2 * * * *', '*/5 * * * *', '30 */3 * * * *', '7 * * * *'];

export function scheduledJob(random: Random, name: string, epochMs: number, nowMs: number): Definition {
  return {
    name,
    schedule: timeSchedule(random, epochMs, nowMs),
    run: runOf(random),
    policy: policyOf(random),
    ...rulesOf(random),
  };
}

/** Two or three jobs of one cadence, so that what hangs on them has rounds. */
export function jobSet(random: Random, epochMs: number): Definition[] {
  const shared = timeSchedule(random, epochMs, epochMs, false);
  const jobs: Definition[] = ['a', 'b'].map((name) => ({
    name,
    schedule: shared,
    run: runOf(random),
    policy: policyOf(random),
  }));
  for (const name of ['c', 'd'].slice(0, random.between(0, 2)))
    jobs.push(scheduledJob(random, name, epochMs, epochMs));
  const children = ['e', 'f', 'g', 'h'].slice(0, random.between(1, 4));
  for (const name of children)
    jobs.push(
      dependentJob(
        random,
        name,
        jobs.map((job) => job.name),
      ),
    );
  if (random.chance(0.5)) jobs.push({ name: 'm', run: runOf(random), policy: policyOf(random) });
  return jobs;
}

function dependentJob(random: Random, name: string, others: readonly string[]): Definition {
  const [first = 'a', second = 'b'] = others;
  const parents = random.chance(0.5)
    ? [first, second]
    : [...new Set([random.pick(others), random.pick(others)])].slice(0, random.between(1, 2));
  const when = random.pick([
    'all-succeeded',
    'all-done',
    'all-done',
    'any-succeeded',
    'any-failed',
    'all-failed',
  ]);
  return {
    name,
    schedule: { after: { parents, when } },
    run: runOf(random),
    policy: policyOf(random),
    ...rulesOf(random),
  };
}

/** Sometimes two schedules, or one with an end. */
function timeSchedule(random: Random, epochMs: number, nowMs: number, once = true): object {
  const schedule = oneSchedule(random, epochMs, nowMs, once);
  if ('at' in schedule) return schedule;
  if (random.chance(0.1)) {
    const other = { ...oneSchedule(random, epochMs, nowMs, false), params: { OTHER: '1' } };
    return { any: [schedule, other] };
  }
  const end = new Date(nowMs + random.between(600_000, 3_600_000)).toISOString();
  return random.chance(0.1) ? { ...schedule, end } : schedule;
}

function oneSchedule(random: Random, epochMs: number, nowMs: number, once: boolean): object {
  if (once && random.chance(0.1))
    return { at: new Date(nowMs + random.between(5_000, 1_200_000)).toISOString() };
  if (random.chance(0.5)) return { cron: random.pick(CRONS) };
  const start = new Date(epochMs - random.between(0, 3) * 1_000).toISOString();
  const count = random.chance(0.1) ? String(random.between(1, 30)) : '';
  return { every: `R${count}/${start}/${random.pick(PERIODS)}` };
}

function runOf(random: Random): object {
  if (random.chance(0.5)) return { image: 'job', command: 'true' };
  return { command: 'true', ...(random.chance(0.6) && { on: 'any' }) };
}

function policyOf(random: Random): object {
  return {
    overlap: random.pick(['skip', 'queue', 'queue-all', 'allow', 'replace']),
    catchUp: random.pick(['none', 'latest', 'all']),
    ...(random.chance(0.2) ? { catchUpLimit: random.between(1, 5) } : {}),
    ...(random.chance(0.2) ? { startWithin: random.pick(['PT10S', 'PT2M']) } : {}),
    ...(random.chance(0.6)
      ? {
          retries: {
            limit: random.between(1, 3),
            delay: random.pick(['PT1S', 'PT15S']),
            ...(random.chance(0.2) && { exceptExitCodes: [75] }),
          },
        }
      : {}),
    ...(random.chance(0.3) ? { timeout: random.pick(['PT5S', 'PT30S', 'PT2M']), killAfter: 'PT2S' } : {}),
    ...(random.chance(0.2) ? { concurrency: random.between(1, 2) } : {}),
    ...(random.chance(0.2) ? { pool: 'etl' } : {}),
    ...(random.chance(0.2) ? { priority: random.between(0, 3) } : {}),
    ...(random.chance(0.1) ? { disableAfterFailures: random.between(3, 6) } : {}),
    ...(random.chance(0.2) ? { skipExitCodes: [99] } : {}),
    ...(random.chance(0.2) ? { totalTimeout: random.pick(['PT20S', 'PT1M', 'PT5M']) } : {}),
  };
}

/** Parameters with templates of them, and a condition that some due times meet. */
function rulesOf(random: Random): object {
  return {
    ...(random.chance(0.3)
      ? { params: { size: { type: 'integer', default: 3 } }, labels: { size: '{{ params.size | plus: 1 }}' } }
      : {}),
    ...(random.chance(0.1) ? { runIf: '{{ due contains "0:00" or due contains "2:" }}' } : {}),
  };
}

/** How an attempt goes is decided by its name, so that nothing else moves it. */
export function courseOf(seed: number): (spec: LaunchSpec) => Course {
  const known = new Map<string, Course>();
  return ({ launchName }) => {
    let course = known.get(launchName);
    if (course === undefined) {
      const random = new Random(seed, launchName);
      course = {
        durationMs: random.chance(0.1) ? random.between(20_000, 240_000) : random.mostlySmall(5, 30_000),
        exitCode: random.chance(0.15) ? random.pick([1, 1, 75, 99]) : 0,
        deaf: random.chance(0.1),
      };
      known.set(launchName, course);
    }
    return course;
  };
}
