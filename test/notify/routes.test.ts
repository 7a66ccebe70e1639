/** The routes in a file of alerts. */

import { describe, expect, test } from 'vitest';
import { parseAlertsFile } from '../../src/notify/file.ts';
import type { Hours, Route } from '../../src/scheduler/model/alert.ts';

const routesOf = (routes: string): readonly Route[] =>
  parseAlertsFile(`receivers: { ops: { command: { argv: [page] } } }\nroutes: ${routes}\n`, 'alerts.yaml')
    .routes;
const hoursOf = (hours: string): Hours | null | undefined =>
  routesOf(`[{ to: [ops], match: { hours: ${hours} } }]`)[0]?.hours;

describe('routes', () => {
  test('match everything unless they say more', () => {
    const open = { labels: {}, owner: null, conditions: null, severities: null, hours: null };
    const quiet = { repeatMs: null, escalate: [] };
    expect(routesOf('[{ to: [ops] }]')).toEqual([{ ...open, ...quiet, to: ['ops'], continue: false }]);
    expect(
      routesOf(
        '[{ to: [ops], continue: true, match: { owner: etl, labels: { a: b }, severities: [info] } }]',
      ),
    ).toEqual([
      {
        ...open,
        ...quiet,
        to: ['ops'],
        continue: true,
        owner: 'etl',
        labels: { a: 'b' },
        severities: ['info'],
      },
    ]);
  });

  test('say when an open alert is reported again, and to whom else', () => {
    expect(
      routesOf('[{ to: [ops], repeatEvery: 4h, escalate: [{ after: PT30M, to: [ops] }] }]'),
    ).toMatchObject([{ repeatMs: 14_400_000, escalate: [{ afterMs: 1_800_000, to: ['ops'] }] }]);
  });

  test.each([
    [
      '[{ to: [ops], repeatEvery: 5s }]',
      'routes[0].repeatEvery is 5s. Allowed: a duration of at least 60 seconds.',
    ],
    ['[{ to: [ops], escalate: [{ after: 0s, to: [ops] }] }]', 'routes[0].escalate[0].after is 0s.'],
    ['[{ to: [ops], escalate: [{ after: 1m, to: [opps] }] }]', "routes[0].escalate[0].to names 'opps'"],
  ])('refuse %s', (text, says) => {
    expect(() => routesOf(text)).toThrow(says);
  });

  test('know their receivers that write to owners', () => {
    const mail = 'mail: { toOwner: true, ownerDomains: [b], from: a@b, host: h }';
    const text = `
receivers:
  owners: { ${mail} }
  ops: { command: { argv: [page] } }
routes:
  - { to: [ops, owners], match: { labels: { a: b } } }
  - { to: [ops] }
`;
    const { routes } = parseAlertsFile(text, 'alerts.yaml');
    expect(routes).toMatchObject([
      { to: ['ops', 'owners'], ownersAt: new Map([['owners', ['b']]]), labels: { a: 'b' } },
      { to: ['ops'] },
    ]);
    expect(routes[1]).not.toHaveProperty('ownersAt');
  });

  test.each<[string, Partial<Hours>]>([
    ['{ timezone: UTC }', { days: [0, 1, 2, 3, 4, 5, 6], from: 0, to: 1_440, timezone: 'UTC' }],
    [
      '{ days: mon-fri, from: "09:00", to: "17:30", timezone: UTC }',
      { days: [1, 2, 3, 4, 5], from: 540, to: 1_050 },
    ],
    ['{ days: "Sat, SUN", timezone: UTC }', { days: [0, 6] }],
    ['{ days: fri-mon, timezone: UTC }', { days: [0, 1, 5, 6] }],
    ['{ days: "mon,wed-thu", timezone: UTC }', { days: [1, 3, 4] }],
    [
      '{ from: 22:00, to: 06:00, timezone: europe/berlin }',
      { from: 1_320, to: 360, timezone: 'europe/berlin' },
    ],
    ['{ to: "24:00", timezone: BST }', { to: 1_440, timezone: 'Europe/London' }],
  ])('have hours: %s', (written, hours) => {
    expect(hoursOf(written)).toMatchObject(hours);
  });

  test.each([
    ['{}', 'routes[0].match.hours.timezone is missing.'],
    ['{ timezone: Mars/Base }', 'routes[0].match.hours.timezone: unknown time zone "Mars/Base".'],
    ['{ zone: UTC }', 'timezone is missing.'],
    ['{ days: [mon], timezone: UTC }', 'hours.days is a list of 1, but must be text.'],
    ['{ days: workdays, timezone: UTC }', 'days is "workdays". Allowed: days of the week, such as mon-fri'],
    ['{ days: mon-wed-fri, timezone: UTC }', 'days is "mon-wed-fri".'],
    ['{ days: "mon,", timezone: UTC }', 'days is "mon,".'],
    ['{ from: "9:00", timezone: UTC }', 'from is "9:00". Allowed: a time of day, such as "09:00".'],
    ['{ from: "24:00", timezone: UTC }', 'from is "24:00".'],
    ['{ to: "24:30", timezone: UTC }', 'to is "24:30". Allowed: a time of day, such as "17:30", or "24:00".'],
    ['{ from: 9, timezone: UTC }', 'from is 9, but must be text.'],
    [
      '{ from: "09:00", to: "09:00", timezone: UTC }',
      'to is "09:00". Allowed: another time than that of from.',
    ],
  ])('do not have hours like %s', (written, words) => {
    expect(() => hoursOf(written)).toThrow(words);
  });
});
