/**
 * The table of record kinds. A new kind needs an entry here and its rules: how a node adds it to its state
 * when it loads (`State.load`) and when it follows (state/follow.ts), and the decisions that write it. The
 * compiler requires the first two.
 *
 * The order is that of backups and of the counts in the embedded store: add new kinds at the end.
 */

import type { Alert, Notification } from '../model/alert.ts';
import { SYSTEM_OWNER } from '../model/ids.ts';
import type { Histograms, Job, JobState, JobStats, LedgerLine, Revision, Run } from '../model/model.ts';
import { accessKinds } from './access-kinds.ts';
import { backfillKinds } from './backfill-kinds.ts';
import { calendarKinds } from './calendar-kinds.ts';
import {
  decodeAlert,
  decodeHistograms,
  decodeJob,
  decodeLine,
  decodeNotification,
  decodeRevision,
  decodeRun,
  decodeState,
  decodeStats,
  encodeAlert,
  encodeHistograms,
  encodeJob,
  encodeLine,
  encodeNotification,
  encodeRevision,
  encodeRun,
  encodeState,
  encodeStats,
  storedRevisionOf,
} from './codec.ts';
import type { PastKind, PresentKind, RemovalKind, Stored } from './kind.ts';
import {
  lineWithReason,
  runWithLineage,
  runWithReasons,
  stateWithLineage,
  stateWithReasons,
} from './steps.ts';

/** There is one open alert for each job and condition. No name of a job has a `~`. */
export const alertKey = ({
  job,
  condition,
  subject = '',
}: Pick<Alert, 'job' | 'condition'> & { readonly subject?: string }): string =>
  job === null ? `~${condition}.${subject}` : `${job}.${condition}`;

/** Earlier releases would take a step of a backfill for a run of today, and drop its interval and what follows is given. */
const runLater = [
  {
    since: 7,
    has: ({ backfill, interval, jitter, shared }: Stored): boolean =>
      [backfill, interval, jitter, shared].some((field) => field !== undefined),
  },
];

/** Fields of a job that formats before 7 do not know, and would pass over. */
function hasRules({ params, runIf, policy }: Stored): boolean {
  const { retries, totalTimeout, skipExitCodes } = (policy ?? {}) as Stored;
  const { onExitCodes, exceptExitCodes } = (retries ?? {}) as Stored;
  return [params, runIf, totalTimeout, skipExitCodes, onExitCodes, exceptExitCodes].some(
    (field) => field !== undefined,
  );
}

/** Statistics of one day of a job. */
export interface Day {
  readonly job: string;
  readonly day: string;
  readonly histograms: Histograms;
}

/** Earlier releases would join the parents in other rounds, or find none. */
const hasNewJoin = ({ definition }: Stored): boolean => {
  const after = ((definition as Stored).schedule as Stored | undefined)?.after as Stored | undefined;
  const parents = Array.isArray(after?.parents) ? after.parents : [];
  return (
    after?.timezone !== undefined ||
    after?.weekStart !== undefined ||
    parents.some((parent) => typeof parent !== 'string')
  );
};

/** Earlier releases would read such a schedule as one that is always due, or as none. */
const hasNewSchedule = ({ definition, resolved }: Stored): boolean => {
  const schedule = (definition as Stored).schedule as Stored | undefined;
  return (
    schedule?.jitter !== undefined ||
    schedule?.calendar !== undefined ||
    ['any', 'start', 'end'].some((field) => resolved != null && field in (resolved as Stored))
  );
};

/** Earlier releases would run what is skipped or moved, and keep a pause. */
const hasExceptions = ({ exceptions, paused }: Stored): boolean =>
  exceptions !== undefined || (paused as Stored | undefined)?.until !== undefined;

