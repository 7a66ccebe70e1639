/** Spans of runs as the scheduler ends them: who is whose child, when, and how it went. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Run } from '../../src/scheduler/model/model.ts';
import { runSpan } from '../../src/scheduler/model/trace.ts';
import { type Attribute, type Span, spanCount, spansOf } from '../../src/traces/spans.ts';
import { ended } from '../conformance/store.ts';
import { testSettings } from '../support/rig.ts';
import { World } from '../support/world.ts';

const MIDNIGHT = Date.parse('2026-11-21T00:00:00Z');
let world: World;
beforeEach(async () => {
  world = await World.at('2026-11-20T23:59:30Z', { ...testSettings, traced: true });
});
afterEach(() => world.stop());

const nanos = (ms: number): string => `${ms}000000`;
const valuesOf = (attributes: readonly Attribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
/** The spans of the job's newest ended run. */
function spans(job: string): [run: Span, ...attempts: Span[]] {
  const run = world.traced.findLast((each) => each.job === job);
  return spansOf('world', run as Run) as [Span, ...Span[]];
}
const midnight = (): Promise<void> => world.clock.advance(MIDNIGHT - world.clock.now());
/** Lets the newest attempt of the job run for a second. */
async function exit(job: string, exitCode: number): Promise<void> {
  await world.clock.advance(1_000);
  world.engine.exit(world.engine.newest(job), exitCode);
  await world.clock.settle();
}

describe('a run that succeeded', () => {
  test('is a span from its due time to its end, with its attempt as a child', async () => {
    await world.put({ name: 'a', schedule: { cron: '0 0 * * *' } });
    await midnight();
    await exit('a', 0);
    const [run, attempt, ...others] = spans('a');
    expect(others).toEqual([]);
    expect(run).toMatchObject({
      ...runSpan('world', 'a.20261121T000000Z'),
      name: 'a',
      startTimeUnixNano: nanos(MIDNIGHT),
      endTimeUnixNano: nanos(MIDNIGHT + 1_000),
      links: [],
      status: {},
    });
    expect(run.parentSpanId).toBeUndefined();
    expect(valuesOf(run.attributes)).toMatchObject({
      'carillon.job': 'a',
      'carillon.run': 'a.20261121T000000Z',
      'carillon.due': '2026-11-21T00:00:00.000Z',
      'carillon.state': 'succeeded',
      'carillon.trigger': 'schedule',
      'carillon.attempts': '1',
    });
    expect(run.events.map(({ name }) => name)).toEqual(['decided', 'started']);
    expect(attempt).toMatchObject({
      traceId: run.traceId,
      parentSpanId: run.spanId,
      name: 'a attempt',
      endTimeUnixNano: nanos(MIDNIGHT + 1_000),
      events: [{ name: 'started', timeUnixNano: nanos(MIDNIGHT) }],
      status: {},
    });
    expect(valuesOf(attempt?.attributes ?? [])).toMatchObject({
      'carillon.attempt': '1',
      'carillon.engine': 'process',
      'carillon.launch': world.engine.newest('a'),
      'process.exit.code': '0',
    });
  });
});

