/**
 * Reasons: why a run waits, was skipped, failed or was killed, and why a job does not run. A reason is a code with
 * references. This catalogue has all codes, and is the only place that renders their texts. Programs use the code.
 */

import type { Unmet, UnmetEnd } from '../../dag/ready.ts';
import { runId } from './ids.ts';

/** A run that a reason names. */
export interface RunRef {
  readonly job: string;
  readonly due: number;
  /** Left out: none. */
  readonly variant?: string;
}

/**
 * Why a launch ended, as data, reported by its engine beside a text. `node` is one of the engine's nodes.
 */
export type EndCause =
  /** The program or its container was not started: missing, not executable, or the engine refused it. */
  | { readonly code: 'not-executable' }
  /** A node refused the launch, for example because the image is missing there. */
  | { readonly code: 'node-refused'; readonly node: string }
  /** Ended before its program was started. */
  | { readonly code: 'never-started' }
  | { readonly code: 'out-of-memory' }
  /** By a signal that neither the scheduler nor the job is known to have sent. */
  | { readonly code: 'killed-from-outside' }
  /** Still running when its grace was over. */
  | { readonly code: 'kill-forced' }
  /** Ran longer than its timeout, and no scheduler was there to end it. */
  | { readonly code: 'timeout-enforced' }
  /** The supervisor of a process was killed, so the exit code is unknown. */
  | { readonly code: 'supervisor-lost' }
  | { readonly code: 'machine-restarted' }
  | { readonly code: 'engine-restarted'; readonly node?: string }
  | { readonly code: 'node-down'; readonly node: string }
  /** Others removed the container or the service. */
  | { readonly code: 'launch-removed' };

