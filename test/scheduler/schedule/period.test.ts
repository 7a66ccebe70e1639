import { describe, expect, test } from 'vitest';
import { durationMs, formatDuration, parseDuration } from '../../../src/scheduler/schedule/period.ts';

describe('durations', () => {
  test.each([
    ['PT5S', { months: 0, days: 0, ms: 5_000 }],
    ['PT1H30M', { months: 0, days: 0, ms: 5_400_000 }],
    ['P1Y2M10DT2H30M', { months: 14, days: 10, ms: 9_000_000 }],
    ['P1W2D', { months: 0, days: 9, ms: 0 }],
    ['PT0.25S', { months: 0, days: 0, ms: 250 }],
    ['PT0,5S', { months: 0, days: 0, ms: 500 }],
    ['PT1.500000S', { months: 0, days: 0, ms: 1_500 }],
    ['PT0S', { months: 0, days: 0, ms: 0 }],
    ['PT0.5H', { months: 0, days: 0, ms: 1_800_000 }],
    ['PT0,5H', { months: 0, days: 0, ms: 1_800_000 }],
    ['PT1H0.25M', { months: 0, days: 0, ms: 3_615_000 }],
    ['P1.5D', { months: 0, days: 1, ms: 43_200_000 }],
    ['P0.5W', { months: 0, days: 3, ms: 43_200_000 }],
    ['P1M0.5D', { months: 1, days: 0, ms: 43_200_000 }],
    ['PT1.0H', { months: 0, days: 0, ms: 3_600_000 }],
    ['P1.0M', { months: 1, days: 0, ms: 0 }],
  ])('%s', (text, period) => {
    expect(parseDuration(text, 'policy.timeout')).toEqual(period);
  });

  test.each([
    ['PT1H', 3_600_000],
    ['P1D', 86_400_000],
    ['P1W', 604_800_000],
    ['PT0S', 0],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
  ])('%s of a policy is %i ms', (text, ms) => {
    expect(durationMs(text, 'policy.timeout')).toBe(ms);
  });

  test.each([
    ['P1M', 'has years or months, whose length varies'],
    ['P', 'has length zero'],
    ['PT', 'has length zero'],
    ['1 h', 'is not an ISO 8601 duration: write 1h or PT1H.'],
    ['1 hour', 'is not an ISO 8601 duration: write 1h or PT1H.'],
    ['90 Minutes', 'is not an ISO 8601 duration: write 90m or PT1H30M.'],
    ['5 min', 'is not an ISO 8601 duration: write 5m or PT5M.'],
    ['2hrs', 'is not an ISO 8601 duration: write 2h or PT2H.'],
    ['1H 30M', 'is not an ISO 8601 duration: write 1h30m or PT1H30M.'],
    ['3 days', 'is not an ISO 8601 duration: write P3D.'],
    ['2w', 'is not an ISO 8601 duration: write P14D.'],
    ['pt1h', 'is not an ISO 8601 duration: write PT1H.'],
    ['p1dt2h', 'is not an ISO 8601 duration: write P1DT2H.'],
    ['0 hours', 'is not an ISO 8601 duration. Allowed'],
    ['soon', 'is not an ISO 8601 duration. Allowed'],
    ['1h30', 'is not an ISO 8601 duration'],
    ['90', 'has no unit: write 90s or PT90S'],
    ['1.5', 'has no unit: write 1.5s or PT1.5S'],
    ['PT5', 'is not an ISO 8601 duration'],
    ['P1DT', 'is not an ISO 8601 duration'],
    ['-PT5S', 'is negative'],
    ['PT1.5H30M', 'has a fraction before its last part'],
    ['P0.5DT1H', 'has a fraction before its last part'],
    ['P0.5Y', 'has a fraction of a year or month, whose length varies'],
    ['P0.5M', 'has a fraction of a year or month, whose length varies'],
    ['PT0.3333333333H', 'is finer than a millisecond'],
    ['PT.5H', 'is not an ISO 8601 duration'],
    ['PT5.H', 'is not an ISO 8601 duration'],
  ])('%s is refused by the name of its field', (text, problem) => {
    expect(() => durationMs(text, 'policy.timeout')).toThrow(
      expect.objectContaining({
        code: 'INVALID_FIELD',
        message: expect.stringContaining(`policy.timeout: the duration "${text}" ${problem}`),
        details: expect.objectContaining({ field: 'policy.timeout', value: text }),
      }),
    );
  });

  test.each([
    [0, 'PT0S'],
    [250, 'PT0.25S'],
    [5_400_000, 'PT1H30M'],
    [90_061_001, 'PT25H1M1.001S'],
  ])('%i ms is written %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
    expect(durationMs(text, 'x')).toBe(ms);
  });
});
