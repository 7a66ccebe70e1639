/**
 * Judges a history in the manner of the Jepsen test that Chronos failed: every due instant is matched with a
 * distinct completed run that began in its window, nothing is launched twice, and the system's own records
 * agree with what the jobs wrote. Pure; each rule tells what it saw where.
 *
 *   duplicate-launch    one attempt of one run began twice
 *   unknown-launch      something began that the system does not know of
 *   overlapping         an attempt began while the one before it ran; or two runs of a job that may not
 *   early, late         it began before it was due; after its window
 *   lost-instant        a due instant without a run, or a ledger line in its place
 *   ledger              an instant in no ledger line or in several; a line that the policy does not allow
 *   unfinished          a run that has not ended after everything was healed
 *   not-completed       a run that ended badly without a fault that explains it
 *   attempts            an attempt lost, or one too many, without a fault that explains it
 *   no-evidence         the system says it ran, and the job wrote nothing of it
 *   trigger             an acknowledged trigger without its run, or more runs than were asked for
 *   refused             a request that a node refused, or did not answer, though no fault explains it
 *   dependents          a child that did not run once per round after its parents
 *   message             a success that was not told, or told under two keys; messages out of order
 *   disagreement        two nodes tell different things once all is healed
 */

import { beginBy, heldUntil } from './calm.ts';
import {
  CLOCK_GRAIN_MS,
  doneAt,
  type Evidence,
  evidenceOf,
  isLost,
  scheduledRuns,
  violation,
} from './evidence.ts';
import {
  type AttemptRecord,
  type ChaosJob,
  type History,
  instantsOf,
  iso,
  plannedExit,
  type RunRecord,
  type Violation,
} from './history.ts';
import { checkLedger, isCaughtUp } from './ledger-rules.ts';
import { checkMessages } from './message-rules.ts';

export function check(history: History): Violation[] {
  const evidence = evidenceOf(history);
  const found = [
    ...checkLaunches(evidence),
    ...history.jobs.flatMap((job) => [
      ...checkInstants(evidence, job),
      ...checkDependents(evidence, job),
      ...checkOverlap(evidence, job),
      ...checkLedger(evidence, job),
      ...(evidence.runsOf.get(job.name) ?? []).flatMap((run) => checkRun(evidence, job, run)),
    ]),
    ...checkTriggers(evidence),
    ...checkRefusals(evidence),
    ...checkAgreement(evidence),
    ...checkMessages(evidence),
  ];
  return found.sort((a, b) => a.at - b.at);
}

/** What the jobs wrote, held against what the system knows. */
function checkLaunches(evidence: Evidence): Violation[] {
  return [...evidence.launchesOf].flatMap(([id, launches]) => {
    const run = evidence.runs.get(id);
    return launches.flatMap((launch, i) => {
      const about = { job: launch.job, due: launch.due, at: launch.at };
      const before = launches.slice(0, i).find(({ attempt }) => attempt === launch.attempt);
      const found: Violation[] = [];
      if (before !== undefined)
        found.push(
          violation(
            'duplicate-launch',
            about,
            `attempt ${launch.attempt} of ${id} began at ${iso(before.at)} and again at ${iso(launch.at)}`,
          ),
        );
      if (run === undefined || run.due !== launch.due || run.job !== launch.job)
        found.push(
          violation('unknown-launch', about, `${id} began at ${iso(launch.at)}, and no such run is known`),
        );
      else if (!run.attempts.some(({ number }) => number === launch.attempt))
        found.push(
          violation(
            'unknown-launch',
            about,
            `attempt ${launch.attempt} of ${id} began at ${iso(launch.at)}; known are ${run.attempts.length}`,
          ),
        );
      if (launch.at + CLOCK_GRAIN_MS < launch.due)
        found.push(violation('early', about, `${id} began ${launch.due - launch.at} ms before it was due`));
      return found;
    });
  });
}

