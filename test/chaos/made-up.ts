/** Histories for the checker's own tests: a flawless one of a few jobs, to be spoilt in one place. */

import type {
  Bounds,
  ChaosJob,
  Fault,
  History,
  JobLine,
  LedgerRecord,
  RoleSample,
  RunRecord,
  TriggerRecord,
} from './history.ts';

export const start = Date.parse('2026-11-21T12:00:00Z');
/** Epoch milliseconds, so many seconds into the made-up run. */
export const sec = (seconds: number): number => start + seconds * 1_000;

export const bounds: Bounds = {
  slackMs: 1_000,
  takeoverMs: 6_000,
  ensembleMs: 3_000,
  bootMs: 3_000,
  engineMs: 4_000,
  lostAfterMs: 60_000,
  backlogShare: 0.2,
};

const common = {
  engine: 'process',
  overlap: 'allow',
  catchUp: 'all',
  retries: { limit: 2, delayMs: 1_000 },
  failsFirst: 0,
  durationMs: 300,
} as const;

export const tick: ChaosJob = {
  ...common,
  name: 'tick',
  schedule: { kind: 'repeat', startMs: start, intervalMs: 2_000, count: 20 },
};
export const child: ChaosJob = { ...common, name: 'child', schedule: { kind: 'after', parents: ['tick'] } };
export const manual: ChaosJob = { ...common, name: 'manual', schedule: { kind: 'manual' } };

export interface Draft {
  jobs: ChaosJob[];
  faults: Fault[];
  lines: JobLine[];
  runs: RunRecord[];
  ledger: LedgerRecord[];
  triggers: TriggerRecord[];
  roles: RoleSample[];
}

/** Adds a run that went well: its records, its ledger line and what it wrote. */
export function addRun(
  draft: Draft,
  job: ChaosJob,
  given: { due: number; id?: string; kind?: RunRecord['kind']; at?: number; parents?: string[] },
): RunRecord {
  const { due, id = `${job.name}@${(due - start) / 1_000}`, kind = 'schedule', at = due + 50 } = given;
  const ended = at + job.durationMs;
  const run: RunRecord = {
    id,
    job: job.name,
    due,
    kind,
    state: 'succeeded',
    reason: null,
    createdAt: at - 20,
    endedAt: ended + 20,
    parents: given.parents ?? [],
    attempts: [
      { number: 1, createdAt: at - 20, startedAt: at, endedAt: ended + 20, exitCode: 0, reason: null },
    ],
  };
  draft.runs.push(run);
  const line = { job: job.name, due, run: id, attempt: 1 };
  draft.lines.push({ ...line, event: 'launch', at, exitCode: null });
  draft.lines.push({ ...line, event: 'done', at: ended, exitCode: 0 });
  if (kind !== 'manual')
    draft.ledger.push({
      job: job.name,
      from: due,
      to: due,
      count: 1,
      end: 'ran',
      state: 'succeeded',
      reason: null,
      run: id,
    });
  return run;
}

/** `tick` every two seconds for 40 s, `child` after each, and one trigger of `manual`. */
export function flawless(): Draft {
  const draft: Draft = {
    jobs: [tick, child, manual],
    faults: [],
    lines: [],
    runs: [],
    ledger: [],
    triggers: [],
    roles: [],
  };
  for (let second = 0; second < 40; second += 2) {
    const parent = addRun(draft, tick, { due: sec(second) });
    addRun(draft, child, { due: sec(second), kind: 'parents', at: sec(second) + 500, parents: [parent.id] });
  }
  addRun(draft, manual, { due: sec(5), id: 'manual@5-m1', kind: 'manual' });
  const asked = { askedAt: sec(5) - 20, at: sec(5) };
  draft.triggers.push({ job: 'manual', key: 'k1', node: 's2', ...asked, run: 'manual@5-m1' });
  return draft;
}

export function historyOf(draft: Draft): History {
  const answer = { node: 's1', runs: draft.runs, ledger: draft.ledger };
  return {
    seed: 1,
    from: start,
    to: sec(60),
    schedulers: ['s1', 's2', 's3'],
    zookeepers: ['zk1', 'zk2', 'zk3'],
    bounds,
    jobs: draft.jobs,
    faults: draft.faults,
    lines: draft.lines,
    triggers: draft.triggers,
    messages: null,
    collected: [],
    answers: [answer, { ...answer, node: 's2' }, { ...answer, node: 's3' }],
    roles: draft.roles,
  };
}
