/**
 * Facts from other schedulers' test suites, from java.time, and from a simulation of cronie's main loop:
 * expression, zone, instant, and what comes next. Only rows that agree with our dialect are run.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { CarillonError } from '../../../src/errors.ts';
import type { Schedule } from '../../../src/scheduler/schedule/model.ts';
import { nextInstant, previousInstant } from '../../../src/scheduler/schedule/next.ts';
import { compileSchedule, resolveSchedule } from '../../../src/scheduler/schedule/parse.ts';

interface Vector {
  readonly id: string;
  readonly kind: 'cron' | 'iso8601';
  readonly expr: string;
  readonly tz: string;
  readonly after: string;
  readonly next: readonly string[] | null;
  readonly notNext?: string;
  readonly until?: string;
  readonly complete?: boolean;
  readonly recommended: 'match' | 'differs' | 'unsupported';
}

const folder = new URL('../../vectors/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

function instantsOf(vector: Vector): { instants: string[]; back: string[]; complete: boolean } {
  const after = Date.parse(vector.after);
  const written = vector.kind === 'cron' ? { cron: vector.expr } : { every: vector.expr };
  const input = { ...written, timezone: vector.tz };
  // Half a second is finer than may be submitted, so that row is compiled as it is.
  const schedule = compileSchedule(
    vector.expr.endsWith('/PT0.5S')
      ? input
      : resolveSchedule(input, { hashSeed: 'vectors', now: after }).resolved,
  );
  const until = vector.until === undefined ? Infinity : Date.parse(vector.until);
  const wanted = vector.next?.length ?? 1;
  const instants: string[] = [];
  let instant = nextInstant(schedule, after);
  while (instant !== null && instant <= until && instants.length < wanted) {
    instants.push(new Date(instant).toISOString());
    instant = nextInstant(schedule, instant);
  }
  return {
    instants,
    back: instantsBefore(schedule, instants, after),
    complete: instant === null || instant > until,
  };
}

/** As many as there are, from after the last of them, as far as `after`. */
function instantsBefore(schedule: Schedule, instants: readonly string[], after: number): string[] {
  const back: string[] = [];
  const last = instants.at(-1);
  let instant = last === undefined ? null : previousInstant(schedule, Date.parse(last) + 1);
  while (instant !== null && instant > after) {
    back.unshift(new Date(instant).toISOString());
    instant = previousInstant(schedule, instant);
  }
  return back;
}

for (const file of files) {
  const vectors = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Vector[];
  const matching = vectors.filter((vector) => vector.recommended === 'match');
  describe(file, () => {
    test.each(
      matching.map((vector) => [`${vector.id}: ${vector.expr} in ${vector.tz || 'UTC'}`, vector] as const),
    )('%s', (_, vector) => {
      if (vector.next?.length === 0 && vector.until === undefined) {
        expect(() => instantsOf(vector)).toThrow(
          expect.objectContaining({ code: 'SCHEDULE_NEVER_FIRES' } satisfies Partial<CarillonError>),
        );
        return;
      }
      const { instants, back, complete } = instantsOf(vector);
      expect(back).toEqual(instants);
      if (vector.notNext !== undefined) expect(instants[0]).not.toBe(new Date(vector.notNext).toISOString());
      if (vector.next !== null)
        expect(instants).toEqual(vector.next.map((text) => new Date(text).toISOString()));
      if (vector.complete === true) expect(complete).toBe(true);
    });
  });
}

test('every file of vectors has rows that are run', () => {
  expect(files.length).toBe(6);
});