/** Every due instant has its run, begun in its window, or a ledger line in its place. */
function checkInstants(evidence: Evidence, job: ChaosJob): Violation[] {
  const runs = scheduledRuns(evidence, job);
  const late = new Set([...runs.values()].filter(isCaughtUp).map(({ createdAt }) => createdAt));
  const lines = evidence.ledgerOf.get(job.name) ?? [];
  const instants = instantsOf(job);
  const found: Violation[] = [];
  let earlierEnd = Number.NEGATIVE_INFINITY;
  for (const due of instants) {
    const run = runs.get(due);
    if (run !== undefined) {
      // With `skip`, only what is caught up waits: a due instant that is seen on time is skipped or begins.
      const waits = job.overlap === 'queue-all' || (job.overlap === 'skip' && late.has(run.createdAt));
      found.push(...checkWindow(evidence, job, run, waits ? Math.max(due, earlierEnd) : due));
      earlierEnd = Math.max(earlierEnd, run.endedAt ?? Number.POSITIVE_INFINITY);
    } else if (!lines.some(({ from, to, end }) => end !== 'ran' && from <= due && due <= to)) {
      found.push(
        violation('lost-instant', { job: job.name, due }, 'there is no run and no ledger line for it'),
      );
    }
  }
  if (job.schedule.kind !== 'repeat') return found;
  const known = new Set(instants);
  for (const [due, run] of runs) {
    if (!known.has(due))
      found.push(
        violation('lost-instant', { job: job.name, due }, `${run.id} is for no instant of its schedule`),
      );
  }
  return found;
}

/** The first launch of a run, `readyAt` being when nothing kept it from beginning any more. */
function checkWindow(evidence: Evidence, job: ChaosJob, run: RunRecord, readyAt: number): Violation[] {
  const launch = evidence.launchesOf.get(run.id)?.[0];
  if (launch === undefined || readyAt === Number.POSITIVE_INFINITY) return [];
  const { bounds } = evidence.history;
  const unbegun = run.attempts.filter((attempt) => attempt.number < launch.attempt);
  let by = beginBy(readyAt, evidence.disturbed(job), bounds);
  const decidedAt = run.attempts[0]?.createdAt ?? readyAt;
  // A follower's processes are its own business, but what is decided is decided by a leader for itself.
  const hosts = evidence.schedulerFaults.filter(({ led }) => led !== false);
  if (job.engine === 'process') by = heldUntil({ by, decidedAt }, hosts, bounds);
  // Attempts that were lost before they began: judged by `attempts`.
  by += unbegun.length * (job.retries.delayMs + bounds.slackMs);
  if (launch.at <= by) return [];
  return [
    violation(
      'late',
      { job: job.name, due: run.due, at: launch.at },
      `${run.id} began ${launch.at - readyAt} ms after it could; ${by - readyAt} ms were allowed here`,
    ),
  ];
}

function checkRun(evidence: Evidence, job: ChaosJob, run: RunRecord): Violation[] {
  const about = { job: job.name, due: run.due };
  if (run.endedAt === null)
    return [violation('unfinished', about, `${run.id} is still ${run.state} (${run.reason ?? 'no reason'})`)];
  return [
    ...run.attempts.flatMap((attempt) => checkAttempt(evidence, job, run, attempt)),
    ...checkCompletion(job, run),
  ];
}

function checkAttempt(
  evidence: Evidence,
  job: ChaosJob,
  run: RunRecord,
  attempt: AttemptRecord,
): Violation[] {
  const { number } = attempt;
  const about = { job: job.name, due: run.due, at: attempt.createdAt };
  const ofAttempt = (line: { readonly attempt: number }): boolean => line.attempt === number;
  const launch = evidence.launchesOf.get(run.id)?.find(ofAttempt);
  const done = evidence.donesOf.get(run.id)?.find(ofAttempt);
  const next = run.attempts.find((other) => other.number === number + 1);
  const found: Violation[] = [];
  if (isLost(job, attempt)) {
    if (!isExplained(evidence, job, attempt))
      found.push(
        violation(
          'attempts',
          about,
          `attempt ${number} of ${run.id} ended ${how(attempt)} instead of with exit code ` +
            `${plannedExit(job, number)}, and no fault was near`,
        ),
      );
    return found;
  }
  if (launch === undefined || done?.exitCode !== attempt.exitCode)
    found.push(
      violation(
        'no-evidence',
        about,
        `attempt ${number} of ${run.id} is said to have ended ${how(attempt)}; the job wrote ` +
          `${launch === undefined ? 'no launch' : 'its launch'} and ${done === undefined ? 'no end' : `exit code ${done.exitCode}`}`,
      ),
    );
  if (next !== undefined && attempt.exitCode === 0)
    found.push(violation('attempts', about, `attempt ${number} of ${run.id} succeeded and another followed`));
  const second = evidence.launchesOf.get(run.id)?.find((line) => line.attempt === number + 1);
  if (second !== undefined && done !== undefined && second.at + CLOCK_GRAIN_MS < done.at)
    found.push(
      violation(
        'overlapping',
        { ...about, at: second.at },
        `attempt ${number + 1} of ${run.id} began at ${iso(second.at)}, attempt ${number} ended at ${iso(done.at)}`,
      ),
    );
  return found;
}

