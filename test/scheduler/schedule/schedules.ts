/** Short ways to ask the engine questions in tests: instants go in and come out as ISO text. */

import type { Schedule, ScheduleInput } from '../../../src/scheduler/schedule/model.ts';
import { nextInstant } from '../../../src/scheduler/schedule/next.ts';
import { compileSchedule, resolveSchedule } from '../../../src/scheduler/schedule/parse.ts';

export const NOW = '2024-01-01T00:00:00.500Z';

export function resolve(input: ScheduleInput, context: { seed?: string; now?: string } = {}) {
  return resolveSchedule(input, {
    hashSeed: context.seed ?? 'default/report',
    now: Date.parse(context.now ?? NOW),
  });
}

export function scheduleOf(input: ScheduleInput): Schedule {
  return compileSchedule(resolve(input).resolved);
}

/** `2024-03-10T07:00:00Z`: seconds suffice, and milliseconds show only where there are any. */
export function iso(instantMs: number): string {
  return new Date(instantMs).toISOString().replace('.000Z', 'Z');
}

/** The next `count` instants after `after`. */
export function next(input: ScheduleInput, after: string, count = 1): string[] {
  const schedule = scheduleOf(input);
  const instants: string[] = [];
  let instant = nextInstant(schedule, Date.parse(after));
  while (instant !== null && instants.length < count) {
    instants.push(iso(instant));
    instant = nextInstant(schedule, instant);
  }
  return instants;
}

/** All instants in (after, until], as a list of at most a thousand. */
export function all(input: ScheduleInput, after: string, until: string): string[] {
  return next(input, after, 1_000).filter((instant) => instant <= until);
}
