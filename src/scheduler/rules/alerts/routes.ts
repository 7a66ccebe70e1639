/** Which routes are those of an alert. A route may be limited to hours of the week. */

import { hasLabels } from '../../job/node-choice.ts';
import type { Alert, Hours, Route } from '../../model/alert.ts';
import { addressesOf } from '../../model/owner.ts';
import { DAY_MS, weekdayOf } from '../../schedule/civil.ts';
import { offsetAt, zoneOf } from '../../schedule/zone.ts';

/** What routes look at. */
export type Routed = Pick<Alert, 'owner' | 'labels' | 'condition' | 'severity'>;

/** The first route that matches at this time, and each after it while those say `continue`. */
export function routed(routes: readonly Route[], alert: Routed, now: number): readonly Route[] {
  const open = matching(routes, alert).filter((route) => isOpen(route, now));
  const last = open.findIndex((route) => !route.continue);
  return last < 0 ? open : open.slice(0, last + 1);
}

/** All that match at some time. */
export const matching = (routes: readonly Route[], alert: Routed): readonly Route[] =>
  routes.flatMap((route) => {
    const to = reached(route, alert);
    return to.length > 0 && matches(route, alert) ? [{ ...route, to }] : [];
  });

/** Those that write to owners are only for jobs whose owner has an address there. */
const reached = ({ to, ownersAt }: Route, { owner }: Routed): readonly string[] =>
  to.filter((name) => {
    const domains = ownersAt?.get(name);
    return domains === undefined || addressesOf(owner, domains).length > 0;
  });

/** Of which jobs: all labels, and the owner if there is one. */
export const matchesSubject = (
  { labels, owner }: Pick<Route, 'labels' | 'owner'>,
  subject: Routed,
): boolean => (owner === null || owner === subject.owner) && hasLabels(subject.labels, labels);

function matches(route: Route, subject: Routed): boolean {
  const { condition, severity } = subject;
  return (
    (route.conditions === null || route.conditions.includes(condition)) &&
    (route.severities === null || route.severities.includes(severity)) &&
    matchesSubject(route, subject)
  );
}

const isOpen = ({ hours }: Route, now: number): boolean => hours === null || isWithin(hours, now);

/** By what clocks in the zone show. Hours that end at an earlier time than they begin end on the next day. */
export function isWithin({ days, from, to, timezone }: Hours, now: number): boolean {
  const wall = now + offsetAt(zoneOf(timezone), now);
  const day = Math.floor(wall / DAY_MS);
  const minute = (wall - day * DAY_MS) / 60_000;
  const begin = (on: number): boolean => days.includes(weekdayOf(on));
  if (from < to) return begin(day) && minute >= from && minute < to;
  return (begin(day) && minute >= from) || (begin(day - 1) && minute < to);
}