/** Codes are stored, and clients know them: a code keeps its meaning, and a new meaning gets a new code. */
export type Reason =
  // Overlap and limits.
  | { readonly code: 'waits-for-runs'; readonly runs: readonly RunRef[]; readonly more: number }
  | { readonly code: 'overlap-unfinished'; readonly run: RunRef; readonly state: string }
  | { readonly code: 'overlap-waiting'; readonly run: RunRef }
  | { readonly code: 'overlap-limit'; readonly limit: number }
  | {
      readonly code: 'limit-reached';
      readonly limit: LimitKind;
      readonly name: string;
      readonly places: number;
    }
  // The job.
  | { readonly code: 'job-paused'; readonly by?: string; readonly until?: number }
  | { readonly code: 'job-disabled'; readonly because: Reason }
  | { readonly code: 'job-held'; readonly text: string }
  | { readonly code: 'job-deleted' }
  /** A parameter that was given to its start is not allowed for this job. */
  | { readonly code: 'params-refused'; readonly text: string }
  /** A template of the job, or what it became for this run. */
  | { readonly code: 'cannot-render'; readonly field: string; readonly text: string }
  /** `runIf` became false. */
  | { readonly code: 'condition-false'; readonly condition: string }
  | { readonly code: 'failures-in-a-row'; readonly failures: number }
  | { readonly code: 'schedule-completed' }
  | {
      readonly code: 'parent-idle';
      readonly job: string;
      readonly status: 'paused' | 'disabled';
      readonly more: number;
    }
  // Calendars and maintenance.
  | { readonly code: 'maintenance'; readonly until: number; readonly text: string }
  | { readonly code: 'blackout'; readonly calendar: string; readonly until: number }
  /** `to`: where the run was moved. Absent: the due time has no run. */
  | { readonly code: 'calendar'; readonly calendar: string; readonly to?: number }
  /** By a person. `to`: where the run was moved. Absent: it was skipped. */
  | { readonly code: 'taken-out'; readonly by: string; readonly to?: number; readonly text?: string }
  // Parents.
  | Unmet
  // Due times.
  | { readonly code: 'start-window'; readonly because: Reason | null }
  | { readonly code: 'catch-up-limit'; readonly limit: number }
  | { readonly code: 'catch-up-none' }
  // Launches. The texts are the engine's.
  | { readonly code: 'cannot-launch'; readonly text: string }
  | { readonly code: 'preparing'; readonly text: string }
  | { readonly code: 'launch-refused'; readonly text: string }
  /** The run policy: the first field that it does not allow, and the rules that were asked. */
  | {
      readonly code: 'policy-refused';
      readonly field: string;
      readonly rules: readonly string[];
      readonly text: string;
    }
  | { readonly code: 'no-capacity'; readonly text: string }
  | { readonly code: 'engine-unavailable'; readonly text: string }
  | { readonly code: 'engine-missing'; readonly engine: string }
  // Ends of attempts and runs.
  | { readonly code: 'exit-code'; readonly exitCode: number }
  /** One of `policy.skipExitCodes`. */
  | { readonly code: 'skip-exit-code'; readonly exitCode: number }
  | (EndCause & { readonly text: string })
  /** Of an engine that reports no cause. */
  | { readonly code: 'engine-report'; readonly text: string }
  | { readonly code: 'engine-forgot'; readonly engine: string }
  | { readonly code: 'node-lost'; readonly node: string }
  | { readonly code: 'end-unknown' }
  | { readonly code: 'awaits-callback' }
  // Of jobs that somebody else runs.
  | { readonly code: 'awaits-report' }
  | { readonly code: 'not-reported' }
  | { readonly code: 'end-not-reported' }
  | { readonly code: 'runs-elsewhere' }
  | { readonly code: 'reported-failed'; readonly by: string }
  | { readonly code: 'marked-succeeded'; readonly by: string }
  | {
      readonly code: 'retry';
      readonly attempt: number;
      readonly limit: number;
      readonly outcome: string;
      readonly because: Reason | null;
      readonly at: number;
    }
  | { readonly code: 'jitter'; readonly at: number }
  // Kills.
  | { readonly code: 'killed'; readonly by: string }
  | { readonly code: 'pipeline-killed'; readonly by: string }
  | { readonly code: 'replaced'; readonly run: RunRef }
  | { readonly code: 'timeout'; readonly timeout: string }
  | { readonly code: 'total-timeout'; readonly timeout: string }
  | { readonly code: 'restored'; readonly state: string }
  | { readonly code: 'kill-unconfirmed'; readonly because: Reason }
  // Lateness, of which only alerts are stored.
  | { readonly code: 'not-started'; readonly launching: boolean; readonly because: Reason | null }
  | {
      readonly code: 'not-finished-by';
      readonly time: string;
      readonly timezone: string;
      readonly jobs: readonly string[];
    }
  | { readonly code: 'runs-long'; readonly times: number }
  | { readonly code: 'runs-beyond'; readonly within: string }
  | {
      readonly code: 'deadline-at-risk';
      readonly time: string;
      readonly timezone: string;
      /** When it is expected to end. */
      readonly expected: number;
      readonly jobs: readonly string[];
    }
  | { readonly code: 'not-decided' }
  // Of the scheduler itself.
  | { readonly code: 'undecided'; readonly since: number }
  | {
      readonly code: 'queue-growing';
      readonly queued: number;
      readonly before: number;
      readonly minutes: number;
    }
  | { readonly code: 'store-slow'; readonly slow: number; readonly commits: number }
  | { readonly code: 'expires'; readonly at: number }
  | { readonly code: 'unled'; readonly from: number; readonly to: number }
  /** How the jobs of a pipeline ended. */
  | {
      readonly code: 'pipeline-ended';
      readonly succeeded: number;
      readonly failed: number;
      readonly skipped: number;
    }
  /** A reason of release 0.1.0, which stored texts only. */
  | { readonly code: 'text'; readonly text: string };

export type ReasonCode = Reason['code'];
export type LimitKind = 'job' | 'pool' | 'engine';

/** A piece of a reason's text: plain, the name of a run, or a timestamp. */
export type ReasonPart = string | { readonly run: RunRef } | { readonly at: number };

export const refTo = ({ job, due, variant }: Required<RunRef>): RunRef =>
  variant === '' ? { job, due } : { job, due, variant };

