/** Maintenance windows in a file of alerts. */

import { describe, expect, test } from 'vitest';
import { parseAlertsFile } from '../../src/notify/file.ts';

const windowsOf = (windows: string) =>
  parseAlertsFile(
    `receivers: { ops: { command: { argv: [page] } } }\nmaintenance: ${windows}\n`,
    'alerts.yaml',
  ).maintenance;

describe('a maintenance window', () => {
  test('has an end', () => {
    const written = '{ reason: x, from: 2026-12-05T20:00:00+01:00, until: 2026-12-06T04:00:00Z }';
    expect(windowsOf(`[${written}]`)).toEqual([
      {
        ...{ labels: {}, owner: null, hours: null, reason: 'x' },
        from: Date.parse('2026-12-05T19:00:00Z'),
        until: Date.parse('2026-12-06T04:00:00Z'),
      },
    ]);
  });

  test('or hours that come again', () => {
    const hours = '{ days: sun, from: "02:00", to: "04:00", timezone: Europe/Berlin }';
    expect(
      windowsOf(`[{ reason: x, match: { labels: { db: warehouse }, owner: me }, hours: ${hours} }]`),
    ).toMatchObject([
      { labels: { db: 'warehouse' }, owner: 'me', until: null, hours: { days: [0], from: 120, to: 240 } },
    ]);
  });

  test.each([
    ['[{ reason: x }]', 'maintenance[0] has no end. Allowed: until, or hours.'],
    ['[{ until: 2026-12-06T04:00:00Z }]', 'maintenance[0].reason'],
    ['[{ reason: x, until: tomorrow }]', 'maintenance[0].until'],
    ['[{ reason: x, until: 2026-12-06T04:00:00 }]', 'maintenance[0].until'],
    [
      '[{ reason: x, from: 2026-12-06T04:00:00Z, until: 2026-12-06T04:00:00Z }]',
      'maintenance[0].until is not after from. Allowed: a later time.',
    ],
    ['[{ reason: x, hours: { days: someday, timezone: UTC } }]', 'maintenance[0].hours.days'],
    ['[{ reason: x, jobs: [a], until: 2026-12-06T04:00:00Z }]', 'maintenance[0].jobs'],
  ])('is refused if it is %s', (windows, says) => {
    expect(() => windowsOf(windows)).toThrow(says);
  });
});
