import { describe, expect, test } from 'vitest';
import { Rig } from '../../support/rig.ts';

const hourly = { cron: '0 * * * *' };

function late(policy: object, schedule: object = hourly): Rig {
  const r = new Rig('2026-01-01T00:30:00Z');
  r.put({ name: 'a', schedule, policy: { overlap: 'allow', ...policy } });
  return r;
}

describe('due instants', () => {
  test('each becomes one run, and its ledger line says that it ran', () => {
    const r = late({});
    for (const hour of ['01', '02', '03']) {
      r.advance(`2026-01-01T${hour}:00:01Z`);
      r.end('a');
    }
    expect(r.runs('a')).toEqual(['succeeded 01:00', 'succeeded 02:00', 'succeeded 03:00']);
    expect(r.lines('a')).toEqual(['ran 01:00', 'ran 02:00', 'ran 03:00']);
    expect(r.view('a').nextDue).toBe(Date.parse('2026-01-01T04:00:00Z'));
  });

  test('none is decided twice after a restart in the middle of an hour', () => {
    const r = late({});
    r.advance('2026-01-01T01:00:01Z');
    r.end('a');
    r.restart();
    r.advance('2026-01-01T01:59:59Z');
    expect(r.runs('a')).toEqual(['succeeded 01:00']);
  });

  test('R3 runs three times and is completed then', () => {
    const r = late({}, { every: 'R3/2026-01-01T01:00:00Z/PT1M' });
    r.advance('2026-01-01T02:00:00Z');
    expect(r.runs('a')).toEqual(['launching 01:00', 'launching 01:01', 'launching 01:02']);
    expect(r.view('a').status).toBe('completed');
  });

  test('a repeat without a start begins at once', () => {
    const r = late({}, { every: 'R2//PT10S' });
    r.advance('2026-01-01T00:30:15Z');
    expect(r.runs('a')).toEqual(['launching 00:30', 'launching 00:30:10']);
  });

  test('a changed schedule holds from the change on: no old instant is run again', () => {
    const r = late({});
    r.advance('2026-01-01T05:10:00Z');
    r.put({ name: 'a', schedule: { cron: '5 * * * *' }, policy: { overlap: 'allow' } });
    r.advance('2026-01-01T06:06:00Z');
    expect(r.runs('a').at(-1)).toBe('launching 06:05');
    expect(r.runs('a')).toHaveLength(6);
  });

  test('pending runs survive an edit', () => {
    const r = late({ overlap: 'queue' });
    r.advance('2026-01-01T02:00:01Z');
    r.put({ name: 'a', schedule: hourly, policy: { overlap: 'queue' }, run: { command: 'new' } });
    r.end('a');
    expect(r.runs('a')).toEqual(['succeeded 01:00', 'launching 02:00']);
    const launch = r.effects.findLast((effect) => effect.kind === 'launch');
    expect(launch?.kind === 'launch' && launch.spec.argv).toEqual(['/bin/sh', '-c', 'new']);
  });
});

