/**
 * What each kind of command needs, and on which jobs: the one table that the core decides by, against the current state.
 * Where several jobs are put or removed, the command's own rules ask for each of them (`Permits`).
 */

import { CarillonError } from '../../../errors.ts';
import { forbidden } from '../../access/forbidden.ts';
import type { Asker, Permission } from '../../access/principal.ts';
import type { Command } from '../../command.ts';
import type { GivenParams } from '../../job/params.ts';
import type { Alert } from '../../model/alert.ts';
import type { Entry, State } from '../../state/state.ts';
import { jobNotFound } from '../../state/state.ts';
import { alertNotFound, notificationNotFound } from '../alerts/commands.ts';
import { backfillNotFound } from '../backfill/commands.ts';
import { runEnded } from '../runs.ts';
import { notStarted } from '../start.ts';
import { everybody } from './commands.ts';
import { changingParam } from './params.ts';
import { Permits } from './permits.ts';

interface Asked {
  readonly state: State;
  readonly permits: Permits;
  readonly asker: Asker;
}
type Need<K extends Command['kind']> = (asked: Asked, command: Extract<Command, { kind: K }>) => void;

const onJob =
  (permission: Permission) =>
  ({ permits }: Asked, { name }: { readonly name: string }): void =>
    permits.need(permission, name);

const onRun = ({ state, permits }: Asked, { runId }: { readonly runId: string }): void => {
  const run = state.runs.get(runId);
  // Of one that has ended the command's own check says so.
  if (run !== undefined) permits.need('operate', run.job, () => runEnded(runId), run.createdAt);
};

/** An alert or a message that is about a job, or about the system. */
function onSubject(permits: Permits, alert: Alert | undefined, unknown: () => CarillonError): void {
  if (alert === undefined) return;
  if (alert.job !== null) permits.need('operate', alert.job, unknown, alert.since);
  else if (permits.mayAll('read')) permits.needAll('operate');
  else throw unknown();
}

/** Of one with a job that the asker cannot read he learns nothing. */
const onBackfill = ({ state, permits }: Asked, { id }: { readonly id: string }): void => {
  const backfill = state.backfills.get(id);
  // Of one that has ended the command's own check says so.
  if (backfill === undefined) return;
  for (const job of backfill.jobs)
    if (state.jobs.has(job)) permits.need('operate', job, () => backfillNotFound(id), backfill.createdAt);
};

/** A parameter that changes what the job runs needs more. */
function needForParams(permits: Permits, { job: { name, definition } }: Entry, params: GivenParams): void {
  const changing = changingParam(params, definition);
  if (changing !== null && !permits.may('edit', name))
    throw forbidden('edit', [name], `The parameter ${changing} can change what the job runs. This`);
}

/** Only nodes and the program itself: what they write is not a person's to say. */
const ofNodes = (asked: Asked): void => {
  if (!isOfNode(asked)) throw forbidden('admin');
};

const isOfNode = ({ asker: { principal } }: Asked): boolean =>
  principal.kind === 'node' || principal.kind === 'system';

const isSelf = ({ asker: { principal } }: Asked, kind: 'token' | 'person', id: string): boolean =>
  principal.kind === kind && principal.id === id;

const needs: { readonly [K in Command['kind']]: Need<K> } = {
  'put-job': ({ permits }, { definition }) => {
    const fault = permits.faultIn(definition);
    if (fault !== null) throw fault;
  },
  // Each job by itself, where its result is made.
  apply: () => undefined,
  'delete-job': onJob('edit'),
  pause: onJob('operate'),
  resume: onJob('operate'),
  trigger: ({ state, permits }, { name, params }) => {
    permits.need('operate', name);
    needForParams(permits, state.entry(name), params);
  },
  start: ({ state, permits }, { names, params = {} }) => {
    const all = [...new Set(names)].sort();
    for (const name of all) permits.need('operate', name, notStarted);
    if (Object.keys(params).length === 0) return;
    for (const name of all) {
      const entry = state.entry(name);
      // Of others it takes none.
      if (entry.job.definition.params !== undefined) needForParams(permits, entry, params);
    }
  },
  rerun: ({ permits }, { run }) => permits.need('operate', run.job, jobNotFound, run.createdAt),
  kill: onRun,
  complete: onRun,
  // Its other jobs are known once it is decided what of them is unfinished.
  'kill-pipeline': ({ permits }, { run }) => permits.need('operate', run.job, jobNotFound, run.createdAt),
  'rerun-pipeline': ({ permits }, { run, runs }) => {
    for (const each of [run, ...runs]) permits.need('operate', each.job, jobNotFound, each.createdAt);
  },
  report: onJob('operate'),
  'mark-success': onJob('operate'),
  acknowledge: ({ state, permits }, { id }) => {
    const alert = [...state.alerts.values()].find((each) => each.id === id);
    onSubject(permits, alert, () => alertNotFound(id));
  },
  backfill: ({ state, permits }, { targets, options: { params } }) => {
    for (const { job } of targets) {
      permits.need('operate', job);
      needForParams(permits, state.entry(job), params);
    }
  },
  'pause-backfill': onBackfill,
  'resume-backfill': onBackfill,
  'cancel-backfill': onBackfill,
  mute: onJob('operate'),
  unmute: onJob('operate'),
  'send-again': ({ state, permits }, { id }) =>
    onSubject(permits, state.outbox.get(id)?.alert, () => notificationNotFound(id)),
  'skip-next': onJob('operate'),
  'move-due': onJob('operate'),
  'clear-exception': onJob('operate'),
  'put-calendar': ({ permits }) => permits.needAll('edit'),
  'delete-calendar': ({ permits }) => permits.needAll('edit'),
  'begin-maintenance': ({ permits }) => permits.needAll('operate'),
  'end-maintenance': ({ permits }) => permits.needAll('operate'),
  'create-token': ({ permits }) => permits.needAll('admin'),
  'revoke-token': (asked, { id }) => {
    if (!isSelf(asked, 'token', id)) asked.permits.needAll('admin');
  },
  'end-sessions': (asked, { id }) => {
    if (id === everybody || !isSelf(asked, 'person', id)) asked.permits.needAll('admin');
  },
  'add-key': (asked) => {
    if (!isOfNode(asked)) asked.permits.needAll('admin');
  },
  'note-use': ofNodes,
  note: ofNodes,
};

/** Throws FORBIDDEN, or what would be thrown if what the asker cannot read did not exist. */
export function permit(state: State, command: Command, asker: Asker | undefined): void {
  if (asker === undefined) return;
  const need = needs[command.kind] as (asked: Asked, command: Command) => void;
  need({ state, permits: new Permits(state, asker), asker }, command);
}

export function isPermitted(state: State, command: Command, asker: Asker | undefined): boolean {
  try {
    permit(state, command, asker);
    return true;
  } catch (error) {
    if (error instanceof CarillonError) return false;
    throw error;
  }
}
