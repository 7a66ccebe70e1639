/** Which receivers the routes choose for an alert. A route may be limited to hours of the week. */

import { hasLabels } from '../job/node-choice.ts';
import type { Alert, Hours, Route } from '../model/alert.ts';
import { DAY_MS, weekdayOf } from '../schedule/civil.ts';
import { offsetAt, zoneOf } from '../schedule/zone.ts';

/** What routes look at. */
export type Routed = Pick<Alert, 'owner' | 'labels' | 'condition' | 'severity'>;

/** Receivers of the first route that matches at this time, and of each after it while those say `continue`. */
export function routed(routes: readonly Route[], alert: Routed, now: number): readonly string[] {
  const found = new Set<string>();
  for (const route of routes) {
    if (!matches(route, alert, now)) continue;
    for (const receiver of route.to) found.add(receiver);
    if (!route.continue) break;
  }
  return [...found];
}

function matches(route: Route, { owner, labels, condition, severity }: Routed, now: number): boolean {
  return (
    (route.owner === null || route.owner === owner) &&
    (route.conditions === null || route.conditions.includes(condition)) &&
    (route.severities === null || route.severities.includes(severity)) &&
    hasLabels(labels, route.labels) &&
    (route.hours === null || isWithin(route.hours, now))
  );
}

/** By what clocks in the zone show. Hours that end at an earlier time than they begin end on the next day. */
function isWithin({ days, from, to, timezone }: Hours, now: number): boolean {
  const wall = now + offsetAt(zoneOf(timezone), now);
  const day = Math.floor(wall / DAY_MS);
  const minute = (wall - day * DAY_MS) / 60_000;
  const begin = (on: number): boolean => days.includes(weekdayOf(on));
  if (from < to) return begin(day) && minute >= from && minute < to;
  return (begin(day) && minute >= from) || (begin(day - 1) && minute < to);
}