const how = ({ exitCode, reason }: AttemptRecord): string =>
  `${exitCode === null ? 'with no exit code' : `with exit code ${exitCode}`}${reason === null ? '' : ` (${reason})`}`;

/** Was there a fault while the attempt was under way that may have cost it its host, its engine or its leader? */
function isExplained(evidence: Evidence, job: ChaosJob, { createdAt, endedAt }: AttemptRecord): boolean {
  const { bounds } = evidence.history;
  const during = (from: number, to: number): boolean => from <= (endedAt ?? Infinity) && createdAt <= to;
  const lostHost = evidence.schedulerFaults.some(({ from, to }) =>
    during(from - bounds.slackMs, (to ?? Infinity) + bounds.bootMs + bounds.slackMs),
  );
  return lostHost || evidence.disturbed(job).some(({ from, to }) => during(from - bounds.slackMs, to));
}

/** It succeeded, or its attempts were used up by losses. */
function checkCompletion(job: ChaosJob, run: RunRecord): Violation[] {
  if (run.state === 'succeeded') return [];
  // Judged with the ledger, which says why.
  if (run.state === 'skipped' || run.state === 'missed') return [];
  const lost = run.attempts.filter((attempt) => isLost(job, attempt)).length;
  const usedUp = lost > 0 && run.attempts.length > job.retries.limit && job.failsFirst <= job.retries.limit;
  if (usedUp) return [];
  return [
    violation(
      'not-completed',
      { job: job.name, due: run.due },
      `${run.id} ended ${run.state} (${run.reason ?? 'no reason'}) after ${run.attempts.length} attempts, ` +
        `${lost} of them lost; ${job.retries.limit} retries were allowed`,
    ),
  ];
}

/** Where the policy forbids it, no two runs of the job go on at the same time. */
function checkOverlap(evidence: Evidence, job: ChaosJob): Violation[] {
  if (job.overlap === 'allow') return [];
  const spans = (evidence.runsOf.get(job.name) ?? [])
    .filter(({ attempts }) => !attempts.some((attempt) => isLost(job, attempt)))
    .flatMap((run) => {
      const from = evidence.launchesOf.get(run.id)?.[0]?.at;
      const to = evidence.donesOf.get(run.id)?.at(-1)?.at;
      return from === undefined || to === undefined ? [] : [{ run, from, to }];
    })
    .sort((a, b) => a.from - b.from);
  return spans.flatMap(({ run, from }, i) => {
    const before = spans[i - 1];
    if (before === undefined || before.to <= from + CLOCK_GRAIN_MS) return [];
    return [
      violation(
        'overlapping',
        { job: job.name, due: run.due, at: from },
        `${run.id} began at ${iso(from)} while ${before.run.id} ran until ${iso(before.to)}, and overlap is ${job.overlap}`,
      ),
    ];
  });
}

/** A child runs once per round: for each instant at which all its parents succeeded, after all of them. */
function checkDependents(evidence: Evidence, job: ChaosJob): Violation[] {
  if (job.schedule.kind !== 'after') return [];
  const parents = job.schedule.parents.map((name) => {
    const parent = evidence.jobs.get(name);
    return parent === undefined ? new Map<number, RunRecord>() : scheduledRuns(evidence, parent);
  });
  const children = scheduledRuns(evidence, job);
  const found: Violation[] = [];
  const rounds = new Set(parents.flatMap((runs) => [...runs.keys()]));
  for (const due of rounds) {
    const ends = parents.map((runs) => runs.get(due));
    const child = children.get(due);
    const held = ends.every((run) => run?.state === 'succeeded');
    if (held && (child === undefined || child.attempts.length === 0))
      found.push(
        violation(
          'dependents',
          { job: job.name, due },
          `${ends.map((run) => run?.id).join(' and ')} succeeded, and ${child === undefined ? 'there is no run' : `${child.id} is ${child.state} without an attempt`}`,
        ),
      );
    else if (child !== undefined && child.attempts.length > 0)
      found.push(...checkOrder(evidence, job, child, ends));
  }
  for (const [due, run] of children) {
    if (!rounds.has(due))
      found.push(
        violation('dependents', { job: job.name, due }, `${run.id} belongs to no round of its parents`),
      );
  }
  return found;
}

