/** When alerts open and end, and who is owed a message. */

import { describe, expect, test } from 'vitest';
import type { Route } from '../../../src/scheduler/model/alert.ts';
import { restoredRun } from '../../../src/scheduler/rules/restored.ts';
import { anyRoute, hourly, hourMs, rigOf, runs, told } from '../../support/alerts.ts';
import type { Rig } from '../../support/rig.ts';

describe('a job that fails', () => {
  test('opens one alert, which counts, and is told once', () => {
    const rig = rigOf();
    runs(rig, 1, 1, 1);
    expect(told(rig)).toEqual(['opened failed ×1 to pager']);
    expect([...rig.alerts.values()]).toMatchObject([{ job: 'load', condition: 'failed', count: 3 }]);
  });

  test('has recovered with the next success, which is told once', () => {
    const rig = rigOf();
    runs(rig, 1, 0, 0);
    expect(told(rig)).toEqual(['opened failed ×1 to pager', 'resolved failed ×1 to pager']);
    expect([...rig.alerts.values()]).toEqual([]);
    expect(rig.endedAlerts).toMatchObject([{ condition: 'failed', end: 'recovered' }]);
  });

  test('opens a new alert when it fails again', () => {
    const rig = rigOf();
    runs(rig, 1, 0, 1);
    expect(told(rig)).toEqual([
      'opened failed ×1 to pager',
      'resolved failed ×1 to pager',
      'opened failed ×1 to pager',
    ]);
    expect(new Set(rig.effects.flatMap((e) => (e.kind === 'notify' ? [e.notification.id] : []))).size).toBe(
      3,
    );
  });

  test('is told of after so many failures in a row', () => {
    const rig = rigOf({ alerts: { after: 3 } });
    runs(rig, 1, 1, 0, 1, 1);
    expect(told(rig)).toEqual([]);
    runs(rig, 1, 1);
    expect(told(rig)).toEqual(['opened failed ×3 to pager']);
  });

  test('is one alert with its children, which are skipped', () => {
    const rig = rigOf();
    rig.put(...['a', 'b', 'c'].map((name) => ({ name, schedule: { after: { parents: ['load'] } } })), {
      name: 'd',
      schedule: { after: { parents: ['a'] } },
    });
    runs(rig, 1);
    expect(told(rig)).toEqual(['opened failed ×1 to pager']);
    expect([...rig.alerts.values()]).toMatchObject([{ job: 'load', downstream: 4 }]);
  });

  test('is not alerted when a user killed it', () => {
    const rig = rigOf();
    rig.advance('2026-01-01T01:00:00Z');
    rig.begin('load');
    const { id } = rig.runOf('load');
    rig.submit({ kind: 'kill', runId: id, by: 'test' });
    rig.end('load', 143);
    expect([...rig.alerts.values()]).toEqual([]);
  });

  test('is disabled, and both are told', () => {
    const rig = rigOf({ policy: { disableAfterFailures: 2 } });
    runs(rig, 1, 1);
    expect(told(rig)).toEqual(['opened failed ×1 to pager', 'opened disabled ×1 to pager']);
    rig.submit({ kind: 'resume', name: 'load', by: 'test' });
    expect(told(rig).at(-1)).toBe('resolved disabled ×1 to pager');
  });

  test('is resumed after it was disabled, and each further failure counts', () => {
    const rig = rigOf({ policy: { disableAfterFailures: 2 }, alerts: { after: 2 } });
    runs(rig, 1, 1);
    rig.submit({ kind: 'resume', name: 'load', by: 'test' });
    runs(rig, 1);
    expect(rig.alerts.get('load.failed')).toMatchObject({ count: 3 });
  });

  test('is deleted while it is late, and that is what is told', () => {
    const rig = rigOf();
    rig.advance('2026-01-01T01:02:00Z');
    rig.submit({ kind: 'delete-job', name: 'load', dependents: 'refuse', by: 'test' });
    expect(rig.endedAlerts).toMatchObject([{ condition: 'late', end: 'job-deleted' }]);
  });

  test('has only short labels in its messages', () => {
    const rig = rigOf({ labels: { tier: 'gold', note: 'x'.repeat(1_000) } });
    runs(rig, 1);
    expect([...rig.owed.values()].map(({ alert }) => alert.labels)).toEqual([{ tier: 'gold' }]);
  });

  test('is deleted, and its alerts end', () => {
    const rig = rigOf();
    runs(rig, 1);
    rig.submit({ kind: 'delete-job', name: 'load', dependents: 'refuse', by: 'test' });
    expect(told(rig).at(-1)).toBe('resolved failed ×1 to pager');
    expect(rig.endedAlerts).toMatchObject([{ end: 'job-deleted' }]);
    expect(rig.state.alerts.size).toBe(0);
  });
});