export const records = {
  /** Implied by the job's own record, or by the removal. */
  revision: {
    is: 'past',
    implied: true,
    since: 1,
    steps: [],
    table: 'revisions',
    folder: 'history',
    of: 'job',
    keep: 100,
    rewritten: 20,
    isNumbered: true,
    newestIn: 'job',
    key: ({ job }) => job,
    more: ({ revision }) => revision,
    owner: ([, job]) => job,
    place: ([, , , revision]) => [revision as number],
    encode: encodeRevision,
    decode: ([, job, value, revision]) => decodeRevision(job, revision as number, value),
  } satisfies PastKind<Revision>,
  job: {
    is: 'present',
    since: 1,
    later: [
      /** Earlier releases know no job without `run`. */
      { since: 5, has: ({ definition }) => (definition as Stored).run === undefined },
      { since: 7, has: hasNewSchedule },
      { since: 7, has: hasNewJoin },
      { since: 7, has: ({ definition, templates }) => templates === true || hasRules(definition as Stored) },
    ],
    steps: [],
    table: 'jobs',
    key: ({ name }) => name,
    encode: encodeJob,
    decode: ([, name, value], share) => decodeJob(name, value, share),
    also: ([, name, value]) => ['revision', name, storedRevisionOf(name, value), value.revision as number],
  } satisfies PresentKind<Job>,
  /**
   * The job is removed with its state and statistics, unless the same group writes them after it for the next
   * job of the name. History, ledger and revisions are kept until they expire.
   */
  'job-removed': {
    is: 'removal',
    since: 1,
    steps: [],
    removes: ['job', 'state', 'stats'],
    key: ({ job }) => job,
    more: ({ revision }) => revision,
    encode: encodeRevision,
    decode: ([, job, value, revision]) => decodeRevision(job, revision as number, value),
    also: ([, job, value, revision]) => ['revision', job, value, revision as number],
  } satisfies RemovalKind<Revision>,
  state: {
    is: 'present',
    since: 3,
    later: [{ since: 7, has: hasExceptions }],
    steps: [stateWithLineage, stateWithReasons],
    table: 'states',
    folder: 'state',
    field: 'state',
    key: ({ name }) => name,
    encode: encodeState,
    decode: ([, name, value]) => decodeState(name, value),
    latest: ({ last }) => last?.endedAt ?? null,
  } satisfies PresentKind<JobState>,
  /**
   * Today's statistics are also stored under their day. They change with the state and are stored beside it.
   */
  stats: {
    is: 'present',
    since: 1,
    steps: [],
    table: 'stats',
    folder: 'state',
    key: ({ name }) => name,
    encode: encodeStats,
    decode: ([, name, value]) => decodeStats(name, value),
    also: ([, name, { today, day }]) => ['day', name, today as Stored, day as string],
  } satisfies PresentKind<JobStats>,
  /** Unfinished, new or changed. */
  run: {
    is: 'present',
    brief: true,
    since: 3,
    later: runLater,
    steps: [runWithLineage, runWithReasons],
    table: 'runs',
    key: ({ id }) => id,
    encode: encodeRun,
    decode: ([, , value]) => decodeRun(value),
    decidedAt: ({ decidedAt }) => decidedAt,
  } satisfies PresentKind<Run>,
  /** Ended: it is removed from the unfinished runs. Two weeks of an hourly job are kept. */
  'run-ended': {
    is: 'past',
    since: 3,
    later: runLater,
    steps: [runWithLineage, runWithReasons],
    table: 'history',
    field: 'runs',
    of: 'job',
    keep: 500,
    removes: ['run'],
    named: 'id',
    listed: { byPlace: 'by-due', byKey: 'by-id' },
    key: ({ id }) => id,
    owner: ([, , { job }]) => job as string,
    place: ([, , { due, id }]) => [due as number, id as string],
    encode: encodeRun,
    decode: ([, , value]) => decodeRun(value),
    decidedAt: ({ decidedAt }) => decidedAt,
  } satisfies PastKind<Run>,
  /** Replaces an earlier entry of the job with the same start. Frequent jobs keep their last hours. */
  ledger: {
    is: 'past',
    since: 3,
    steps: [lineWithReason],
    table: 'ledger',
    folder: 'history',
    of: 'job',
    keep: 5_000,
    key: ({ job }) => job,
    more: ({ from }) => from,
    owner: ([, job]) => job,
    place: ([, , , from]) => [from as number],
    encode: encodeLine,
    decode: ([, job, value, from]) => decodeLine(job, from as number, value),
  } satisfies PastKind<LedgerLine>,
  /** A year and a month per job. */
  day: {
    is: 'past',
    implied: true,
    since: 1,
    steps: [],
    table: 'days',
    folder: 'history',
    of: 'job',
    keep: 400,
    rewritten: 62,
    key: ({ job }) => job,
    more: ({ day }) => day,
    owner: ([, job]) => job,
    place: ([, , , day]) => [day as string],
    encode: ({ histograms }) => encodeHistograms(histograms),
    decode: ([, job, value, day]) => ({ job, day: day as string, histograms: decodeHistograms(value) }),
  } satisfies PastKind<Day>,
  /** Open, new or changed. */
  alert: {
    is: 'present',
    since: 4,
    steps: [],
    table: 'alerts',
    key: alertKey,
    encode: encodeAlert,
    decode: ([, , value]) => decodeAlert(value),
  } satisfies PresentKind<Alert>,
  'alert-ended': {
    is: 'past',
    since: 4,
    steps: [],
    table: 'ended-alerts',
    folder: 'history',
    of: 'job',
    keep: 100,
    removes: ['alert'],
    key: alertKey,
    more: ({ id }) => id,
    owner: ([, , { job }]) => (job ?? SYSTEM_OWNER) as string,
    place: ([, , { since, id }]) => [since as number, id as string],
    encode: encodeAlert,
    decode: ([, , value]) => decodeAlert(value),
  } satisfies PastKind<Alert>,
  /** Owed to its receiver. */
  notification: {
    is: 'present',
    brief: true,
    since: 4,
    steps: [],
    table: 'notifications',
    key: ({ id }) => id,
    encode: encodeNotification,
    decode: ([, , value]) => decodeNotification(value),
  } satisfies PresentKind<Notification>,
  /** Delivered, or dropped for newer ones. */
  'notification-ended': {
    is: 'past',
    since: 4,
    steps: [],
    table: 'ended-notifications',
    folder: 'history',
    of: 'job',
    keep: 100,
    removes: ['notification'],
    key: ({ id }) => id,
    owner: ([, , { job }]) => (job ?? SYSTEM_OWNER) as string,
    place: ([, , { at, id }]) => [at as number, id as string],
    encode: encodeNotification,
    decode: ([, , value]) => decodeNotification(value),
  } satisfies PastKind<Notification>,
  ...accessKinds,
  ...calendarKinds,
  ...backfillKinds,
} as const;