describe('a run that failed', () => {
  test('is an error with its reason, and each of its attempts has its own', async () => {
    await world.put({ name: 'a', policy: { retries: { limit: 1, delay: 'PT10S' } } });
    await world.trigger('a');
    await exit('a', 7);
    await world.clock.advance(10_000);
    await exit('a', 8);
    const [run, first, second] = spans('a');
    expect(run.status).toEqual({ code: 2, message: expect.stringContaining('exit code 8') });
    expect(valuesOf(run.attributes)).toMatchObject({ 'carillon.state': 'failed', 'error.type': 'failed' });
    expect([first?.status, second?.status]).toEqual([
      { code: 2, message: 'exit code 7' },
      { code: 2, message: 'exit code 8' },
    ]);
    expect(Number(second?.startTimeUnixNano)).toBeGreaterThan(Number(first?.endTimeUnixNano));
  });

  test('is an error of its first attempt only if the next one succeeds', async () => {
    await world.put({ name: 'a', policy: { retries: { limit: 1, delay: 'PT10S' } } });
    await world.trigger('a');
    await exit('a', 7);
    await world.clock.advance(10_000);
    await exit('a', 0);
    expect(spans('a').map(({ status }) => status.code)).toEqual([undefined, 2, undefined]);
  });

  test('is no error if a user killed it', async () => {
    await world.put({ name: 'a' });
    const { id } = await world.trigger('a');
    await world.submit({ kind: 'kill', runId: id, by: 'anna' });
    await world.clock.advance(60_000);
    const all = spans('a');
    expect(all.map(({ status }) => status)).toEqual([{}, {}]);
    expect(all[0].events.map(({ name }) => name)).toContain('kill requested');
  });

  test('has no attempt if it was never launched, and ends where it begins at the earliest', async () => {
    await world.put({ name: 'a' }, { name: 'b', schedule: { after: { parents: ['a'] } } });
    await world.trigger('a');
    await exit('a', 1);
    const [run, ...attempts] = spans('b');
    expect(attempts).toEqual([]);
    expect(valuesOf(run.attributes)).toMatchObject({ 'carillon.state': 'skipped' });
    expect(BigInt(run.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(run.startTimeUnixNano));
  });
});

describe('links', () => {
  test('lead from a child to the spans of all its parents', async () => {
    await world.put(
      { name: 'a', schedule: { cron: '0 0 * * *' } },
      { name: 'b', schedule: { cron: '0 0 * * *' } },
      { name: 'c', schedule: { after: { parents: ['a', 'b'] } } },
    );
    await midnight();
    await exit('a', 0);
    await exit('b', 0);
    await exit('c', 0);
    const [child] = spans('c');
    expect(child.links.map(({ traceId, spanId }) => ({ traceId, spanId }))).toEqual(
      ['a', 'b'].map((job) => {
        const [{ traceId, spanId }] = spans(job);
        return { traceId, spanId };
      }),
    );
    expect(child.links.map(({ attributes }) => valuesOf(attributes)['carillon.link'])).toEqual([
      'parent',
      'parent',
    ]);
    // From the end of its parents.
    expect(child.startTimeUnixNano).toBe(nanos(MIDNIGHT + 2_000));
  });

  test('lead from a rerun to its original', async () => {
    await world.put({ name: 'a' });
    const { id } = await world.trigger('a');
    await exit('a', 1);
    await world.submit({ kind: 'rerun', run: await world.scheduler.run(id), triggerId: 'more', by: 'anna' });
    await exit('a', 0);
    expect(spans('a')[0].links).toMatchObject([runSpan('world', id)]);
  });

  test('lead to the span that a user gave as a parameter', async () => {
    await world.put({ name: 'a' });
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const spanId = '00f067aa0ba902b7';
    const params = { TRACEPARENT: `00-${traceId}-${spanId}-01` };
    await world.submit({ kind: 'trigger', name: 'a', triggerId: 'x', params, by: 'anna' });
    expect(world.engine.started[0]?.env).toMatchObject(params);
    await exit('a', 0);
    expect(spans('a')[0].links).toMatchObject([{ traceId, spanId }]);
  });

  test('to thousands of parents are cut, and the rest is counted', () => {
    const runs = Array.from({ length: 5_000 }, (_, i) => `p.${i}`);
    const [span] = spansOf('world', ended('c', 1, { trigger: { kind: 'parents', runs } }));
    expect([span?.links.length, span?.droppedLinksCount]).toEqual([128, 4_872]);
  });
});

describe('a hostile run', () => {
  const attempt = (number: number) => ({
    ...{ number, engine: 'process', host: null, launchName: `a-${number}`, term: 1, createdAt: 0 },
    ...{ startedAt: null, endedAt: 1, exitCode: 1, reason: { code: 'exit-code', exitCode: 1 } as const },
  });

  test('with endless texts and attempts has spans of bounded size', () => {
    const run = ended('a', 1, {
      reason: { code: 'engine-report', text: `${'x'.repeat(1_023)}\u{1f600}${'y'.repeat(1e6)}` },
      state: 'failed',
      attempts: Array.from({ length: 10_000 }, (_, i) => attempt(i + 1)),
    });
    const all = spansOf('world', run);
    expect(all.length).toBe(spanCount(run));
    // The newest ones.
    expect(valuesOf(all.at(-1)?.attributes ?? [])['carillon.attempt']).toBe('10000');
    const text = JSON.stringify(all);
    expect(text.length).toBeLessThan(128 * 1024);
    expect(text).not.toMatch(/\\ud[89a-f]/);
  });

  test('after the clock was set back ends no earlier than it begins', () => {
    const [span] = spansOf('world', ended('a', 1, { endedAt: 0 }));
    expect(span?.endTimeUnixNano).toBe(span?.startTimeUnixNano);
  });
});
