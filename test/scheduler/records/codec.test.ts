import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type {
  Attempt,
  Job,
  JobState,
  JobStats,
  LedgerLine,
  Lineage,
  Run,
} from '../../../src/scheduler/model/model.ts';
import type { Reason } from '../../../src/scheduler/model/reason.ts';
import {
  createSharing,
  decodeJob,
  decodeLine,
  decodeRevision,
  decodeRun,
  decodeState,
  decodeStats,
  encodeJob,
  encodeLine,
  encodeRevision,
  encodeRun,
  encodeState,
  encodeStats,
} from '../../../src/scheduler/records/codec.ts';
import type { Stored } from '../../../src/scheduler/records/kind.ts';
import { decodeValue } from '../../../src/scheduler/records/stored.ts';

/** As a store does it: through text. */
const stored = (value: Stored): Stored => JSON.parse(JSON.stringify(value));

const instant = fc.integer({ min: -1_000_000_000_000, max: 4_000_000_000_000 });
const count = fc.nat();
const text = fc.oneof(fc.constant(''), fc.string({ unit: 'grapheme' }), fc.constant('v'));
const nullable = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(one, { nil: null });
/** Keys as people may choose them, those of every object among them. */
const textMap = fc
  .array(fc.tuple(fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'v')), text), { maxLength: 4 })
  .map((entries) => JSON.parse(`{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`)}}`));

const reason: fc.Arbitrary<Reason> = fc.oneof(
  fc.record({ code: fc.constant('exit-code' as const), exitCode: fc.integer() }),
  fc.record({ code: fc.constant('engine-report' as const), text }),
  fc.record({
    code: fc.constant('waits-for-runs' as const),
    runs: fc.array(fc.record({ job: text, due: instant, variant: text }, { requiredKeys: ['job', 'due'] }), {
      maxLength: 3,
    }),
    more: count,
  }),
  fc.record({
    code: fc.constant('kill-unconfirmed' as const),
    because: fc.record({ code: fc.constant('killed' as const), by: text }),
  }),
);
const attempt: fc.Arbitrary<Attempt> = fc.record({
  number: count,
  engine: text,
  host: nullable(text),
  launchName: text,
  term: count,
  createdAt: instant,
  startedAt: nullable(instant),
  endedAt: nullable(instant),
  exitCode: nullable(fc.integer()),
  reason: nullable(reason),
});
const lineage = fc.constantFrom<Lineage>('scheduled', 'manual', 'rerun');
const run: fc.Arbitrary<Run> = fc.record({
  id: text,
  job: text,
  due: instant,
  variant: text,
  lineage,
  root: nullable(text),
  trigger: fc.oneof(
    fc.constant({ kind: 'schedule' as const }),
    fc.constant({ kind: 'schedule' as const, catchUp: true as const }),
    fc.record({ kind: fc.constant('parents' as const), runs: fc.array(text) }),
    fc.record({ kind: fc.constant('rerun' as const), by: text, of: text }),
  ),
  params: textMap,
  priority: fc.integer({ min: -100, max: 100 }),
  createdAt: instant,
  catchesUp: count,
  revision: count,
  state: fc.constantFrom('waiting', 'running', 'succeeded', 'lost', 'missed'),
  reason: nullable(reason),
  notBefore: nullable(instant),
  startBy: nullable(instant),
  kill: nullable(fc.record({ at: instant, by: text, as: fc.constantFrom('killed', 'timed-out'), reason })),
  attempts: fc.array(attempt, { maxLength: 3 }),
  endedAt: nullable(instant),
});
const parentEnd: fc.Arbitrary<JobState['held'][number]> = fc.record({
  parent: text,
  runId: text,
  due: instant,
  variant: text,
  outcome: fc.constantFrom('succeeded', 'failed'),
  kind: lineage,
});
const stretch = fc.record(
  { from: instant, to: instant, schedule: fc.constant(null) },
  { requiredKeys: ['from', 'to'] },
);
const stretches = fc.array(stretch, { maxLength: 3 });
const state: fc.Arbitrary<JobState> = fc.record({
  name: text,
  cursor: instant,
  ahead: stretches,
  begins: instant,
  eras: stretches,
  leaps: fc.constant([]),
  paused: nullable(fc.record({ at: instant, by: text })),
  disabled: nullable(fc.record({ at: instant, reason })),
  pipeline: nullable(instant),
  muted: nullable(fc.record({ by: text, at: instant, until: instant, reason: text })),
  join: fc.constantFrom<JobState['join']>(null, { open: [], recent: [] }),
  held: fc.array(parentEnd, { maxLength: 2 }),
  heard: fc.array(text, { maxLength: 3 }),
  succeeded: count,
  failed: count,
  skipped: count,
  missed: count,
  killed: count,
  consecutiveFailures: count,
  lastSucceededAt: nullable(instant),
  lastFailedAt: nullable(instant),
  last: nullable(
    fc.record({ id: text, state: fc.constant('failed' as const), due: instant, endedAt: instant }),
  ),
  removed: nullable(
    fc.record({
      at: instant,
      by: text,
      revision: count,
      resolved: nullable(fc.constant({ at: '2026-01-01T00:00:00Z' })),
    }),
  ),
});
const histograms = fc.record({
  runTime: text,
  failedRunTime: text,
  startLateness: text,
  queueWait: text,
  cpuTime: text,
  peakMemory: text,
});
const stats: fc.Arbitrary<JobStats> = fc.record({
  name: text,
  day: text,
  today: histograms,
  before: histograms,
});
const line: fc.Arbitrary<LedgerLine> = fc.record(
  {
    job: text,
    from: instant,
    to: instant,
    count,
    more: fc.boolean(),
    end: fc.constantFrom('ran', 'skipped', 'missed', 'caught-up'),
    state: fc.constantFrom('succeeded', 'failed', 'killed', 'timed-out', 'lost'),
    reason: nullable(reason),
    run: nullable(text),
  },
  { requiredKeys: ['job', 'from', 'to', 'count', 'end', 'reason', 'run'] },
);
const job: fc.Arbitrary<Job> = text.chain((name) =>
  fc.record({
    name: fc.constant(name),
    definition: fc.record(
      {
        name: fc.constant(name),
        description: text,
        labels: textMap,
        schedule: fc.constantFrom({ cron: '0 2 * * *' }, { every: 'PT5S' }),
        run: fc.record({ command: text, env: textMap, argv: fc.array(text) }),
        policy: fc.constantFrom({}, { overlap: 'skip' as const }, { retries: { limit: 0 } }),
        paused: fc.boolean(),
      },
      { requiredKeys: ['name', 'run'] },
    ),
    resolved: fc.constantFrom(null, { cron: '0 2 * * *', timezone: 'UTC' }),
    revision: count,
    createdAt: instant,
    updatedAt: instant,
    updatedBy: text,
  }),
);

/** Equal as values and as text: `toEqual` alone overlooks keys such as `__proto__`. */
function same(actual: object, expected: object): void {
  expect(actual).toStrictEqual(expected);
  const sorted = (_: string, value: unknown): unknown =>
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? value
      : Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  expect(JSON.stringify(actual, sorted)).toBe(JSON.stringify(expected, sorted));
}

describe('what is stored is read back as it was', () => {
  const back = <T extends object>(one: fc.Arbitrary<T>, through: (value: T) => object): void => {
    // Records of fast-check have no prototype; domain values are plain objects.
    fc.assert(fc.property(one, (value) => same(through(value), JSON.parse(JSON.stringify(value)))));
  };
  test('runs', () => back(run, (value) => decodeRun(stored(encodeRun(value)))));
  test('states', () => back(state, (value) => decodeState(value.name, stored(encodeState(value)))));
  test('statistics', () => back(stats, (value) => decodeStats(value.name, stored(encodeStats(value)))));
  test('ledger lines', () =>
    back(line, (value) => decodeLine(value.job, value.from, stored(encodeLine(value)))));
  test('ledger lines from before the end of a run was recorded', () => {
    const old = { to: 60_000, end: 'ran', run: 'j.1' };
    expect(decodeLine('j', 60_000, old)).toEqual({
      job: 'j',
      from: 60_000,
      count: 1,
      reason: null,
      ...old,
    });
  });
  test('revisions', () =>
    back(
      job.map(({ definition }) => ({ job: 'j', revision: 3, at: 1, by: 'ann', definition })),
      (value) => decodeRevision('j', 3, stored(encodeRevision(value))),
    ));
  test('jobs, their parts shared or not', () => {
    const share = createSharing();
    back(job, (value) => decodeJob(value.name, stored(encodeJob(value)), (part) => part));
    back(job, (value) => decodeJob(value.name, stored(encodeJob(value)), share));
  });
});

test('equal parts of different jobs become one object', () => {
  const share = createSharing();
  const [a, b] = ['a', 'b'].map((name) =>
    decodeJob(
      name,
      stored(
        encodeJob({
          name,
          definition: { name, labels: { team: 'x' }, run: { command: name, env: { K: 'v' } } },
          resolved: { cron: '0 2 * * *', timezone: 'UTC' },
          revision: 1,
          createdAt: 0,
          updatedAt: 0,
          updatedBy: '',
        }),
      ),
      share,
    ),
  ) as [Job, Job];
  expect(a.definition.labels).toBe(b.definition.labels);
  expect(a.definition.run?.env).toBe(b.definition.run?.env);
  expect(a.resolved).toBe(b.resolved);
  expect([a.definition.run?.command, b.definition.run?.command]).toEqual(['a', 'b']);
});

test('values of a later version, and of an unknown kind, are refused and not misread', () => {
  const later = expect.objectContaining({
    code: 'STORE_TOO_NEW',
    message: expect.stringMatching(/was written by a later release.*restore a backup/),
  });
  expect(() => decodeValue(['run', 'a.1', { v: 99, id: 'a.1' }])).toThrow(later);
  expect(() => decodeValue(['state', 'a', { v: 99 }])).toThrow(later);
  expect(() => decodeValue(['job', 'a', { v: 99 }])).toThrow(later);
  expect(() => decodeValue(['song', 'a', {}])).toThrow(later);
});
