/** A text that is no schedule of its kind is answered with the one that was probably meant. */

import { describe, expect, test } from 'vitest';
import type { ScheduleInput } from '../../../src/scheduler/schedule/model.ts';
import { resolveSchedule } from '../../../src/scheduler/schedule/parse.ts';

const now = Date.UTC(2026, 10, 21);

describe('a schedule of another kind is named', () => {
  test.each<[ScheduleInput, string]>([
    [{ every: '0 1 * * *' }, 'cron: "0 1 * * *"'],
    [{ every: '@hourly' }, 'cron: "@hourly"'],
    [{ at: '*/5 * * * *' }, 'cron: "*/5 * * * *"'],
    [{ at: '5m' }, 'every: 5m'],
    [{ cron: 'R/2026-01-01T00:00:00Z/P1D' }, 'every: R/2026-01-01T00:00:00Z/P1D'],
    [{ cron: '2026-12-01T00:00:00Z' }, 'at: 2026-12-01T00:00:00Z'],
    [{ cron: '5m' }, 'every: 5m'],
    [{ cron: 'PT5M' }, 'every: PT5M'],
    [{ cron: 'hourly' }, 'cron: "@hourly"'],
    [{ cron: '“0 1 * * *”' }, 'cron: "0 1 * * *"'],
    [{ cron: 'every 5 minutes' }, 'every: 5m'],
    [{ every: 'every 2 Hours' }, 'every: 2h'],
    [{ every: '10 secs' }, 'every: 10s'],
    [{ every: 'day' }, 'every: P1D'],
    [{ every: '2 weeks' }, 'every: P14D'],
    [{ every: '3 months' }, 'every: P3M'],
    [{ at: '2026-12-01 02:00' }, 'at: 2026-12-01T02:00'],
  ])('%j', (input, meant) => {
    expect(() => resolveSchedule(input, { hashSeed: 'a', now })).toThrow(` Did you mean \`${meant}\`?`);
  });
});

test.each<[ScheduleInput]>([
  [{ cron: '99 * * * *' }],
  [{ cron: '0 0 30 2 *' }],
  [{ cron: 'nonsense' }],
  [{ every: 'P0D' }],
  [{ every: '0 minutes' }],
  [{ every: 'PT0.5S' }],
  [{ at: 'tomorrow' }],
])('nothing is guessed for %j', (input) => {
  const refuse = () => resolveSchedule(input, { hashSeed: 'a', now });
  expect(refuse).toThrow();
  expect(refuse).not.toThrow('Did you mean');
});
