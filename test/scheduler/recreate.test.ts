/** A job that is removed and made anew under its name is another job. */

import { expect, test } from 'vitest';
import { Rig } from '../support/rig.ts';

test('its launches have other names, though its instants are the same', () => {
  const rig = new Rig('2026-01-01T00:00:00Z');
  const repeating = {
    name: 'a',
    schedule: { every: 'R/2026-01-01T00:00:10Z/PT1M' },
    policy: { catchUp: 'all' },
  };
  const firstLaunch = (): string | undefined =>
    rig.history.findLast((run) => run.due === Date.parse('2026-01-01T00:00:10Z'))?.attempts[0]?.launchName;
  rig.put(repeating);
  rig.advance('2026-01-01T00:00:20Z');
  rig.end('a');
  const before = firstLaunch();
  rig.submit({ kind: 'delete-job', name: 'a', dependents: 'refuse', by: 'test' });
  rig.put(repeating);
  rig.advance('2026-01-01T00:00:30Z');
  rig.end('a');
  expect(before).toBeDefined();
  expect(firstLaunch()).not.toBe(before);
});
