/** Traces in Jaeger: a pipeline, a job that knows its span, and an attempt whose leader is killed. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SpanIds, spanIn } from '../../src/scheduler/model/trace.ts';
import type { Attribute, Span } from '../../src/traces/spans.ts';
import { hasJaeger, Jaeger } from '../support/jaeger.ts';
import { endServers, eventually, Server } from '../support/server.ts';

interface RunAnswer {
  readonly id: string;
  readonly state: string;
  readonly createdAt: string;
  readonly endedAt: string;
  readonly attempts: readonly {
    readonly startedAt: string;
    readonly endedAt: string;
    readonly launchName: string;
  }[];
}

const attributeOf = ({ attributes }: { readonly attributes: readonly Attribute[] }, key: string): unknown =>
  Object.values(attributes.find((attribute) => attribute.key === key)?.value ?? {})[0];
const nanos = (time: string): string => `${Date.parse(time)}000000`;

describe.skipIf(!hasJaeger)('Jaeger', () => {
  let dir: string;
  let jaeger: Jaeger;
  let server: Server;

  const start = (): Promise<Server> => Server.start(join(dir, 'data'), ['--otlp-endpoint', jaeger.otlp]);
  const put = (name: string, more: object) => server.ask('PUT', `/api/v1/jobs/${name}`, { name, ...more });
  const trigger = async (name: string): Promise<string> =>
    (await server.ask<{ id: string }>('POST', `/api/v1/jobs/${name}/trigger`, {})).body.id;
  const runOf = (id: string): Promise<RunAnswer> => server.get(`/api/v1/runs/${id}`);
  const output = (id: string): Promise<string> => server.get<string>(`/api/v1/runs/${id}/logs`);

  /** The ids that a run of the job printed, of its attempt. */
  const printed = async (id: string): Promise<SpanIds> => {
    const text = await eventually(
      () => output(id),
      (found) => found.includes('\n'),
    );
    const span = spanIn(text.trim());
    if (span === null) throw new Error(`it printed ${JSON.stringify(text)}`);
    return span;
  };
  /** The spans of an ended run with one attempt. */
  const traced = async ({ traceId }: SpanIds): Promise<{ run: Span; attempt: Span; all: Span[] }> => {
    const all = await eventually(
      () => jaeger.spans(traceId),
      (found) => found.length > 0,
    );
    const run = all.find(({ parentSpanId = '' }) => parentSpanId === '');
    const attempt = all.find(({ parentSpanId }) => parentSpanId === run?.spanId);
    if (run === undefined || attempt === undefined) throw new Error(`it has ${JSON.stringify(all)}`);
    return { run, attempt, all };
  };

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'carillon-traces-'));
    jaeger = await Jaeger.start();
    server = await start();
  });
  afterAll(async () => {
    await endServers();
    await jaeger?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('has the runs of a pipeline, their attempts, and links from children to parents', async () => {
    const run = { command: 'echo "$TRACEPARENT"' };
    await put('extract', { run });
    await put('load', { run, schedule: { after: { parents: ['extract'] } } });
    const id = await trigger('extract');
    const [child] = await eventually(
      () => server.all<RunAnswer>('/api/v1/runs?job=load'),
      (runs) => runs[0]?.state === 'succeeded',
    );
    const first = await printed(id);
    const second = await printed(child?.id ?? '');
    const [extract, load] = [await traced(first), await traced(second)];

    expect(await jaeger.services()).toContain('carillon');
    expect([extract.all.length, load.all.length]).toEqual([2, 2]);
    // What the jobs printed are their attempts.
    expect(extract.attempt).toMatchObject(first);
    expect(load.attempt).toMatchObject(second);
    expect([extract, load].map(({ run, attempt }) => [run.name, attempt.name])).toEqual([
      ['extract', 'extract attempt'],
      ['load', 'load attempt'],
    ]);
    expect(extract.run.links ?? []).toEqual([]);
    expect(load.run.links.map(({ traceId, spanId }) => ({ traceId, spanId }))).toEqual([
      { traceId: extract.run.traceId, spanId: extract.run.spanId },
    ]);
    for (const [{ run, attempt }, stored] of [
      [extract, await runOf(id)],
      [load, await runOf(child?.id ?? '')],
    ] as const) {
      expect([run.startTimeUnixNano, run.endTimeUnixNano]).toEqual([
        nanos(stored.createdAt),
        nanos(stored.endedAt),
      ]);
      expect(attempt.endTimeUnixNano).toBe(nanos(stored.attempts[0]?.endedAt ?? ''));
      expect(attempt.events).toMatchObject([
        { name: 'started', timeUnixNano: nanos(stored.attempts[0]?.startedAt ?? '') },
      ]);
      expect(attributeOf(run, 'carillon.run')).toBe(stored.id);
      expect(attributeOf(attempt, 'process.exit.code')).toBe('0');
    }
  });

  test('shows a run that failed as an error with its reason', async () => {
    await put('bad', { run: { command: 'echo "$TRACEPARENT"; exit 7' } });
    const { run, attempt } = await traced(await printed(await trigger('bad')));
    for (const span of [run, attempt]) expect(span.status).toEqual({ code: 2, message: 'exit code 7' });
  });

  test('has as many spans as the server counts', async () => {
    const exported = async (): Promise<string[]> => {
      const response = await fetch(`${server.url}/metrics`, { headers: { accept: 'text/plain' } });
      return [...(await response.text()).matchAll(/^carillon_trace_spans_.*$/gm)].map(([line]) => line);
    };
    // Two runs of a pipeline and a third, each with an attempt.
    const lines = await eventually(exported, (found) => found.some((line) => line.endsWith(' 6')));
    expect(lines).toEqual([
      'carillon_trace_spans_total{outcome="exported"} 6',
      'carillon_trace_spans_total{outcome="refused"} 0',
      'carillon_trace_spans_total{outcome="dropped"} 0',
      'carillon_trace_spans_waiting 0',
    ]);
  });

  test('has an attempt once, in the span that the job knows, if the leader is killed while it runs', async () => {
    const go = join(dir, 'go');
    await put('long', {
      run: { command: `echo "$TRACEPARENT"; while [ ! -e ${go} ]; do sleep 0.05; done` },
    });
    const id = await trigger('long');
    const known = await printed(id);
    await server.end('SIGKILL');
    server = await start();
    writeFileSync(go, '');
    const { attempt, all } = await traced(known);
    expect(attempt).toMatchObject(known);
    // The stop sends what waits: nothing more can come.
    await server.end('SIGTERM');
    expect((await jaeger.spans(known.traceId)).length).toBe(all.length);
    expect(all.length).toBe(2);
  });
});
