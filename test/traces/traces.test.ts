/** The export of spans: in batches, bounded, again after delays, and never at the cost of the scheduler. */

import { beforeEach, describe, expect, test } from 'vitest';
import type { Notice } from '../../src/scheduler/handle.ts';
import type { Run } from '../../src/scheduler/model/model.ts';
import type { Clock } from '../../src/scheduler/ports.ts';
import type { Answer } from '../../src/traces/collector.ts';
import type { Bounds } from '../../src/traces/queue.ts';
import { Traces } from '../../src/traces/traces.ts';
import { ended } from '../conformance/store.ts';
import { SimClock } from '../support/sim-clock.ts';

const taken: Answer = { kind: 'taken', rejected: 0, message: '' };
const away: Answer = { kind: 'away', message: 'it responded with status 503', retryAfterMs: 0 };
const node = { id: 'node-1', host: 'here', version: '1' };

let clock: SimClock;
let traces: Traces;
/** When each request came, and the runs in it. */
let requests: { readonly at: number; readonly runs: readonly string[] }[];
let lines: [event: string, fields: object][];
let answer: Answer | Promise<Answer>;

function create(bounds?: Bounds): void {
  const at = (fields: object, event: string): void => void lines.push([event, fields]);
  traces = new Traces({
    collector: {
      send: async (body) => {
        requests.push({ at: clock.monotonicMs(), runs: runsIn(body) });
        return answer;
      },
    },
    check: async () => undefined,
    ...{ installation: 'i', node, clock },
    log: { info: at, warn: at, error: at, debug: at },
    ...(bounds !== undefined && { bounds }),
  });
}

beforeEach(() => {
  clock = new SimClock(0);
  requests = [];
  lines = [];
  answer = taken;
  create();
});

function runsIn(body: string): string[] {
  const { resourceSpans } = JSON.parse(body);
  return resourceSpans[0].scopeSpans[0].spans.map(({ name }: { name: string }) => name);
}
const runs = (count: number): Run[] => Array.from({ length: count }, (_, i) => ended(`r${i}`, i));
const noticesOf = (ended: readonly Run[]): Notice[] => ended.map((run) => ({ kind: 'run', run }));
const end = (count: number): void => traces.decided(noticesOf(runs(count)));
const figures = (exported: number, waiting: number, lost: { refused?: number; dropped?: number } = {}) => ({
  ...{ exported, waiting, refused: 0, dropped: 0 },
  ...lost,
});

describe('while the collector answers', () => {
  test('only runs that ended are sent', async () => {
    const unfinished = { ...ended('going', 1), endedAt: null };
    traces.decided([
      { kind: 'leader', term: 1, leading: true },
      ...noticesOf([unfinished, ended('done', 1)]),
    ]);
    await clock.advance(1_000);
    expect(requests.map((request) => request.runs)).toEqual([['done']]);
  });

  test('runs that end within a second are one request', async () => {
    end(2);
    await clock.advance(500);
    traces.decided(noticesOf([ended('late', 1)]));
    await clock.advance(499);
    expect([requests, traces.figures()]).toEqual([[], figures(0, 3)]);
    await clock.advance(1);
    expect(requests.map((request) => request.runs)).toEqual([['r0', 'r1', 'late']]);
    expect(traces.figures()).toEqual(figures(3, 0));
  });

  test('thousands are sent in parts, in order and once', async () => {
    end(1_000);
    await clock.advance(1_000);
    expect(Math.max(...requests.map((request) => request.runs.length))).toBe(256);
    expect(requests.flatMap((request) => request.runs)).toEqual(runs(1_000).map(({ job }) => job));
  });

  test('what ends during a request is in the next one', async () => {
    let respond: (answer: Answer) => void = () => undefined;
    answer = new Promise((resolve) => {
      respond = resolve;
    });
    end(1);
    await clock.advance(1_000);
    traces.decided(noticesOf([ended('next', 1)]));
    respond(taken);
    await clock.advance(1_000);
    expect(requests.map((request) => request.runs)).toEqual([['r0'], ['next']]);
  });

  test('the request says who sends it', async () => {
    let sent = '';
    traces = new Traces({
      collector: {
        send: async (body) => {
          sent = body;
          return taken;
        },
      },
      check: async () => undefined,
      ...{ installation: 'i', node, clock },
      log: { info() {}, warn() {}, error() {}, debug() {} },
    });
    end(1);
    await clock.advance(1_000);
    const { resource, scopeSpans } = JSON.parse(sent).resourceSpans[0];
    expect(resource.attributes).toEqual(
      [
        ['service.name', 'carillon'],
        ['service.version', '1'],
        ['service.instance.id', 'node-1'],
        ['host.name', 'here'],
        ['carillon.installation', 'i'],
      ].map(([key, stringValue]) => ({ key, value: { stringValue } })),
    );
    expect(scopeSpans[0].scope).toEqual({ name: 'carillon', version: '1' });
  });
});

test('a request is written in turns with other work', async () => {
  let readings = 0;
  let turns = 0;
  // Each look at the clock takes a millisecond.
  const slow: Clock = {
    now: () => clock.now(),
    monotonicMs: () => (readings += 1),
    after: (delayMs, callback) => {
      if (delayMs === 0) turns += 1;
      return clock.after(delayMs, callback);
    },
  };
  traces = new Traces({
    collector: { send: async () => taken },
    check: async () => undefined,
    ...{ installation: 'i', node, clock: slow },
    log: { info() {}, warn() {}, error() {}, debug() {} },
  });
  end(100);
  await clock.advance(1_000);
  expect(traces.figures().exported).toBe(100);
  // A turn after every second run.
  expect(turns).toBe(50);
});