describe('catch-up after the scheduler was away from 00:30 to 05:10', () => {
  const away = '2026-01-01T05:10:00Z';
  test.each([
    ['latest: one run for all', { catchUp: 'latest' }, ['launching 05:00'], ['caught-up 01:00 x4']],
    ['none: all are missed', { catchUp: 'none' }, [], ['missed 01:00 x5']],
    [
      'all: each is run',
      { catchUp: 'all' },
      ['launching 01:00', 'launching 02:00', 'launching 03:00', 'launching 04:00', 'launching 05:00'],
      [],
    ],
    [
      'all with a limit: the newest are run, the older are missed',
      { catchUp: 'all', catchUpLimit: 2 },
      ['launching 04:00', 'launching 05:00'],
      ['missed 01:00 x3'],
    ],
    [
      'all with a start window: only what is within it is run',
      { catchUp: 'all', startWithin: 'PT2H' },
      ['launching 04:00', 'launching 05:00'],
      ['missed 01:00 x3'],
    ],
    [
      'latest with a start window that has passed: all are missed',
      { catchUp: 'latest', startWithin: 'PT5M' },
      [],
      ['missed 01:00 x5'],
    ],
    [
      'none with a start window: what is within it is run',
      { catchUp: 'none', startWithin: 'PT15M' },
      ['launching 05:00'],
      ['missed 01:00 x4'],
    ],
  ])('%s', (_, policy, runs, lines) => {
    const r = late(policy);
    r.sleep(away);
    expect(r.runs('a')).toEqual(runs);
    expect(r.lines('a')).toEqual(lines);
    expect(r.view('a').nextDue).toBe(Date.parse('2026-01-01T06:00:00Z'));
  });

  test('the same holds when the leader was gone meanwhile', () => {
    const r = late({ catchUp: 'latest' });
    r.now = Date.parse(away);
    r.restart();
    r.advance(0);
    expect(r.runs('a')).toEqual(['launching 05:00']);
    expect(r.runOf('a')).toMatchObject({ catchesUp: 4, trigger: { kind: 'schedule', catchUp: true } });
  });

  test.each([
    ['late', '2026-01-01T01:00:06Z', { kind: 'schedule', catchUp: true }],
    ['on time', '2026-01-01T01:00:05Z', { kind: 'schedule' }],
  ])('a single due time that is decided %s says so', (_, at, trigger) => {
    const r = late({ catchUp: 'latest' });
    r.sleep(at);
    expect(r.runOf('a').trigger).toEqual(trigger);
  });

  test('latest and an instant that is on time: that one stands for all', () => {
    const r = late({ catchUp: 'latest' });
    r.sleep('2026-01-01T05:00:01Z');
    expect(r.runs('a')).toEqual(['launching 05:00']);
    expect(r.lines('a')).toEqual(['caught-up 01:00 x4']);
  });

  test('ten years of seconds are decided at once, and counted as at least', () => {
    const r = late({ catchUp: 'latest' }, { every: 'R/2016-01-01T00:00:00Z/PT1S' });
    r.sleep('2026-01-01T00:30:00Z');
    expect(r.runs('a')).toEqual(['launching 00:30']);
    const [line] = [...r.ledger.values()];
    expect(line).toMatchObject({ end: 'caught-up', more: true, run: 'a.20260101T003000Z' });
    expect(line?.count).toBeGreaterThanOrEqual(99_999);
  });
});

describe('pause and resume', () => {
  test('a paused job skips its instants in one growing line and runs again after resume', () => {
    const r = late({});
    r.submit({ kind: 'pause', name: 'a', by: 'ann' });
    expect(r.view('a').status).toBe('paused');
    r.advance('2026-01-01T03:10:00Z');
    expect(r.runs('a')).toEqual([]);
    expect(r.lines('a')).toEqual(['skipped 01:00 x3']);
    r.submit({ kind: 'resume', name: 'a', by: 'ann' });
    r.advance('2026-01-01T04:00:01Z');
    expect(r.runs('a')).toEqual(['launching 04:00']);
  });

  test('a pause survives a restart and an applied file that does not speak of it', () => {
    const r = late({});
    r.submit({ kind: 'pause', name: 'a', by: 'ann' });
    r.restart();
    r.put({ name: 'a', schedule: hourly, policy: {}, description: 'changed' });
    expect(r.view('a').status).toBe('paused');
  });

  test('a run by hand goes even while the job is paused', () => {
    const r = late({});
    r.submit({ kind: 'pause', name: 'a', by: 'ann' });
    expect(r.trigger('a').state).toBe('launching');
  });
});

