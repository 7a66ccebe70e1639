/** Who is notified of an open alert again, and when. */

import { describe, expect, test } from 'vitest';
import { anyRoute, rigOf, runs, told } from '../../support/alerts.ts';
import type { Rig } from '../../support/rig.ts';

const minuteMs = 60_000;

/** It failed at 01:00. */
function failing(alerts: object): Rig {
  const rig = rigOf({ alerts });
  runs(rig, 1);
  return rig;
}

const acknowledge = (rig: Rig, until: number | null = null): void => {
  const { id } = rig.alerts.get('load.failed') ?? { id: '' };
  rig.submit({ kind: 'acknowledge', id, until, by: 'ann' });
};
const mute = (rig: Rig, until: number): void => {
  rig.submit({ kind: 'mute', name: 'load', until, reason: 'a test', by: 'ann' });
};

const opened = 'opened failed ×1 to pager';
const repeated = 'repeated failed ×1 to pager';
const resolved = 'resolved failed ×1 to pager';

describe('an alert that stays open', () => {
  test('is not repeated by default', () => {
    const rig = failing({});
    rig.advance(50 * minuteMs);
    expect(told(rig)).toEqual([opened]);
  });

  test('is repeated as often as its job says, until it ends', () => {
    const rig = failing({ repeatEvery: '25m' });
    rig.advance(55 * minuteMs);
    expect(told(rig)).toEqual([opened, repeated, repeated]);
    runs(rig, 0);
    rig.advance(50 * minuteMs);
    expect(told(rig)).toEqual([opened, repeated, repeated, resolved]);
  });

  test('is repeated as often as its route says', () => {
    const rig = rigOf({}, [{ ...anyRoute, repeatMs: 20 * minuteMs }]);
    runs(rig, 1);
    rig.advance(25 * minuteMs);
    expect(told(rig)).toEqual([opened, repeated]);
  });

  test('is repeated as often as the more impatient of its routes says', () => {
    const rig = rigOf({}, [
      { ...anyRoute, repeatMs: 40 * minuteMs, continue: true },
      { ...anyRoute, repeatMs: 20 * minuteMs },
    ]);
    runs(rig, 1);
    rig.advance(25 * minuteMs);
    expect(told(rig)).toEqual([opened, repeated]);
  });

  test('is repeated by the next leader too, once for all that was missed', () => {
    const rig = failing({ repeatEvery: '10m' });
    rig.now += 35 * minuteMs;
    rig.restart();
    rig.event({ kind: 'notified', now: rig.now, id: 'none', error: null });
    expect(told(rig).filter((line) => line === repeated)).toEqual([repeated]);
    rig.advance(10 * minuteMs);
    expect(told(rig).filter((line) => line === repeated)).toEqual([repeated, repeated]);
  });

  test('is repeated on time although it occurs again meanwhile', () => {
    const rig = rigOf({ schedule: { cron: '*/10 * * * *' }, alerts: { repeatEvery: '25m' } });
    for (const _ of [1, 2, 3, 4]) {
      rig.advance(10 * minuteMs);
      rig.end('load', 1);
    }
    expect(told(rig)).toEqual([opened, 'repeated failed ×3 to pager']);
  });

  test.each([-600, 600])('is repeated as often when the clock is set by %d minutes', (minutes) => {
    const rig = rigOf({ schedule: undefined, alerts: { repeatEvery: '20m' } });
    rig.trigger('load');
    rig.end('load', 1);
    rig.advance(5 * minuteMs);
    rig.setClock(minutes * minuteMs);
    rig.advance(14 * minuteMs);
    expect(told(rig)).toEqual([opened]);
    rig.advance(2 * minuteMs);
    expect(told(rig)).toEqual([opened, repeated]);
  });

  test.each(['PT30S', '0s', 'P1X'])('cannot be repeated every %s', (repeatEvery) => {
    expect(() => rigOf({ alerts: { repeatEvery } })).toThrow(/alerts\.repeatEvery/);
  });
});

