/** Commands about backfills: make, pause, resume, cancel. */

import { CarillonError } from '../../../errors.ts';
import type { Command, CommandAnswers } from '../../command.ts';
import { shorten } from '../../job/schema/explain.ts';
import { type Backfill, type BackfillPlan, signs } from '../../model/backfill.ts';
import { stepsOf } from '../../model/backfill-steps.ts';
import type { State } from '../../state/state.ts';
import type { Turn } from '../../state/turn.ts';
import { noted } from '../access/audit.ts';
import type { Permits } from '../access/permits.ts';
import { propagateEnds } from '../endings.ts';
import { checkBackfillParams } from '../given/step.ts';
import { refuseExternal } from '../reports.ts';
import { killRun } from '../runs.ts';
import { planBackfill } from './plan.ts';
import { put, setState } from './progress.ts';
import { advance } from './steps.ts';

export const MAX_AT_ONCE = 16;
/** Unfinished ones. */
const MAX_BACKFILLS = 100;
const idForm = /^[a-z0-9]{4,32}$/;

type Kind = 'backfill' | 'pause-backfill' | 'resume-backfill' | 'cancel-backfill';
interface Before {
  readonly state: State;
  readonly now: number;
  readonly permits: Permits;
}
type Check<K extends Kind> = (
  before: Before,
  command: Extract<Command, { kind: K }>,
) => (turn: Turn) => CommandAnswers[K];

export const backfillCommands: { readonly [K in Kind]: Check<K> } = {
  backfill: makeBackfill,
  'pause-backfill'({ state }, { id }) {
    const backfill = unfinished(state, id);
    if (backfill.state === 'cancelling') throw isCancelled(id);
    return (turn) => (backfill.state === 'paused' ? backfill : change(turn, backfill, 'paused'));
  },
  'resume-backfill'({ state }, { id }) {
    const backfill = unfinished(state, id);
    if (backfill.state === 'cancelling') throw isCancelled(id);
    return (turn) => {
      if (backfill.state === 'running') return backfill;
      const resumed = change(turn, backfill, 'running');
      advance(turn, id);
      propagateEnds(turn);
      return state.backfills.get(id) ?? state.backfills.ended(id) ?? resumed;
    };
  },
  'cancel-backfill'({ state }, { id, by }) {
    const backfill = unfinished(state, id);
    return (turn) => {
      if (backfill.state === 'cancelling') return backfill;
      const cancelled = change(turn, backfill, 'cancelling');
      for (const run of [...state.runs.values()]) {
        // What runs already runs to its end.
        const isBegun = run.state === 'launching' || run.state === 'running';
        if (run.backfill?.id === id && !isBegun)
          killRun(turn, run, { by, as: 'killed', reason: { code: 'killed', by } });
      }
      advance(turn, id);
      propagateEnds(turn);
      return state.backfills.get(id) ?? state.backfills.ended(id) ?? cancelled;
    };
  },
};

function makeBackfill(
  { state, now, permits }: Before,
  command: Extract<Command, { kind: 'backfill' }>,
): (turn: Turn) => CommandAnswers['backfill'] {
  const { id, targets, options, dryRun, by } = command;
  if (!idForm.test(id)) throw invalid('id', id, '4 to 32 lower-case letters and digits');
  checkOptions(options);
  for (const { job, dues } of targets) {
    refuseExternal(state.entry(job), 'started');
    checkDues(dues, now);
  }
  checkBackfillParams(
    targets.map(({ job }) => state.entry(job)),
    options.params,
  );
  const known = state.backfills.get(id) ?? state.backfills.ended(id);
  const { plan, left } = planBackfill(state, { id, targets, ...options });
  // One of the same id may be of other jobs.
  const jobs = [...plan.lanes.map(({ job }) => job), ...(known?.jobs ?? [])];
  permits.needOnFollowing(
    'operate',
    jobs.filter((job) => state.jobs.has(job)),
  );
  const steps = stepsOf(plan).length;
  if (steps === 0) throw noDueTimes(options);
  const backfill: Backfill = {
    id,
    options,
    jobs: plan.lanes.map(({ job }) => job),
    createdAt: now,
    createdBy: by,
    state: 'running',
    progress: signs.waiting.repeat(steps),
    gone: [],
    endedAt: null,
  };
  if (dryRun) return () => ({ backfill, plan, left });
  if (known !== undefined) return () => ({ backfill: known, plan, left });
  if (state.backfills.size >= MAX_BACKFILLS) throw tooMany();
  refuseOverlap(state, plan);
  return (turn) => {
    state.backfills.putPlan(plan);
    turn.draft.backfillPlan(plan);
    put(turn, backfill);
    noted(turn, { on: id, after: shown(backfill) });
    advance(turn, id);
    propagateEnds(turn);
    return { backfill: state.backfills.get(id) ?? backfill, plan, left };
  };
}