describe('due times that are skipped because a run is unfinished', () => {
  const slow = (alerts: object): Rig => {
    const rig = rigOf({ policy: { overlap: 'skip' }, expect: { finishWithin: 'P1D' }, alerts });
    rig.advance(hourMs / 2);
    rig.begin('load');
    rig.advance(2 * hourMs);
    return rig;
  };

  test('are one alert with their number for who asks for it, until a run succeeds', () => {
    const rig = slow({ on: ['skipped', 'recovered'] });
    expect(told(rig)).toEqual(['opened skipped ×1 to pager']);
    expect([...rig.alerts.values()]).toMatchObject([{ condition: 'skipped', count: 2 }]);
    rig.end('load');
    expect(told(rig)).toEqual(['opened skipped ×1 to pager', 'resolved skipped ×2 to pager']);
  });

  test('are as they should be for everybody else', () => {
    expect(told(slow({}))).toEqual([]);
    expect([...slow({}).alerts.values()]).toEqual([]);
  });
});

describe('due times that are missed', () => {
  test('are one alert with their number, until the job succeeds', () => {
    const rig = rigOf({ policy: { catchUp: 'none' } });
    rig.sleep('2026-01-01T04:30:00Z');
    expect(told(rig)).toEqual(['opened missed ×4 to pager']);
    runs(rig, 0);
    expect(told(rig).at(-1)).toBe('resolved missed ×4 to pager');
  });

  test('are none while the job is paused', () => {
    const rig = rigOf();
    rig.submit({ kind: 'pause', name: 'load', by: 'test' });
    rig.sleep('2026-01-01T04:30:00Z');
    expect([...rig.alerts.values()]).toEqual([]);
  });
});

describe('a run that is late', () => {
  test('has not started a minute after it was due; the alert ends when it starts', () => {
    const rig = rigOf();
    rig.advance('2026-01-01T01:00:59Z');
    expect(told(rig)).toEqual([]);
    rig.advance('2026-01-01T01:01:06Z');
    expect(told(rig)).toEqual(['opened late ×1 to pager']);
    rig.begin('load');
    expect(told(rig).at(-1)).toBe('resolved late ×1 to pager');
  });

  test('has not ended by its time', () => {
    const rig = rigOf({ expect: { finishBy: '01:30' } });
    rig.advance('2026-01-01T01:00:00Z');
    rig.begin('load');
    rig.advance('2026-01-01T01:29:00Z');
    expect(told(rig)).toEqual([]);
    rig.advance('2026-01-01T01:31:00Z');
    expect(told(rig)).toEqual(['opened late ×1 to pager']);
    rig.end('load');
    expect(told(rig).at(-1)).toBe('resolved late ×1 to pager');
  });

  test('runs long, against its own percentiles', () => {
    const rig = rigOf();
    rig.advance(hourMs / 2);
    for (let i = 0; i < 10; i += 1) {
      rig.begin('load');
      rig.advance(120_000);
      rig.end('load');
      rig.advance(hourMs - 120_000);
    }
    rig.effects.length = 0;
    rig.begin('load');
    rig.advance(239_000);
    expect(told(rig)).toEqual([]);
    rig.advance(10_000);
    expect(told(rig)).toEqual(['opened long ×1 to pager']);
    rig.end('load');
    expect(told(rig).at(-1)).toBe('resolved long ×1 to pager');
  });

  test('became late while nobody led, and the next leader tells it once', () => {
    const rig = rigOf();
    rig.advance('2026-01-01T01:00:00Z');
    rig.now = Date.parse('2026-01-01T01:30:00Z');
    rig.restart();
    expect(told(rig)).toEqual(['opened late ×1 to pager']);
    rig.restart();
    expect(rig.owed.size).toBe(1);
  });
});