describe('an alert that nobody acknowledges', () => {
  const escalate = [
    { after: '30m', to: ['boss'] },
    { after: '10m', to: ['second', 'pager'] },
  ];

  test('is reported to more receivers, each once, who are also notified of its end', () => {
    const rig = failing({ escalate });
    rig.advance(9 * minuteMs);
    expect(told(rig)).toEqual([opened]);
    rig.advance(30 * minuteMs);
    const more = ['opened failed ×1 to second', 'opened failed ×1 to boss'];
    expect(told(rig)).toEqual([opened, ...more]);
    runs(rig, 0);
    expect(told(rig).slice(3)).toEqual([
      resolved,
      'resolved failed ×1 to second',
      'resolved failed ×1 to boss',
    ]);
  });

  test('says how long nobody did', () => {
    const rig = failing({ escalate });
    rig.advance(10 * minuteMs);
    expect([...rig.alerts.values()]).toMatchObject([{ escalations: 1, notified: ['pager', 'second'] }]);
  });

  test('is repeated to those that it was escalated to as well', () => {
    const rig = failing({ escalate, repeatEvery: '20m' });
    rig.advance(25 * minuteMs);
    expect(told(rig).slice(2)).toEqual([repeated, 'repeated failed ×1 to second']);
  });

  test('is escalated as its route says', () => {
    const rig = rigOf({}, [{ ...anyRoute, escalate: [{ afterMs: 10 * minuteMs, to: ['boss'] }] }]);
    runs(rig, 1);
    rig.advance(15 * minuteMs);
    expect(told(rig)).toEqual([opened, 'opened failed ×1 to boss']);
  });

  test('is escalated by the next leader', () => {
    const rig = failing({ escalate });
    rig.now += 15 * minuteMs;
    rig.restart();
    expect([...rig.owed.values()].map(({ receiver }) => receiver)).toEqual(['pager', 'second']);
  });
});

describe('an acknowledgement', () => {
  test('stops repetitions and escalations until the alert ends', () => {
    const rig = failing({ repeatEvery: '10m', escalate: [{ after: '5m', to: ['boss'] }] });
    acknowledge(rig);
    rig.advance(50 * minuteMs);
    expect(told(rig)).toEqual([opened]);
    runs(rig, 0);
    expect(told(rig)).toEqual([opened, resolved]);
  });

  test('that ends before the alert repeats it, although nothing else does', () => {
    const rig = failing({});
    acknowledge(rig, rig.now + 20 * minuteMs);
    rig.advance(19 * minuteMs);
    expect(told(rig)).toEqual([opened]);
    rig.advance(minuteMs);
    expect(told(rig)).toEqual([opened, repeated]);
    expect([...rig.alerts.values()]).toMatchObject([{ acknowledged: null }]);
    rig.advance(15 * minuteMs);
    expect(told(rig)).toEqual([opened, repeated]);
  });

  test('that ends while nobody leads repeats it once', () => {
    const rig = failing({});
    acknowledge(rig, rig.now + 20 * minuteMs);
    rig.now += 25 * minuteMs;
    rig.restart();
    rig.restart();
    expect([...rig.owed.values()].map(({ step }) => step)).toEqual(['opened', 'repeated']);
  });

  test('that ends is over for an alert that nobody was notified of', () => {
    const rig = rigOf({}, []);
    runs(rig, 1);
    acknowledge(rig, rig.now + 20 * minuteMs);
    rig.advance(21 * minuteMs);
    expect([...rig.alerts.values()]).toMatchObject([{ acknowledged: null, messages: 0 }]);
  });

  test('can be given another end', () => {
    const rig = failing({});
    acknowledge(rig, rig.now + 20 * minuteMs);
    acknowledge(rig, null);
    rig.advance(50 * minuteMs);
    expect(told(rig)).toEqual([opened]);
  });

  test.each([0, -minuteMs, 367 * 86_400_000])('cannot end %d ms from now', (ms) => {
    const rig = failing({});
    expect(() => acknowledge(rig, rig.now + ms)).toThrow(/until is .* Allowed: a time in the next 366 days/);
  });
});

