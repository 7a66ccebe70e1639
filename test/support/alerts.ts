/** A job whose alerts are watched in the pure core. */

import type { Route } from '../../src/scheduler/model/alert.ts';
import { Rig, testSettings } from './rig.ts';

export const anyRoute: Route = {
  labels: {},
  owner: null,
  conditions: null,
  severities: null,
  hours: null,
  to: ['pager'],
  repeatMs: null,
  escalate: [],
  continue: false,
};

export const hourly = { name: 'load', schedule: { cron: '0 * * * *' } };

export function rigOf(definition: object = {}, routes: readonly Route[] = [anyRoute]): Rig {
  const rig = new Rig('2026-01-01T00:30:00Z', { ...testSettings, routes });
  rig.put({ ...hourly, ...definition });
  return rig;
}

export const hourMs = 3_600_000;

/** At its next due times, it ends at once. */
export function runs(rig: Rig, ...exitCodes: number[]): void {
  for (const exitCode of exitCodes) {
    rig.advance(hourMs - (rig.now % hourMs));
    rig.end('load', exitCode);
  }
}

/** Everything that was ever owed, as one line each. */
export const told = (rig: Rig): string[] =>
  rig.effects.flatMap((effect) =>
    effect.kind === 'notify'
      ? [
          `${effect.notification.step} ${effect.notification.alert.condition} ×${effect.notification.alert.count} to ${effect.notification.receiver}`,
        ]
      : [],
  );