describe('a wall clock that is set back', () => {
  function setBack(r: Rig, to: string): void {
    r.setClock(Date.parse(to) - r.now);
  }

  test('an instant that ran does not run again', () => {
    const r = late({});
    r.advance('2026-01-01T05:00:01Z');
    for (let i = 0; i < 5; i++) r.end('a');
    setBack(r, '2026-01-01T03:30:00Z');
    expect(r.view('a').nextDue).toBe(Date.parse('2026-01-01T06:00:00Z'));
    r.advance('2026-01-01T06:00:01Z');
    expect(r.runs('a')).toHaveLength(6);
    expect(r.runs('a').at(-1)).toBe('launching 06:00');
  });

  test('an instant that was skipped stays skipped, though the job is resumed', () => {
    const r = late({});
    r.submit({ kind: 'pause', name: 'a', by: 'ann' });
    r.advance('2026-01-01T02:10:00Z');
    setBack(r, '2026-01-01T00:40:00Z');
    r.submit({ kind: 'resume', name: 'a', by: 'ann' });
    r.advance('2026-01-01T03:00:01Z');
    expect(r.runs('a')).toEqual(['launching 03:00']);
    expect(r.lines('a')).toEqual(['skipped 01:00 x2']);
    expect(r.view('a').state.skipped).toBe(2);
  });

  test('an instant that was missed or caught up stays so', () => {
    for (const [catchUp, lines] of [
      ['none', ['missed 01:00 x2', 'ran 03:00']],
      ['latest', ['caught-up 01:00', 'ran 02:00', 'ran 03:00']],
    ] as const) {
      const r = late({ catchUp });
      r.sleep('2026-01-01T02:10:00Z');
      setBack(r, '2026-01-01T00:40:00Z');
      r.advance('2026-01-01T03:00:01Z');
      while (r.view('a').runs.length > 0) r.end('a');
      expect(r.lines('a')).toEqual(lines);
    }
  });

  test('a leader whose clock is behind by hours does not decide again, and does not wait', () => {
    const r = late({});
    r.submit({ kind: 'pause', name: 'a', by: 'ann' });
    r.advance('2026-01-01T02:10:00Z');
    r.now = Date.parse('2026-01-01T00:40:00Z');
    r.restart();
    r.submit({ kind: 'resume', name: 'a', by: 'ann' });
    r.advance('2026-01-01T03:00:01Z');
    expect(r.lines('a')).toEqual(['skipped 01:00 x2']);
    expect(r.runs('a')).toEqual(['launching 03:00']);
  });

  test('what an earlier schedule decided stays decided, and the new one has instants of its own in between', () => {
    const r = late({});
    r.submit({ kind: 'pause', name: 'a', by: 'ann' });
    r.advance('2026-01-01T02:10:00Z');
    setBack(r, '2026-01-01T00:40:00Z');
    r.submit({ kind: 'resume', name: 'a', by: 'ann' });
    r.put({ name: 'a', schedule: { cron: '*/30 * * * *' }, policy: { overlap: 'allow' } });
    r.restart();
    r.advance('2026-01-01T01:40:00Z');
    r.put({ name: 'a', schedule: hourly, policy: { overlap: 'allow' } });
    r.advance('2026-01-01T03:00:01Z');
    expect(r.runs('a')).toEqual(['launching 01:30', 'launching 03:00']);
    expect(r.lines('a')).toEqual(['skipped 01:00 x2']);
  });

  test('what is skipped before and after it are two lines, with what ran between them', () => {
    const r = late({});
    r.advance('2026-01-01T02:10:00Z');
    for (let i = 0; i < 2; i++) r.end('a');
    setBack(r, '2026-01-01T00:20:00Z');
    r.submit({ kind: 'pause', name: 'a', by: 'ann' });
    r.put({ name: 'a', schedule: { cron: '*/30 * * * *' }, policy: { overlap: 'allow' } });
    r.advance('2026-01-01T03:10:00Z');
    expect(r.lines('a')).toEqual([
      'skipped 00:30',
      'ran 01:00',
      'skipped 01:30',
      'ran 02:00',
      'skipped 02:30 x2',
    ]);
  });

  describe('after it was years ahead for a minute', () => {
    const goneAstray = (policy: object): Rig => {
      const r = late(policy);
      r.sleep('2029-01-01T00:30:00Z');
      r.advance('2029-01-01T01:00:30Z');
      return r;
    };

    test.each([
      ['latest', [] as string[]],
      ['none', [] as string[]],
    ])('catchUp %s: the job goes on, and the ledger takes back what was passed over', (catchUp, none) => {
      const r = goneAstray({ catchUp });
      while (r.view('a').runs.length > 0) r.end('a');
      setBack(r, '2026-01-01T00:31:00Z');
      expect(r.lines('a').filter((line) => line.includes('x0'))).toHaveLength(1);
      r.advance('2026-01-01T02:00:01Z');
      while (r.view('a').runs.length > 0) r.end('a');
      const today = [...r.ledger.values()].filter(({ to }) => to < Date.parse('2026-01-02T00:00:00Z'));
      expect(today.map(({ end, count }) => `${end} ${count}`)).toEqual(['ran 1', 'ran 1', ...none]);
      expect(r.view('a').state.missed).toBe(0);
    });

    test('the part that has passed is kept, and counts what it holds', () => {
      const r = goneAstray({ catchUp: 'none' });
      setBack(r, '2026-01-01T03:10:00Z');
      expect(r.lines('a')[0]).toBe('missed 01:00 x3');
      expect(r.view('a').state.missed).toBe(3);
      expect(r.view('a').nextDue).toBe(Date.parse('2026-01-01T04:00:00Z'));
    });

    test('a job made or changed meanwhile goes on too', () => {
      const r = goneAstray({});
      r.put({ name: 'b', schedule: hourly }, { name: 'a', schedule: { cron: '30 * * * *' } });
      r.now = Date.parse('2026-01-01T00:31:00Z');
      r.restart();
      expect(r.view('b').nextDue).toBe(Date.parse('2026-01-01T01:00:00Z'));
      expect(r.view('a').nextDue).toBe(Date.parse('2026-01-01T01:30:00Z'));
    });
  });
});