function change(turn: Turn, backfill: Backfill, to: Backfill['state']): Backfill {
  noted(turn, { on: backfill.id, before: { state: backfill.state }, after: { state: to } });
  return setState(turn, backfill, to);
}

/** Of parameters only the names: they are values of the environment. */
const shown = ({ options, jobs, progress }: Backfill): Record<string, unknown> => ({
  jobs,
  steps: progress.length,
  from: new Date(options.from).toISOString(),
  to: new Date(options.to).toISOString(),
  does: options.does,
  ...(Object.keys(options.params).length > 0 && { params: Object.keys(options.params).sort() }),
});

function checkOptions({ atOnce }: Backfill['options']): void {
  if (!Number.isInteger(atOnce) || atOnce < 1 || atOnce > MAX_AT_ONCE)
    throw invalid('atOnce', atOnce, `a whole number from 1 to ${MAX_AT_ONCE}`);
}

function checkDues(dues: readonly number[], now: number): void {
  const future = dues.find((due) => !Number.isSafeInteger(due) || due > now);
  if (future !== undefined)
    throw invalid(
      'to',
      new Date(future).toISOString(),
      `due times up to now, ${new Date(now).toISOString()}`,
    );
}

/** Two unfinished backfills never run one job at one due time: the second is refused. */
function refuseOverlap({ backfills }: State, plan: BackfillPlan): void {
  const wanted = new Map(plan.lanes.map(({ job, dues }) => [job, new Set(dues)]));
  for (const { id, jobs, progress } of backfills.all()) {
    if (!jobs.some((job) => wanted.has(job))) continue;
    const shared = stepsOf(backfills.plan(id)).find(
      ({ lane, due }, step) =>
        wanted.get(lane.job)?.has(due) === true &&
        (progress.charAt(step) === signs.waiting || progress.charAt(step) === signs.running),
    );
    if (shared === undefined) continue;
    const at = new Date(shared.due).toISOString();
    throw new CarillonError(
      'BACKFILL_OVERLAPS',
      `The backfill ${id} has not ended and has '${shared.lane.job}' at ${at} too. Wait for it, cancel it, or choose another range.`,
      { field: 'from', value: at, names: [id] },
    );
  }
}

function unfinished({ backfills }: State, id: string): Backfill {
  const backfill = backfills.get(id);
  if (backfill !== undefined) return backfill;
  throw backfills.ended(id) === undefined ? backfillNotFound(id) : backfillEnded(id);
}

export const backfillNotFound = (id: string): CarillonError =>
  new CarillonError('BACKFILL_NOT_FOUND', `There is no backfill with the id '${shorten(id)}'.`, {
    field: 'id',
    value: shorten(id),
  });

export const backfillEnded = (id: string): CarillonError =>
  new CarillonError('BACKFILL_ENDED', `The backfill ${id} has ended.`, { field: 'id', value: id });

const isCancelled = (id: string): CarillonError =>
  new CarillonError('BACKFILL_ENDED', `The backfill ${id} is cancelled: its last runs end.`, {
    field: 'id',
    value: id,
  });

const noDueTimes = ({ from, to }: Backfill['options']): CarillonError =>
  new CarillonError(
    'NO_DUE_TIMES',
    `Nothing is to be run from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}.`,
    { field: 'from', value: new Date(from).toISOString(), allowed: 'a range with due times of the job' },
  );

const tooMany = (): CarillonError =>
  new CarillonError('LIMIT_EXCEEDED', `${MAX_BACKFILLS} backfills are unfinished already.`, {
    field: 'backfills',
    allowed: `at most ${MAX_BACKFILLS}: cancel some, or wait for them`,
  });

function invalid(field: string, value: unknown, allowed: string): CarillonError {
  return new CarillonError(
    'INVALID_FIELD',
    `${field} is ${JSON.stringify(shorten(value))}. Allowed: ${allowed}.`,
    { field, value: shorten(value), allowed },
  );
}
