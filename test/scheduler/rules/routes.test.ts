/** Routes that are limited to hours of the week. */

import { describe, expect, test } from 'vitest';
import type { Hours, Route } from '../../../src/scheduler/model/alert.ts';
import { routed } from '../../../src/scheduler/rules/alerts/routes.ts';

const anyRoute: Route = {
  ...{ labels: {}, owner: null, conditions: null, severities: null, hours: null },
  ...{ to: ['pager'], repeatMs: null, escalate: [], continue: false },
};
const alert = { owner: null, labels: {}, condition: 'failed', severity: 'critical' } as const;

const weekdays = [1, 2, 3, 4, 5];
const hours = (days: readonly number[], from: string, to: string, timezone: string): Hours => {
  const minutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
  return { days, from: minutes(from), to: minutes(to), timezone };
};
const office = hours(weekdays, '09:00', '18:00', 'Europe/Berlin');
const nights = hours(weekdays, '22:00', '06:00', 'Europe/Berlin');
const weekend = hours([0, 6], '00:00', '24:00', 'Europe/Berlin');
/** Clocks go from 02:00 to 03:00 on 29 March 2026, and from 03:00 to 02:00 on 25 October 2026. */
const small = hours([0], '02:30', '03:30', 'Europe/Berlin');

test('a route to owners is only for jobs whose owner has an address', () => {
  const ownersAt = new Map([
    ['owners', ['example.com']],
    ['others', ['example.net']],
  ]);
  const routes = [{ ...anyRoute, ownersAt, to: ['owners', 'others'] }, anyRoute];
  const of = (owner: string | null) => routed(routes, { ...alert, owner }, 0).flatMap(({ to }) => to);
  expect(of('ann@example.com')).toEqual(['owners']);
  expect(of('ann@example.com,bob@example.net')).toEqual(['owners', 'others']);
  expect(of('data team')).toEqual(['pager']);
  expect(of('eve@evil.example.org')).toEqual(['pager']);
  expect(of(null)).toEqual(['pager']);
});

describe('hours of a route', () => {
  // 2 January 2026 is a Friday.
  test.each<[string, Hours, string, boolean]>([
    ['begin at their first minute, in winter', office, '2026-01-02T08:00:00Z', true],
    ['have not begun before', office, '2026-01-02T07:59:59.999Z', false],
    ['begin at the same local time in summer', office, '2026-07-03T07:00:00Z', true],
    ['have ended at their end', office, '2026-01-02T17:00:00Z', false],
    ['last until their end', office, '2026-01-02T16:59:59.999Z', true],
    ['are not on other days', office, '2026-01-03T10:00:00Z', false],
    [
      'are by the day of the zone, not of UTC',
      hours([6], '00:00', '01:00', 'Europe/Berlin'),
      '2026-01-02T23:30:00Z',
      true,
    ],
    ['go across midnight', nights, '2026-01-02T23:30:00Z', true],
    [
      'belong to the day on which they begin: Friday night ends on Saturday',
      nights,
      '2026-01-03T04:59:59Z',
      true,
    ],
    ['and end there', nights, '2026-01-03T05:00:00Z', false],
    ['and do not begin on Saturday', nights, '2026-01-03T21:30:00Z', false],
    ['nor had Sunday night begun on a weekday', nights, '2026-01-05T04:00:00Z', false],
    ['are the whole day', weekend, '2026-01-03T22:59:59.999Z', true],
    ['up to its end', weekend, '2026-01-04T23:00:00Z', false],
    ['that the clocks skip in part begin late', small, '2026-03-29T01:00:00Z', true],
    ['and end on time', small, '2026-03-29T01:30:00Z', false],
    ['that come twice are there twice', small, '2026-10-25T00:30:00Z', true],
    ['not between', small, '2026-10-25T01:00:00Z', false],
    ['and again', small, '2026-10-25T02:29:59Z', true],
    [
      'in a zone of half an hour',
      hours(weekdays, '09:00', '18:00', 'Asia/Kolkata'),
      '2026-01-02T03:30:00Z',
      true,
    ],
  ])('%s', (_, each, now, isWithin) => {
    const routes = [{ ...anyRoute, hours: each }];
    expect(routed(routes, alert, Date.parse(now)).flatMap(({ to }) => to)).toEqual(isWithin ? ['pager'] : []);
  });

  test('leave the alert to the next routes: tickets by day, pages by night', () => {
    const routes = [{ ...anyRoute, hours: office, to: ['tickets'] }, anyRoute];
    const at = (now: string) => routed(routes, alert, Date.parse(now)).flatMap(({ to }) => to);
    expect(at('2026-01-02T12:00:00Z')).toEqual(['tickets']);
    expect(at('2026-01-02T20:00:00Z')).toEqual(['pager']);
  });
});