describe('who is told', () => {
  const routes: readonly Route[] = [
    { ...anyRoute, labels: { tier: 'gold' }, to: ['phone'], repeatMs: null, escalate: [], continue: true },
    { ...anyRoute, conditions: ['missed'], to: ['mail'] },
    { ...anyRoute, owner: 'etl', to: ['team'] },
    { ...anyRoute, severities: ['critical'], to: ['pager'] },
  ];
  test.each<[string, object, string[]]>([
    ['the first route that matches', {}, ['pager']],
    ['by owner', { owner: 'etl' }, ['team']],
    ['also those after a route that continues', { labels: { tier: 'gold' } }, ['phone', 'pager']],
    ['by the severity that the job says', { alerts: { severity: 'info' } }, []],
    ['those that the job names, in place of routes', { alerts: { to: ['me', 'you'] } }, ['me', 'you']],
    ['nobody, if the job wants nothing', { alerts: { on: [] } }, []],
    ['nobody, if the job wants other conditions', { alerts: { on: ['missed'], to: ['me'] } }, []],
  ])('%s', (_, definition, receivers) => {
    const rig = rigOf(definition, routes);
    runs(rig, 1);
    expect(told(rig)).toEqual(receivers.map((receiver) => `opened failed ×1 to ${receiver}`));
  });

  test('nobody of the end, if the job does not want it', () => {
    const rig = rigOf({ alerts: { on: ['failed'], to: ['me'] } });
    runs(rig, 1, 0);
    expect(told(rig)).toEqual(['opened failed ×1 to me']);
  });

  test('nobody while the job is muted, and then of what is still open', () => {
    const rig = rigOf();
    const until = rig.now + 2.4 * hourMs;
    rig.submit({ kind: 'mute', name: 'load', until, reason: 'we know', by: 'ann' });
    runs(rig, 1, 1);
    expect(told(rig)).toEqual([]);
    runs(rig, 1);
    expect(told(rig)).toEqual(['opened failed ×2 to pager']);
  });
});

describe('a message', () => {
  test('is owed until its receiver has accepted it, also to the next leader, under the same key', () => {
    const rig = rigOf();
    runs(rig, 1);
    const [before] = [...rig.owed.keys()];
    rig.restart();
    expect(told(rig)).toEqual(['opened failed ×1 to pager']);
    expect([...rig.owed.keys()]).toEqual([before]);
    rig.event({ kind: 'notified', now: rig.now, id: before ?? '', error: null });
    expect(rig.owed.size).toBe(0);
    rig.restart();
    expect(told(rig)).toEqual([]);
  });

  test('that was refused is kept, and sent again when somebody asks', () => {
    const rig = rigOf();
    runs(rig, 1);
    const id = [...rig.owed.keys()][0] ?? '';
    rig.event({ kind: 'notified', now: rig.now, id, error: 'no such channel' });
    expect([...rig.owed.values()]).toMatchObject([{ id, state: 'failed', error: 'no such channel' }]);
    rig.restart();
    expect(told(rig)).toEqual([]);
    rig.submit({ kind: 'send-again', id, by: 'ann' });
    expect(told(rig)).toEqual(['opened failed ×1 to pager']);
    expect([...rig.owed.values()]).toMatchObject([{ id, state: 'waiting', error: null }]);
  });

  test('fails at once while a thousand wait for the same receiver, and a hundred of these are kept', () => {
    const rig = rigOf();
    for (let i = 0; i < 600; i += 1) runs(rig, 1, 0);
    const states = [...rig.owed.values()].map(({ state }) => state);
    expect(states.filter((state) => state === 'waiting')).toHaveLength(1_000);
    expect(states.filter((state) => state === 'failed')).toHaveLength(100);
  });
});

