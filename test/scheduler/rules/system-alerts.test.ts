/** Alerts about the scheduler itself and what it depends on. */

import { describe, expect, test } from 'vitest';
import type { Trouble } from '../../../src/scheduler/model/alert.ts';
import { anyRoute, told } from '../../support/alerts.ts';
import { Rig, testSettings } from '../../support/rig.ts';

const lookMs = 15_000;
const dockerGone: Trouble = {
  condition: 'engine-unreachable',
  subject: 'docker',
  reason: { code: 'engine-unavailable', text: 'connection refused' },
};

const rigOf = (...jobs: { name: string }[]): Rig => {
  const rig = new Rig('2026-01-01T00:30:00Z', { ...testSettings, routes: [anyRoute] });
  rig.put(...jobs);
  return rig;
};

/** The leader looks as often as it does, and sees this. */
function look(rig: Rig, forMs: number, ...troubles: Trouble[]): void {
  for (let passed = 0; passed <= forMs; passed += lookMs) {
    rig.event({ kind: 'looked', now: rig.now, troubles });
    if (passed < forMs) rig.advance(lookMs);
  }
}

const lines = (rig: Rig): string[] => told(rig).map((line) => line.replace(' ×1 to pager', ''));

describe('an engine that does not respond', () => {
  test('is an alert after a minute, and one only', () => {
    const rig = rigOf();
    look(rig, 45_000, dockerGone);
    expect(lines(rig)).toEqual([]);
    look(rig, 300_000, dockerGone);
    expect(lines(rig)).toEqual(['opened engine-unreachable']);
    expect([...rig.alerts.values()]).toMatchObject([{ job: null, subject: 'docker', severity: 'critical' }]);
  });

  test('is over with the first look at which it responds', () => {
    const rig = rigOf();
    look(rig, 60_000, dockerGone);
    look(rig, 0);
    expect(lines(rig)).toEqual(['opened engine-unreachable', 'resolved engine-unreachable']);
    expect(rig.endedAlerts).toMatchObject([{ job: null, end: 'recovered' }]);
  });

  test('is none if it responds in between', () => {
    const rig = rigOf();
    for (let i = 0; i < 5; i += 1) {
      look(rig, 45_000, dockerGone);
      look(rig, 0);
    }
    expect(lines(rig)).toEqual([]);
  });

  test('is one alert for each engine', () => {
    const rig = rigOf();
    look(rig, 60_000, dockerGone, { ...dockerGone, subject: 'ssh.web-1' });
    expect([...rig.alerts.keys()]).toEqual(['~engine-unreachable.docker', '~engine-unreachable.ssh.web-1']);
  });

  test('is the same alert for the next leader', () => {
    const rig = rigOf();
    look(rig, 60_000, dockerGone);
    rig.restart();
    look(rig, 300_000, dockerGone);
    expect([...rig.owed.values()].map(({ step }) => step)).toEqual(['opened']);
    look(rig, 0);
    expect([...rig.owed.values()].map(({ step }) => step)).toEqual(['opened', 'resolved']);
  });

  test('is routed by its condition and severity, and by no label or owner', () => {
    const to = (route: object) => {
      const rig = new Rig('2026-01-01T00:30:00Z', { ...testSettings, routes: [{ ...anyRoute, ...route }] });
      look(rig, 60_000, dockerGone);
      return lines(rig).length;
    };
    expect(to({ conditions: ['engine-unreachable'] })).toBe(1);
    expect(to({ severities: ['critical'] })).toBe(1);
    expect(to({ conditions: ['failed'] })).toBe(0);
    expect(to({ labels: { tier: 'gold' } })).toBe(0);
    expect(to({ owner: 'data team' })).toBe(0);
  });

  test('is acknowledged by its id', () => {
    const rig = rigOf();
    look(rig, 60_000, dockerGone);
    const [alert] = rig.alerts.values();
    rig.submit({ kind: 'acknowledge', id: alert?.id ?? '', until: null, by: 'ann' });
    rig.restart();
    expect([...rig.alerts.values()]).toMatchObject([{ acknowledged: { by: 'ann' } }]);
  });
});

