/** Commands about a pipeline as a whole: end it, and run what has failed of it again. Each is one decision. */

import { CarillonError } from '../../../errors.ts';
import { forbidden } from '../../access/forbidden.ts';
import type { Command } from '../../command.ts';
import type { Run } from '../../model/model.ts';
import { followsFrom } from '../../model/run-state.ts';
import { copyRun } from '../../state/decision.ts';
import type { State } from '../../state/state.ts';
import type { Turn } from '../../state/turn.ts';
import { noted } from '../access/audit.ts';
import type { Permits } from '../access/permits.ts';
import { propagateEnds } from '../endings.ts';
import { runCommands } from '../run-commands.ts';
import { killRun, runEnded } from '../runs.ts';

type CommandOf<K extends Command['kind']> = Extract<Command, { kind: K }>;
type Change = (turn: Turn) => readonly Run[];

interface Before {
  readonly state: State;
  readonly now: number;
  readonly permits: Permits;
}

export const pipelineCommands = { 'kill-pipeline': killPipeline, 'rerun-pipeline': rerunPipeline };

function killPipeline({ state, permits }: Before, { run, members, by }: CommandOf<'kill-pipeline'>): Change {
  const ended = unfinishedOf(state, run, members);
  if (ended.length === 0) throw runEnded(run.id);
  needOnAll(permits, ended);
  return (turn) => {
    noted(turn, { on: run.id, after: { runs: ended.map(({ id }) => id) } });
    for (const each of ended) {
      turn.draft.act({ kind: 'run.kill-requested', job: each.job, run: each.id, by });
      killRun(turn, each, { by, as: 'killed', reason: { code: 'pipeline-killed', by } });
    }
    propagateEnds(turn);
    return ended.map(copyRun);
  };
}

/** Unfinished runs that follow from these, and the run itself. */
function unfinishedOf(state: State, root: Run, members: readonly string[]): Run[] {
  const ids = new Set([root.id, ...members]);
  const found = new Map<string, Run>();
  const candidates = [root.job, ...state.graph.descendants(root.job)].flatMap(
    (name) => state.jobs.get(name)?.runs ?? [],
  );
  // A run may stand before the one that it follows from.
  for (let before = -1; found.size > before; ) {
    before = found.size;
    for (const run of candidates) {
      if (!ids.has(run.id) && !followsFrom(run, ids)) continue;
      ids.add(run.id);
      found.set(run.id, run);
    }
  }
  return [...found.values()];
}

/** FORBIDDEN unless the asker may operate all of them; what he cannot read is not named. */
function needOnAll(permits: Permits, runs: readonly Run[]): void {
  const missing = [...new Set(runs.map(({ job }) => job))].filter((job) => !permits.may('operate', job));
  if (missing.length === 0) return;
  const visible = [...permits.seen(missing)];
  throw forbidden('operate', visible.length > 0 ? visible : 'some', 'To end all of the pipeline');
}

const nothingFailed = (id: string): CarillonError =>
  new CarillonError('NOTHING_FAILED', `Nothing of the pipeline ${id} has failed, so nothing is run again.`, {
    field: 'id',
    value: id,
  });

function rerunPipeline({ state, now }: Before, command: CommandOf<'rerun-pipeline'>): Change {
  const { runs, triggerId, by } = command;
  if (runs.length === 0) throw nothingFailed(command.run.id);
  const changes = runs.map((run) => runCommands.rerun({ state, now }, { kind: 'rerun', run, triggerId, by }));
  return (turn) => changes.map((change) => change(turn));
}