export const idOf = ({ job, due, variant = '' }: RunRef): string => runId(job, due, variant);

/** The reason in words, cut where it names a run or a timestamp. */
export function partsOf(reason: Reason): readonly ReasonPart[] {
  // A later release may have stored a code that this one does not know.
  if (!Object.hasOwn(catalogue, reason.code)) return ['text' in reason ? reason.text : reason.code];
  return (catalogue[reason.code] as (reason: Reason) => ReasonPart[])(reason);
}

export function textOf(reason: Reason): string {
  return partsOf(reason).map(partText).join('');
}

export const textOrNull = (reason: Reason | null): string | null => (reason === null ? null : textOf(reason));

export function partText(part: ReasonPart): string {
  if (typeof part === 'string') return part;
  return 'run' in part ? idOf(part.run) : new Date(part.at).toISOString();
}

/** Whether both have the same code and text. */
export const isSame = (a: Reason | null, b: Reason | null): boolean =>
  a === b || (a !== null && b !== null && a.code === b.code && textOf(a) === textOf(b));

/** What a reason refers to. */
export type ReasonRef =
  | { readonly run: RunRef }
  | { readonly kind: 'job' | 'engine' | 'node' | 'pool' | 'user'; readonly name: string };

/** Of the reason, and of the one behind it. */
export function refsOf(reason: Reason): ReasonRef[] {
  const refs: ReasonRef[] = [];
  if ('run' in reason) refs.push({ run: reason.run });
  if (reason.code === 'waits-for-runs') for (const run of reason.runs) refs.push({ run });
  if (reason.code === 'limit-reached') refs.push({ kind: reason.limit, name: reason.name });
  if (reason.code === 'parents') {
    for (const { job, due, variant, runs } of reason.ends)
      refs.push(runs === undefined ? { run: refTo({ job, due, variant }) } : { kind: 'job', name: job });
  }
  if ('job' in reason) refs.push({ kind: 'job', name: reason.job });
  if ('jobs' in reason) for (const name of reason.jobs) refs.push({ kind: 'job', name });
  if ('engine' in reason) refs.push({ kind: 'engine', name: reason.engine });
  if ('node' in reason && reason.node !== undefined) refs.push({ kind: 'node', name: reason.node });
  if ('by' in reason && reason.by !== undefined) refs.push({ kind: 'user', name: reason.by });
  if ('because' in reason && reason.because !== null) refs.push(...refsOf(reason.because));
  return refs;
}

type Piece = ReasonPart | number | readonly ReasonPart[];

function say(texts: TemplateStringsArray, ...pieces: Piece[]): ReasonPart[] {
  const parts: ReasonPart[] = [];
  const add = (part: ReasonPart): void => {
    const last = parts.at(-1);
    if (typeof part === 'string' && typeof last === 'string') parts[parts.length - 1] = last + part;
    else if (part !== '') parts.push(part);
  };
  for (const [i, text] of texts.entries()) {
    add(text);
    const piece = pieces[i];
    if (typeof piece === 'number') add(String(piece));
    else if (Array.isArray(piece)) for (const part of piece as ReasonPart[]) add(part);
    else if (piece !== undefined) add(piece as ReasonPart);
  }
  return parts;
}

/** Some words and the text of another reason. Empty without one. */
const behind = (words: string, because: Reason | null): ReasonPart[] =>
  because === null ? [] : [words, ...partsOf(because)];

const listed = (items: readonly (readonly ReasonPart[])[]): ReasonPart[] =>
  items.flatMap((item, i) => (i === 0 ? item : [', ', ...item]));

const how: Readonly<Record<UnmetEnd['outcome'], string>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  skipped: 'was skipped',
};

function unmet({ job, due, variant, outcome, runs }: UnmetEnd): ReasonPart[] {
  return runs === undefined
    ? say`${job} ${how[outcome]} (${{ run: refTo({ job, due, variant }) }})`
    : say`${job} ${how[outcome]} (${runs.unmet} of ${runs.ended} runs)`;
}