type Records = typeof records;
export type KindName = keyof Records;
export type ValueOf<K extends KindName> = ReturnType<Records[K]['decode']>;
type NamesOf<Is> = { [K in KindName]: Records[K] extends Is ? K : never }[KindName];
export type PresentName = NamesOf<{ readonly is: 'present' }>;
export type PastName = NamesOf<{ readonly is: 'past' }>;
/** Kinds written by decisions. */
export type WrittenName = Exclude<KindName, NamesOf<{ readonly implied: true }>>;

type RecordOf<K extends KindName> = { [N in K]: { readonly kind: N; readonly value: ValueOf<N> } }[K];
/** A write of a decision. */
export type Write = RecordOf<WrittenName>;
/** Atomic: the writes of one decision about one job. */
export type WriteGroup = readonly Write[];
/** What every node loads. */
export type LoadedItem = RecordOf<PresentName>;

/** One rule per kind. */
export type Rules<K extends KindName, On, A> = { readonly [N in K]: (on: On, value: ValueOf<N>) => A };

/** Applies the rule for the value's kind. */
export function byKind<K extends KindName, On, A>(
  rules: Rules<K, On, A>,
  on: On,
  { kind, value }: { readonly kind: K; readonly value: unknown },
): A {
  return (rules[kind] as (on: On, value: unknown) => A)(on, value);
}