function checkOrder(
  evidence: Evidence,
  job: ChaosJob,
  child: RunRecord,
  parents: readonly (RunRecord | undefined)[],
): Violation[] {
  const launch = evidence.launchesOf.get(child.id)?.[0];
  if (launch === undefined) return [];
  const about = { job: job.name, due: child.due, at: launch.at };
  const found: Violation[] = [];
  let ready = Number.NEGATIVE_INFINITY;
  for (const parent of parents) {
    const done = parent === undefined ? null : doneAt(evidence, parent);
    if (done === null || launch.at + CLOCK_GRAIN_MS < done) {
      const state = done === null ? 'has not succeeded' : `was done at ${iso(done)}`;
      found.push(
        violation(
          'dependents',
          about,
          `${child.id} began at ${iso(launch.at)}; ${parent?.id ?? 'a parent'} ${state}`,
        ),
      );
    } else ready = Math.max(ready, done);
  }
  if (found.length > 0) return found;
  return checkWindow(evidence, job, child, knownBy(evidence, parents, ready));
}

/** When the leader can know that the parents are done: a process is asked of the node it ran on. */
function knownBy(evidence: Evidence, parents: readonly (RunRecord | undefined)[], ready: number): number {
  const { bounds } = evidence.history;
  const decidedAt = Math.min(...parents.map((run) => run?.attempts[0]?.createdAt ?? ready));
  const by = ready + bounds.slackMs;
  const until = heldUntil({ by, decidedAt }, evidence.schedulerFaults, bounds);
  return until > by ? until : ready;
}

/** A node that is up serves requests, also during an upgrade: it may refuse them for one take-over at most. */
function checkRefusals(evidence: Evidence): Violation[] {
  const { triggers, faults, bounds, roles } = evidence.history;
  return triggers.flatMap(({ job, node, askedAt, at, run }) => {
    const definition = evidence.jobs.get(job);
    if (run !== null || definition === undefined) return [];
    const during = (from: number, to: number): boolean => from <= at && askedAt <= to;
    const nodeFailed = faults.some(
      ({ target, from, to }) => target === node && during(from, (to ?? Infinity) + bounds.bootMs),
    );
    // On a busy machine it may take longer to start.
    const role = roles.findLast((sample) => sample.node === node && sample.at <= askedAt)?.role;
    const isStarting = role === 'down' || role === 'starting';
    if (nodeFailed || isStarting || evidence.disturbed(definition).some(({ from, to }) => during(from, to)))
      return [];
    const message = `${node} refused a trigger between ${iso(askedAt)} and ${iso(at)}, and no fault was near`;
    return [violation('refused', { job, due: null, at }, message)];
  });
}

function checkTriggers(evidence: Evidence): Violation[] {
  const found: Violation[] = [];
  const { triggers } = evidence.history;
  for (const { job, run: id, at, node } of triggers) {
    if (id === null) continue;
    const run = evidence.runs.get(id);
    const about = { job, due: null, at };
    if (run === undefined)
      found.push(
        violation(
          'trigger',
          about,
          `${node} acknowledged a trigger at ${iso(at)} with ${id}, which is not known`,
        ),
      );
    else {
      const definition = evidence.jobs.get(job);
      if (definition !== undefined) found.push(...checkWindow(evidence, definition, run, run.due));
    }
  }
  for (const name of new Set(triggers.map(({ job }) => job))) {
    const asked = new Set(triggers.filter(({ job }) => job === name).map(({ key }) => key)).size;
    const made = (evidence.runsOf.get(name) ?? []).filter(({ kind }) => kind === 'manual').length;
    if (made > asked)
      found.push(
        violation('trigger', { job: name, due: null }, `${made} runs were made of ${asked} triggers`),
      );
  }
  return found;
}

/** Once all is healed every node tells the same. */
function checkAgreement({ history }: Evidence): Violation[] {
  const [first, ...others] = history.answers;
  if (first === undefined) return [];
  const told = new Map(
    first.runs.map((run) => [run.id, `${run.state} after ${run.attempts.length} attempts`]),
  );
  return others.flatMap(({ node, runs }) => {
    const here = new Map(runs.map((run) => [run.id, `${run.state} after ${run.attempts.length} attempts`]));
    const ids = new Set([...told.keys(), ...here.keys()]);
    return [...ids].flatMap((id) => {
      const [one, other] = [told.get(id) ?? 'unknown', here.get(id) ?? 'unknown'];
      if (one === other) return [];
      const run = [...first.runs, ...runs].find((each) => each.id === id);
      return [
        violation(
          'disagreement',
          { job: run?.job ?? null, due: run?.due ?? null },
          `${first.node} says that ${id} is ${one}, ${node} that it is ${other}`,
        ),
      ];
    });
  });
}
