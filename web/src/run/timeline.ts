/** The timeline of a run as ordered moments: due, decided, launched, started, ended, for each attempt. */

import type { WireRun } from '../../../src/api/wire/schema.ts';

export interface Moment {
  readonly what: string;
  readonly at: string;
  /** Milliseconds since the previous moment. */
  readonly sinceMs: number | null;
  readonly note: string | null;
  readonly tone: 'plain' | 'run' | 'ok' | 'fail' | 'late';
}

export interface Bar {
  readonly attempt: number;
  /** Fractions of the whole duration, 0 to 1. */
  readonly created: number;
  readonly started: number | null;
  readonly ended: number;
  readonly good: boolean | null;
}

type Bare = Omit<Moment, 'sinceMs'>;

/** The list shows the newest attempts; the table of attempts has all. */
const maxAttempts = 4;
/** More bars are unreadable. */
const barsShown = 12;

export function momentsOf(run: WireRun): Moment[] {
  const moments: Bare[] = [
    {
      what: run.trigger.kind === 'manual' ? 'Triggered' : 'Due',
      at: run.due,
      note: byWhom(run),
      tone: 'plain',
    },
    // A decision is committed together with the run, before anything follows from it.
    { what: 'Decided and committed', at: run.createdAt, note: null, tone: 'plain' },
  ];
  const several = run.attempts.length > 1;
  for (const attempt of run.attempts.slice(-maxAttempts)) {
    const which = several ? `, attempt ${attempt.number}` : '';
    // Somebody else launched it, and said nothing of that.
    if (attempt.engine !== 'external')
      moments.push({
        what: `Launched${which}`,
        at: attempt.createdAt,
        note: `on ${attempt.engine}${onHost(attempt.host)}`,
        tone: 'plain',
      });
    if (attempt.startedAt !== null)
      moments.push({ what: `Running${which}`, at: attempt.startedAt, note: null, tone: 'run' });
    if (attempt.endedAt !== null && several) {
      moments.push({
        what: `Ended${which}`,
        at: attempt.endedAt,
        note: attempt.reason ?? exit(attempt.exitCode),
        tone: attempt.exitCode === 0 ? 'ok' : 'fail',
      });
    }
  }
  if (run.kill !== null)
    moments.push({
      what: 'Kill requested',
      at: run.kill.at,
      note: run.kill.reason,
      tone: 'late',
    });
  if (run.endedAt !== null) {
    const last = run.attempts.at(-1);
    const note = run.reason ?? (last === undefined ? null : exit(last.exitCode));
    moments.push({ what: 'Ended', at: run.endedAt, note, tone: endTone(run.state) });
  }
  const ordered = moments.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return ordered.map((moment, i) => {
    const before = ordered[i - 1];
    return {
      ...moment,
      sinceMs: before === undefined ? null : Date.parse(moment.at) - Date.parse(before.at),
    };
  });
}

/** The attempts as bars between when the run could start and its end, or now. */
export function barsOf(run: WireRun, nowMs: number): Bar[] {
  // A rerun and its downstream runs were due long before they could start.
  const created = Date.parse(run.createdAt);
  const from = run.trigger.kind === 'schedule' ? Math.min(Date.parse(run.due), created) : created;
  const to = Math.max(run.endedAt === null ? nowMs : Date.parse(run.endedAt), from + 1);
  const share = (instant: string | null): number | null =>
    instant === null ? null : Math.max(0, Math.min(1, (Date.parse(instant) - from) / (to - from)));
  return run.attempts.slice(-barsShown).map(({ number, createdAt, startedAt, endedAt, exitCode }) => ({
    attempt: number,
    created: share(createdAt) ?? 0,
    started: share(startedAt),
    ended: share(endedAt) ?? 1,
    good: endedAt === null ? null : exitCode === 0,
  }));
}

const exit = (code: number | null): string | null => (code === null ? null : `exit code ${code}`);
const onHost = (host: string | null): string => (host === null ? '' : ` of ${host}`);

function endTone(state: WireRun['state']): Moment['tone'] {
  if (state === 'succeeded') return 'ok';
  return state === 'skipped' || state === 'missed' ? 'late' : 'fail';
}

/** What began the chain of runs above the parents, unless it was a schedule. */
function begun({ kind, job }: WireRun['origin']): string {
  if (kind === 'schedule') return '';
  if (kind === 'backfill') return ', in a backfill';
  const what = kind === 'rerun' ? 'a rerun' : 'a manual run';
  return `, after ${what}${job === null ? '' : ` of ${job}`}`;
}

export function byWhom({ trigger, origin, catchesUp }: WireRun): string | null {
  const caught = catchesUp > 0 ? `, also for ${catchesUp} earlier due times` : '';
  if (trigger.kind === 'schedule') return `by its schedule${trigger.catchUp ? ', to catch up' : ''}${caught}`;
  if (trigger.kind === 'parents') return `by its parents${begun(origin)}`;
  if (trigger.kind === 'rerun') return `rerun by ${trigger.by ?? 'unknown'}`;
  return `by ${trigger.by ?? 'unknown'}${origin.kind === 'backfill' ? begun(origin) : ''}`;
}