test('a certificate that ends soon is an alert at once', () => {
  const rig = rigOf();
  look(rig, 0, {
    condition: 'expiring',
    subject: 'docker.cert.pem',
    reason: { code: 'expires', at: rig.now + 1 },
  });
  expect(lines(rig)).toEqual(['opened expiring']);
});

describe('the queue', () => {
  const job = { name: 'load', policy: { pool: 'etl', overlap: 'allow' } };
  const queue = (rig: Rig, runs: number): void => {
    for (let i = 0; i < runs; i += 1) rig.trigger('load');
  };

  test('grows when many runs wait and they become more for ten minutes', () => {
    const rig = rigOf(job);
    queue(rig, 60);
    for (let i = 0; i < 10; i += 1) {
      look(rig, 45_000);
      rig.advance(lookMs);
      queue(rig, 1);
    }
    expect(lines(rig).filter((line) => line.includes('queue'))).toEqual([]);
    look(rig, 15_000);
    expect(lines(rig).filter((line) => line.includes('queue'))).toEqual(['opened queue-growing']);
  });

  test('does not grow when it is short, as long as before, or shorter meanwhile', () => {
    const short = rigOf(job);
    for (let i = 0; i < 24; i += 1) {
      queue(short, 1);
      look(short, 60_000);
    }
    const same = rigOf(job);
    queue(same, 60);
    look(same, 1_500_000);
    const drained = rigOf(job);
    queue(drained, 60);
    look(drained, 300_000);
    for (let i = 0; i < 5; i += 1)
      drained.submit({ kind: 'kill', runId: drained.runOf('load', 10).id, by: 'test' });
    look(drained, 300_000);
    queue(drained, 20);
    look(drained, 30_000);
    for (const rig of [short, same, drained])
      expect(lines(rig).filter((line) => line.includes('queue'))).toEqual([]);
  });
});

describe('a time without a leader', () => {
  const lead = (rig: Rig, unledMs: number): void =>
    rig.event({
      ...{ kind: 'leading', now: rig.now, term: rig.term + 1, unledMs },
      clockAhead: { leastMs: 0, mostMs: 0 },
    });

  test('is told of when it is over, if it was longer than a take-over', () => {
    const rig = rigOf();
    lead(rig, 15_000);
    expect(lines(rig)).toEqual([]);
    lead(rig, 90_000);
    expect(lines(rig)).toEqual(['notice unled']);
    expect([...rig.owed.values()].map(({ alert }) => alert.reason)).toEqual([
      { code: 'unled', from: rig.now - 90_000, to: rig.now },
    ]);
    expect([...rig.alerts.values()]).toEqual([]);
  });
});

test('due times that nobody decides are an alert', () => {
  const rig = rigOf({ name: 'load', schedule: { cron: '0 * * * *' } } as never);
  rig.now = Date.parse('2026-01-01T01:02:00Z');
  rig.event({ kind: 'looked', now: rig.now, troubles: [] });
  rig.now += lookMs;
  rig.event({ kind: 'looked', now: rig.now, troubles: [] });
  expect(lines(rig)).toEqual(['opened undecided']);
  rig.sleep(0);
  rig.event({ kind: 'looked', now: rig.now, troubles: [] });
  expect(lines(rig)).toContain('resolved undecided');
});

test('due times that passed while the computer slept are none', () => {
  const rig = rigOf({ name: 'load', schedule: { cron: '0 * * * *' } } as never);
  rig.now += 7_200_000;
  look(rig, 60_000);
  expect(lines(rig).filter((line) => line.includes('undecided'))).toEqual([]);
});

