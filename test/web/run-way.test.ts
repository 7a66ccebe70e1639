/** The way of a run: its moments in order, and its attempts in proportion. */

import { describe, expect, it } from 'vitest';
import type { WireAttempt, WireRun } from '../../src/api/wire/schema.ts';
import { barsOf, byWhom, momentsOf } from '../../web/src/run/timeline.ts';

const at = (second: number): string =>
  new Date(Date.parse('2026-11-21T02:00:00.000Z') + second * 1_000).toISOString();

const attempt = (
  number: number,
  seconds: readonly [number, number | null, number | null],
  exitCode: number | null,
): WireAttempt => ({
  number,
  engine: 'process',
  host: null,
  launchName: `sales-${number}`,
  createdAt: at(seconds[0]),
  startedAt: seconds[1] === null ? null : at(seconds[1]),
  endedAt: seconds[2] === null ? null : at(seconds[2]),
  image: null,
  exitCode,
  reason: null,
  why: null,
  bytesDropped: 0,
  cpuMs: null,
  peakMemoryBytes: null,
  readBytes: null,
  writtenBytes: null,
  usageUntil: null,
});

const trigger = { by: null, of: null, catchUp: false };

const run = (changes: Partial<WireRun>): WireRun => ({
  id: 'sales.20261121T020000Z',
  job: 'sales',
  due: at(0),
  trigger: { kind: 'schedule', by: null, of: null, catchUp: false },
  origin: { kind: 'schedule', job: null },
  state: 'running',
  reason: null,
  why: null,
  variant: '',
  revision: 1,
  priority: 0,
  params: {},
  parents: [],
  attempts: [],
  catchesUp: 0,
  interval: null,
  createdAt: at(1),
  notBefore: null,
  startBy: null,
  kill: null,
  endedAt: null,
  lateMs: null,
  runMs: null,
  ...changes,
});

const told = (of: WireRun) => momentsOf(of).map(({ what, sinceMs }) => `${what} +${sinceMs ?? 0}`);

it.each<[string, Partial<WireRun>]>([
  ['by its schedule', {}],
  [
    'by its schedule, to catch up, also for 3 earlier due times',
    { trigger: { ...trigger, kind: 'schedule', catchUp: true }, catchesUp: 3 },
  ],
  ['by its parents', { trigger: { ...trigger, kind: 'parents' } }],
  [
    'by its parents, after a rerun of extract',
    { trigger: { ...trigger, kind: 'parents' }, origin: { kind: 'rerun', job: 'extract' } },
  ],
  [
    'by its parents, after a manual run of extract',
    { trigger: { ...trigger, kind: 'parents' }, origin: { kind: 'manual', job: 'extract' } },
  ],
  ['rerun by ann', { trigger: { ...trigger, kind: 'rerun', by: 'ann' } }],
])('the page of a run says that it was made %s', (said, changes) => {
  expect(byWhom(run(changes))).toBe(said);
});

describe('the way of a run', () => {
  it('goes from due to ended', () => {
    const ended = run({ state: 'succeeded', endedAt: at(20), attempts: [attempt(1, [2, 5, 20], 0)] });
    expect(told(ended)).toEqual([
      'Due +0',
      'Decided and committed +1000',
      'Launched +1000',
      'Running +3000',
      'Ended +15000',
    ]);
    expect(momentsOf(ended).at(-1)).toMatchObject({ note: 'exit code 0', tone: 'ok' });
  });

  it('tells attempts apart where there are several', () => {
    const retried = run({ attempts: [attempt(1, [2, 3, 4], 1), attempt(2, [14, 15, null], null)] });
    expect(told(retried)).toEqual([
      'Due +0',
      'Decided and committed +1000',
      'Launched, attempt 1 +1000',
      'Running, attempt 1 +1000',
      'Ended, attempt 1 +1000',
      'Launched, attempt 2 +10000',
      'Running, attempt 2 +1000',
    ]);
  });

  it('has a kill where it came', () => {
    const why = { code: 'killed', because: null, text: 'killed by ann', refs: [], parts: [] };
    const kill = { at: at(6), by: 'ann', reason: 'killed by ann', why };
    const killed = run({
      state: 'killed',
      reason: 'killed by ann',
      kill,
      endedAt: at(7),
      attempts: [attempt(1, [2, 5, 7], 143)],
    });
    expect(told(killed).slice(-2)).toEqual(['Kill requested +1000', 'Ended +1000']);
  });

  it('tells of the newest attempts only, however many there were', () => {
    const attempts = Array.from({ length: 900 }, (_, i) => attempt(i + 1, [i, i, i + 1], 1));
    const moments = momentsOf(run({ attempts }));
    expect(moments.length).toBeLessThan(20);
    expect(moments.at(-1)?.what).toBe('Ended, attempt 900');
    expect(barsOf(run({ attempts }), Date.parse(at(1_000))).length).toBeLessThan(20);
  });

  it('draws attempts in proportion, the last one until now', () => {
    const going = run({
      createdAt: at(0),
      attempts: [attempt(1, [0, 10, 20], 1), attempt(2, [50, 60, null], null)],
    });
    expect(barsOf(going, Date.parse(at(100)))).toEqual([
      { attempt: 1, created: 0, started: 0.1, ended: 0.2, good: false },
      { attempt: 2, created: 0.5, started: 0.6, ended: 1, good: null },
    ]);
  });
});