/** For lists of parents, which name the first few. */
const beyond = (more: number): string => (more > 0 ? ` +${more} more` : '');

const catalogue: {
  readonly [C in ReasonCode]: (reason: Extract<Reason, { code: C }>) => ReasonPart[];
} = {
  'waits-for-runs': ({ runs, more }) =>
    say`waits for ${listed(runs.map((run) => [{ run }]))}${more > 0 ? ` and ${more} more` : ''} to end`,
  'overlap-unfinished': ({ run, state }) => say`overlap: ${{ run }} is still ${state}`,
  'overlap-waiting': ({ run }) => say`overlap: ${{ run }} is already waiting`,
  'overlap-limit': ({ limit }) => say`overlap: ${limit} runs are already waiting, which is the maximum`,
  'limit-reached': ({ limit, name, places }) =>
    places === 1
      ? say`${limit} ${name}: its only slot is in use`
      : say`${limit} ${name}: all ${places} slots are in use`,
  'job-paused': ({ by, until }) => [
    ...(by === undefined ? ['the job is paused'] : say`paused by ${by}`),
    ...(until === undefined ? [] : say` until ${{ at: until }}`),
  ],
  'job-disabled': ({ because }) => say`the job is disabled: ${partsOf(because)}`,
  'job-held': ({ text }) => [text],
  'job-deleted': () => ['the job was deleted'],
  'params-refused': ({ text }) => [text],
  'cannot-render': ({ text }) => [text],
  'condition-false': ({ condition }) => say`runIf is false: ${condition}`,
  'failures-in-a-row': ({ failures }) => say`${failures} consecutive failed runs`,
  maintenance: ({ until, text }) => say`maintenance until ${{ at: until }}: ${text}`,
  blackout: ({ calendar, until }) => say`blackout ${calendar} until ${{ at: until }}`,
  calendar: ({ calendar, to }) => (to === undefined ? [calendar] : say`${calendar}, moved to ${{ at: to }}`),
  'taken-out': ({ by, to, text = '' }) => {
    const why = text === '' ? '' : `: ${text}`;
    return to === undefined ? say`skipped by ${by}${why}` : say`moved to ${{ at: to }} by ${by}${why}`;
  },
  'schedule-completed': () => ['the schedule has no further due time'],
  'parent-idle': ({ job, status, more }) =>
    say`held back by ${job}, which is ${status}${more > 0 ? `, and by ${more} more` : ''}`,
  parents: ({ ends, more }) =>
    say`${ends.length + more === 1 ? 'parent' : 'parents'} ${listed(ends.map(unmet))}${beyond(more)}`,
  'round-given-up': ({ jobs, more }) =>
    say`gave up waiting for ${jobs.join(', ')}${beyond(more)}: too many later rounds are open`,
  'parents-changed': () => ['its parents changed while it waited for other jobs of its start'],
  'start-window': ({ because }) => say`the start window had passed${behind(': ', because)}`,
  'catch-up-limit': ({ limit }) => say`more than ${limit} runs to catch up`,
  'catch-up-none': () => ['not processed in time, and policy.catchUp is none'],
  'cannot-launch': ({ text }) => [text],
  preparing: ({ text }) => [text],
  'launch-refused': ({ text }) => [text],
  'policy-refused': ({ text }) => [text],
  'no-capacity': ({ text }) => [text],
  'engine-unavailable': ({ text }) => [text],
  'engine-missing': ({ engine }) =>
    say`the engine ${engine}, which may have started it, is not configured here`,
  'exit-code': ({ exitCode }) => say`exit code ${exitCode}`,
  'skip-exit-code': ({ exitCode }) => say`exit code ${exitCode} is one of policy.skipExitCodes`,
  'not-executable': ({ text }) => [text],
  'node-refused': ({ text }) => [text],
  'never-started': ({ text }) => [text],
  'out-of-memory': ({ text }) => [text],
  'killed-from-outside': ({ text }) => [text],
  'kill-forced': ({ text }) => [text],
  'timeout-enforced': ({ text }) => [text],
  'supervisor-lost': ({ text }) => [text],
  'machine-restarted': ({ text }) => [text],
  'engine-restarted': ({ text }) => [text],
  'node-down': ({ text }) => [text],
  'launch-removed': ({ text }) => [text],
  'engine-report': ({ text }) => [text],
  'engine-forgot': ({ engine }) => say`the engine ${engine} no longer knows it`,
  'node-lost': ({ node }) => say`the node ${node}, the only one that reaches it, does not respond`,
  'end-unknown': () => ['the engine does not know how it ended'],
  'awaits-callback': () => ['command exited with 0, waiting for POST /api/v1/runs/{id}/complete'],
  'awaits-report': () => ['waits for a report of those who run it'],
  'not-reported': () => ['no run was reported in time'],
  'end-not-reported': () => ['its end was not reported, and too many later runs are unfinished'],
  'runs-elsewhere': () => ['the job was changed: who runs it is no longer the same'],
  'reported-failed': ({ by }) => say`reported as failed by ${by}`,
  'marked-succeeded': ({ by }) => say`marked as succeeded by ${by}`,
  retry: ({ attempt, limit, outcome, because, at }) => {
    const why = because === null ? [] : say` (${partsOf(because)})`;
    return say`attempt ${attempt} ${outcome}${why}; retry ${attempt} of ${limit} at ${{ at }}`;
  },
  jitter: ({ at }) => say`spread by schedule.jitter until ${{ at }}`,
  killed: ({ by }) => say`killed by ${by}`,
  'pipeline-killed': ({ by }) => say`killed with its pipeline by ${by}`,
  replaced: ({ run }) => say`replaced by ${{ run }}`,
  timeout: ({ timeout }) => say`ran longer than its timeout of ${timeout}`,
  'total-timeout': ({ timeout }) =>
    say`all attempts together took longer than the total timeout of ${timeout}`,
  restored: ({ state }) =>
    say`it was ${state} when the backup was taken, and its state since then is unknown`,
  'kill-unconfirmed': ({ because }) => say`${partsOf(because)}; the engine did not confirm it`,
  'not-started': ({ launching, because }) => {
    const unsaid = launching ? 'its launch is in progress' : 'it waits for a slot';
    return say`has not started: ${because === null ? unsaid : partsOf(because)}`;
  },
  'not-finished-by': ({ time, timezone, jobs }) =>
    say`should have ended by ${time} ${timezone}${jobs.length === 0 ? '' : `, but ${jobs.join(', ')} ${jobs.length === 1 ? 'has' : 'have'} not ended`}`,
  'runs-long': ({ times }) => say`runs more than ${times} times as long as 95 % of its runs`,
  'runs-beyond': ({ within }) => say`runs longer than ${within}`,
  'deadline-at-risk': ({ time, timezone, expected, jobs }) =>
    say`is not expected to end before ${{ at: expected }}, and should by ${time} ${timezone}${jobs.length === 0 ? '' : `; it waits for ${jobs.join(', ')}`}`,
  undecided: ({ since }) => say`a due time of ${{ at: since }} is not decided`,
  'queue-growing': ({ queued, before, minutes }) =>
    say`${queued} runs are queued, ${queued - before} more than ${minutes} minutes ago`,
  'store-slow': ({ slow, commits }) =>
    say`${slow} of the last ${commits} commits took longer than a second or failed`,
  expires: ({ at }) => say`it ends at ${{ at }}`,
  unled: ({ from, to }) => say`no node led from ${{ at: from }} to ${{ at: to }}`,
  'pipeline-ended': ({ succeeded, failed, skipped }) => [
    `${succeeded} ${succeeded === 1 ? 'job' : 'jobs'} succeeded` +
      (failed > 0 ? `, ${failed} did not` : '') +
      (skipped > 0 ? `, ${skipped} ${skipped === 1 ? 'was' : 'were'} skipped` : ''),
  ],
  'not-decided': () => ['no node has decided it yet'],
  text: ({ text }) => [text],
};