test('a clock that is set changes nothing about how long something is wrong', () => {
  const dayMs = 86_400_000;
  const rig = rigOf();
  look(rig, 30_000, dockerGone);
  rig.setClock(dayMs);
  look(rig, 15_000, dockerGone);
  expect(lines(rig)).toEqual([]);
  rig.setClock(-2 * dayMs);
  look(rig, 30_000, dockerGone);
  expect(lines(rig)).toEqual(['opened engine-unreachable']);
});

describe('a maintenance window', () => {
  const hourMs = 3_600_000;
  const window = {
    labels: {},
    owner: null,
    from: null,
    until: null,
    hours: null,
    reason: 'the warehouse moves',
  };
  const failing = (maintenance: object, definition: object = {}): Rig => {
    const settings = { ...testSettings, routes: [anyRoute], maintenance: [{ ...window, ...maintenance }] };
    const rig = new Rig('2026-01-01T00:30:00Z', settings);
    rig.put({ name: 'load', schedule: { cron: '0 1 * * *' }, ...definition });
    rig.advance(hourMs / 2);
    rig.end('load', 1);
    return rig;
  };
  const at = (time: string): number => Date.parse(`2026-01-01T${time}:00Z`);

  test('keeps alerts from being reported until it ends', () => {
    const rig = failing({ until: at('03:00') });
    rig.advance(1.9 * hourMs);
    expect(lines(rig)).toEqual([]);
    rig.advance(0.1 * hourMs);
    expect(lines(rig)).toEqual(['opened failed']);
  });

  test('reports nothing of what is over when it ends', () => {
    const rig = failing({ until: at('03:00') });
    rig.trigger('load');
    rig.end('load');
    rig.advance(3 * hourMs);
    expect(lines(rig)).toEqual([]);
  });

  test('has not begun before its time', () => {
    expect(lines(failing({ from: at('01:30'), until: at('03:00') }))).toEqual(['opened failed']);
  });

  test('is over after its time', () => {
    expect(lines(failing({ until: at('00:45') }))).toEqual(['opened failed']);
  });

  test('is for the jobs that it matches', () => {
    expect(lines(failing({ until: at('03:00'), labels: { db: 'warehouse' } }))).toEqual(['opened failed']);
    expect(lines(failing({ until: at('03:00'), owner: 'me' }, { owner: 'you' }))).toEqual(['opened failed']);
    const matching = { labels: { db: 'warehouse', tier: 'gold' } };
    expect(lines(failing({ until: at('03:00'), labels: { db: 'warehouse' } }, matching))).toEqual([]);
  });

  test('comes again and again with hours of the week', () => {
    const hours = { days: [4], from: 0, to: 120, timezone: 'UTC' };
    const rig = failing({ hours });
    rig.advance(0.9 * hourMs);
    expect(lines(rig)).toEqual([]);
    rig.advance(0.2 * hourMs);
    expect(lines(rig)).toEqual(['opened failed']);
  });

  test('with hours reports at their end, although they come again until a time', () => {
    const hours = { days: [4], from: 0, to: 120, timezone: 'UTC' };
    const rig = failing({ hours, until: Date.parse('2026-12-31T00:00:00Z') });
    rig.advance(1.1 * hourMs);
    expect(lines(rig)).toEqual(['opened failed']);
  });

  test('that is taken out of the file ends with the next look', () => {
    const settings = {
      ...testSettings,
      routes: [anyRoute],
      maintenance: [{ ...window, until: at('03:00') }],
    };
    const rig = new Rig('2026-01-01T00:30:00Z', settings);
    look(rig, 60_000, dockerGone);
    settings.maintenance = [];
    look(rig, 0, dockerGone);
    expect(lines(rig)).toEqual(['opened engine-unreachable']);
  });

  test('is for alerts about the scheduler too, if it is for everything', () => {
    const settings = {
      ...testSettings,
      routes: [anyRoute],
      maintenance: [{ ...window, until: at('03:00') }],
    };
    const rig = new Rig('2026-01-01T00:30:00Z', settings);
    look(rig, 60_000, dockerGone);
    expect(lines(rig)).toEqual([]);
  });
});