describe('while the collector is away', () => {
  test('the same request is sent again with growing delays, and all of it when it is back', async () => {
    answer = away;
    end(1);
    await clock.advance(1_000 + 1_000 + 2_000 + 4_000);
    traces.decided(noticesOf([ended('later', 1)]));
    expect(requests.map(({ at, ...request }) => [at, request.runs])).toEqual(
      [1_000, 2_000, 4_000, 8_000].map((at) => [at, ['r0']]),
    );
    answer = taken;
    await clock.advance(8_000);
    expect(requests.slice(4).map((request) => request.runs)).toEqual([['r0'], ['later']]);
    expect(traces.figures()).toEqual(figures(2, 0));
  });

  test('it is asked at least once a minute', async () => {
    answer = away;
    end(1);
    await clock.advance(3_600_000);
    const delays = requests.slice(1).map(({ at }, i) => at - (requests[i]?.at ?? 0));
    expect(Math.max(...delays)).toBe(60_000);
  });

  test('it decides itself when it is asked again', async () => {
    answer = { ...away, retryAfterMs: 30_000 };
    end(1);
    await clock.advance(1_000);
    answer = taken;
    await clock.advance(29_999);
    expect(requests.length).toBe(1);
    await clock.advance(1);
    expect(requests.length).toBe(2);
  });

  test('a bounded number waits, and the oldest are dropped and counted', async () => {
    create({ runs: 10, bytes: 1e9 });
    answer = away;
    end(1);
    // The first is being sent.
    await clock.advance(1_000);
    traces.decided(noticesOf(runs(25)));
    expect(traces.figures()).toEqual(figures(0, 11, { dropped: 15 }));
    answer = taken;
    await clock.advance(60_000);
    expect(requests.at(-1)?.runs).toEqual(
      runs(25)
        .slice(15)
        .map(({ job }) => job),
    );
    expect(traces.figures()).toEqual(figures(11, 0, { dropped: 15 }));
  });

  test('what waits has bounded bytes, whatever is in it', async () => {
    create({ runs: 1e9, bytes: 1024 * 1024 });
    answer = away;
    const params = { P: 'x'.repeat(64 * 1024) };
    traces.decided(noticesOf(Array.from({ length: 100 }, (_, i) => ended(`r${i}`, i, { params }))));
    // 128 KiB each.
    expect(traces.figures().waiting).toBe(7);
    expect(traces.figures().dropped).toBe(93);
  });

  test('that is logged at most once a minute, and when it is back', async () => {
    answer = away;
    end(1);
    await clock.advance(180_000);
    expect(lines.map(([event]) => event)).toEqual(['traces.delayed', 'traces.delayed', 'traces.delayed']);
    expect(lines[0]?.[1]).toEqual({ error: 'it responded with status 503', ...figures(0, 1) });
    answer = taken;
    await clock.advance(60_000);
    expect(lines.at(-1)).toEqual(['traces.exported', figures(1, 0)]);
  });
});

describe('what the collector refuses', () => {
  test('is dropped and counted, and what comes after is sent', async () => {
    answer = { kind: 'refused', message: 'it responded with status 400: no' };
    end(2);
    await clock.advance(1_000);
    answer = taken;
    traces.decided(noticesOf([ended('next', 1)]));
    await clock.advance(1_000);
    expect(requests.map((request) => request.runs)).toEqual([['r0', 'r1'], ['next']]);
    expect(traces.figures()).toEqual(figures(1, 0, { refused: 2 }));
    expect(lines.map(([event]) => event)).toEqual(['traces.refused', 'traces.exported']);
  });

  test('of a request is counted', async () => {
    answer = { kind: 'taken', rejected: 1, message: 'too old' };
    end(3);
    await clock.advance(1_000);
    expect(traces.figures()).toEqual(figures(2, 0, { refused: 1 }));
    expect(lines).toEqual([['traces.refused', { error: 'too old', ...figures(2, 0, { refused: 1 }) }]]);
  });
});

describe('a stop', () => {
  test('sends what waits', async () => {
    end(300);
    await traces.stop();
    expect(requests.flatMap((request) => request.runs).length).toBe(300);
    expect(traces.figures()).toEqual(figures(300, 0));
  });

  test('tries a collector that is away once more, and drops the rest', async () => {
    answer = away;
    end(300);
    await clock.advance(1_000);
    await traces.stop();
    expect(requests.length).toBe(2);
    expect(traces.figures()).toEqual(figures(0, 0, { dropped: 300 }));
    expect(lines.at(-1)).toEqual([
      'traces.dropped',
      { error: 'it responded with status 503', ...figures(0, 0, { dropped: 300 }) },
    ]);
  });

  test('takes three seconds at most', async () => {
    traces = new Traces({
      collector: {
        send: (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(away))),
      },
      check: async () => undefined,
      ...{ installation: 'i', node, clock },
      log: { info() {}, warn() {}, error() {}, debug() {} },
    });
    end(300);
    await clock.advance(1_000);
    const stopped = traces.stop();
    await clock.advance(3_000);
    await stopped;
    expect(traces.figures()).toEqual(figures(0, 0, { dropped: 300 }));
  });
});