describe('an alert', () => {
  test('is acknowledged once', () => {
    const rig = rigOf();
    runs(rig, 1);
    const { id } = rig.alerts.get('load.failed') ?? { id: '' };
    rig.submit({ kind: 'acknowledge', id, until: null, by: 'ann' });
    rig.submit({ kind: 'acknowledge', id, until: null, by: 'bob' });
    rig.restart();
    expect([...rig.state.alerts.values()]).toMatchObject([{ acknowledged: { by: 'ann' } }]);
  });

  test('that is not open cannot be', () => {
    const rig = rigOf();
    expect(() => rig.submit({ kind: 'acknowledge', id: 'load.failed.x', until: null, by: 'ann' })).toThrow(
      "There is no open alert with the id 'load.failed.x'.",
    );
  });
});

describe('lateness is told of whatever came before', () => {
  const open = (rig: Rig): string[] => [...rig.alerts.values()].map(({ condition }) => condition);

  test('a run that is decided after its finishBy, because nobody led', () => {
    const rig = rigOf({
      schedule: { cron: '0 2 * * *', timezone: 'UTC' },
      expect: { finishBy: '06:00' },
      policy: { catchUp: 'latest' },
    });
    rig.sleep('2026-01-01T07:00:00Z');
    rig.begin('load');
    rig.advance(15_000);
    expect(told(rig)).toEqual(['opened late ×1 to pager']);
  });

  test('a run that catches up and starts at once is not late', () => {
    const rig = rigOf({ policy: { catchUp: 'latest' } });
    rig.sleep('2026-01-01T07:30:00Z');
    rig.advance(1_000);
    rig.begin('load');
    rig.advance(15_000);
    expect(told(rig)).toEqual([]);
  });

  test('a run whose job is given an earlier end', () => {
    const rig = rigOf();
    rig.advance('2026-01-01T01:00:00Z');
    rig.begin('load');
    rig.advance('2026-01-01T01:05:00Z');
    rig.put({ ...hourly, expect: { finishBy: '01:10' } });
    rig.advance('2026-01-01T01:10:10Z');
    expect(told(rig)).toEqual(['opened late ×1 to pager']);
  });

  test('ends when the job is given more time', () => {
    const rig = rigOf({ expect: { finishBy: '01:10' } });
    rig.advance('2026-01-01T01:00:00Z');
    rig.begin('load');
    rig.advance('2026-01-01T01:10:10Z');
    expect(open(rig)).toEqual(['late']);
    rig.put({ ...hourly, expect: { finishBy: '01:40' } });
    expect(open(rig)).toEqual([]);
  });

  test('ends with a start that is reported with its end, while the run goes on', () => {
    const late = (definition: object): Rig => {
      const rig = rigOf(definition);
      rig.advance('2026-01-01T01:01:10Z');
      expect(open(rig)).toEqual(['late']);
      const { launchName = '' } = rig.runOf('load').attempts.at(-1) ?? {};
      const exitCode = 'policy' in definition && 'completion' in (definition.policy as object) ? 0 : 1;
      const observation = { kind: 'ended', launchName, at: rig.now, startedAt: rig.now, exitCode } as const;
      rig.event({ kind: 'observed', now: rig.now, observation });
      return rig;
    };
    expect(open(late({ policy: { retries: { limit: 1, delay: '1h' } } }))).toEqual([]);
    expect(open(late({ policy: { completion: 'callback', timeout: '3h' } }))).toEqual([]);
  });

  test('is sent once and in order by a leader that begins with a restored run', () => {
    const rig = rigOf({ policy: { pool: 'etl' } });
    rig.put({ name: 'a', policy: { pool: 'etl' } }, { name: 'b', policy: { pool: 'etl' } });
    for (const name of ['a', 'b']) {
      rig.trigger(name);
      rig.begin(name);
    }
    rig.advance('2026-01-01T01:01:10Z');
    expect(told(rig)).toEqual(['opened late ×1 to pager']);
    const into = { now: rig.now, reaches: () => true };
    for (const [id, run] of rig.live) rig.live.set(id, restoredRun(run, into));
    rig.restart();
    expect(told(rig)).toEqual(['opened late ×1 to pager', 'resolved late ×1 to pager']);
  });
});