describe('hours of routes', () => {
  const night = { days: [0, 1, 2, 3, 4, 5, 6], from: 120, to: 180, timezone: 'UTC' };

  test('report an alert that stays open when they begin', () => {
    const rig = rigOf({}, [{ ...anyRoute, hours: night }]);
    runs(rig, 1);
    rig.advance(59 * minuteMs);
    expect(told(rig)).toEqual([]);
    rig.advance(2 * minuteMs);
    expect(told(rig)).toEqual([opened]);
  });

  test('begin again with what their route asks for on the next day', () => {
    const rig = rigOf({ paused: false }, [
      { ...anyRoute, hours: { ...night, from: 0, to: 120 }, repeatMs: 90 * minuteMs },
      anyRoute,
    ]);
    runs(rig, 1);
    rig.submit({ kind: 'pause', name: 'load', by: 'ann' });
    rig.advance('2026-01-01T23:50:00Z');
    expect(told(rig)).toEqual([opened]);
    rig.advance('2026-01-02T00:10:00Z');
    expect(told(rig)).toEqual([opened, repeated]);
  });

  test('do not report one that was reported by another route before', () => {
    const rig = rigOf({}, [{ ...anyRoute, hours: night, to: ['night'] }, anyRoute]);
    runs(rig, 1);
    rig.advance(60 * minuteMs);
    expect(told(rig)).toEqual([opened]);
  });
});

describe('while an alert is open, a change', () => {
  const put = (rig: Rig, alerts: object) =>
    rig.put({ name: 'load', schedule: { cron: '0 * * * *' }, alerts } as never);

  test('of how often its job repeats it counts at once', () => {
    const rig = failing({ repeatEvery: '10h' });
    put(rig, { repeatEvery: '5m' });
    rig.advance(6 * minuteMs);
    expect(told(rig)).toEqual([opened, repeated]);
  });

  test('of the escalations of its job leaves out nobody', () => {
    const boss = { after: '20m', to: ['boss'] };
    const rig = failing({ escalate: [{ after: '5m', to: ['second'] }, boss] });
    rig.advance(6 * minuteMs);
    put(rig, { escalate: [boss] });
    rig.advance(15 * minuteMs);
    expect(told(rig)).toEqual([opened, 'opened failed ×1 to second', 'opened failed ×1 to boss']);
  });
});

describe('a mute', () => {
  test('that ends while an alert is open reports it then', () => {
    const rig = rigOf();
    mute(rig, rig.now + 60 * minuteMs);
    runs(rig, 1);
    expect(told(rig)).toEqual([]);
    rig.advance(30 * minuteMs);
    expect(told(rig)).toEqual([opened]);
  });

  test('that is taken back reports open alerts at once', () => {
    const rig = rigOf();
    mute(rig, rig.now + 600 * minuteMs);
    runs(rig, 1);
    rig.submit({ kind: 'unmute', name: 'load', by: 'ann' });
    expect(told(rig)).toEqual([opened]);
  });

  test('stops repetitions and escalations, which go on afterwards', () => {
    const rig = failing({ repeatEvery: '10m', escalate: [{ after: '15m', to: ['boss'] }] });
    mute(rig, rig.now + 30 * minuteMs);
    rig.advance(29 * minuteMs);
    expect(told(rig)).toEqual([opened]);
    rig.advance(minuteMs);
    expect(told(rig)).toEqual([opened, repeated, 'opened failed ×1 to boss']);
  });

  test('gives whoever is notified afterwards the whole time until an escalation', () => {
    const rig = rigOf({ alerts: { escalate: [{ after: '15m', to: ['boss'] }] } });
    mute(rig, rig.now + 60 * minuteMs);
    runs(rig, 1);
    rig.advance(40 * minuteMs);
    expect(told(rig)).toEqual([opened]);
    rig.advance(5 * minuteMs);
    expect(told(rig)).toEqual([opened, 'opened failed ×1 to boss']);
  });
});
