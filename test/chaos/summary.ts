/** What a run was like, in figures: for the end of the terminal's output and for report.json. */

import { type WhileAway, whileAway } from './away.ts';
import { beginBy, isCalm } from './calm.ts';
import { type Evidence, evidenceOf, groups, isLost, scheduledRuns } from './evidence.ts';
import { type History, instantsOf, type Violation } from './history.ts';

export interface Summary {
  readonly seconds: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly leaderChanges: number;
  readonly launches: number;
  readonly instants: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly ledger: Readonly<Record<string, number>>;
  readonly lostAttempts: { readonly begun: number; readonly neverBegun: number };
  readonly triggers: { readonly asked: number; readonly acknowledged: number };
  /** Due until begun, for what was due in calm time; milliseconds. */
  readonly quietLateness: {
    readonly count: number;
    readonly p50: number;
    readonly p99: number;
    readonly max: number;
  };
  /** The largest share that a run outside calm time took of what its window allowed: above 1 is a violation. */
  readonly windowUsed: number;
  /** The longest time without any launch around a fault of the leader, by kind; milliseconds. */
  readonly longestGap: Readonly<Record<string, number>>;
  readonly whileAway: WhileAway;
  /** Messages about successes, and how many of them came more than once. */
  readonly messages: { readonly told: number; readonly repeated: number };
  /** How long the machine was too busy with other things to start a process in time. */
  readonly starvedMs: number;
  readonly violations: number;
}

/** A gap that a fault of the leader causes begins within this of it. */
const gapWindowMs = 10_000;

export function summarise(history: History, violations: readonly Violation[]): Summary {
  const evidence = evidenceOf(history);
  const runs = [...evidence.runs.values()];
  const launches = history.lines.filter(({ event }) => event === 'launch');
  const lost = runs.flatMap((run) => {
    const job = evidence.jobs.get(run.job);
    if (job === undefined) return [];
    return run.attempts
      .filter((attempt) => isLost(job, attempt))
      .map(({ number }) => evidence.launchesOf.get(run.id)?.some((line) => line.attempt === number) === true);
  });
  const stalls = history.faults.filter(({ on }) => on === 'machine');
  const quiet = history.jobs
    .flatMap((job) => {
      const made = scheduledRuns(evidence, job);
      return instantsOf(job)
        .filter((due) => job.overlap !== 'queue-all' && isCalm(due, evidence.disturbed(job), history.bounds))
        .flatMap((due) => evidence.launchesOf.get(made.get(due)?.id ?? '')?.[0] ?? [])
        .map((launch) => launch.at - launch.due);
    })
    .sort((a, b) => a - b);
  const at = (share: number): number =>
    quiet[Math.min(quiet.length - 1, Math.floor(quiet.length * share))] ?? 0;
  return {
    seconds: Math.round((history.to - history.from) / 1_000),
    faults: counts(
      history.faults
        .filter(({ on }) => on !== 'machine')
        .map(({ kind, on, led }) => `${kind} ${on}${led === true ? ' that leads' : ''}`),
    ),
    leaderChanges: leaderChanges(history),
    launches: launches.length,
    instants: history.jobs.reduce((sum, job) => sum + instantsOf(job).length, 0),
    ended: counts(runs.map(({ state }) => state)),
    ledger: counts((history.answers[0]?.ledger ?? []).map(({ end }) => end)),
    lostAttempts: {
      begun: lost.filter((begun) => begun).length,
      neverBegun: lost.filter((begun) => !begun).length,
    },
    triggers: {
      asked: new Set(history.triggers.map(({ key }) => key)).size,
      acknowledged: history.triggers.filter(({ run }) => run !== null).length,
    },
    quietLateness: { count: quiet.length, p50: at(0.5), p99: at(0.99), max: quiet.at(-1) ?? 0 },
    windowUsed: windowUsed(evidence),
    longestGap: longestGaps(
      history,
      launches.map((line) => line.at),
    ),
    whileAway: whileAway(evidence),
    starvedMs: stalls.reduce((sum, { from, to }) => sum + (to ?? from) - from, 0),
    messages: messagesOf(history),
    violations: violations.length,
  };
}

function messagesOf({ messages }: History): Summary['messages'] {
  const came = [...groups(messages?.received ?? [], ({ key }) => key)].map(([, all]) => all.length);
  return { told: came.length, repeated: came.filter((times) => times > 1).length };
}

function windowUsed(evidence: Evidence): number {
  const { bounds, jobs } = evidence.history;
  const shares = jobs.flatMap((job) => {
    if (job.overlap === 'queue-all') return [];
    const disturbed = evidence.disturbed(job);
    return [...scheduledRuns(evidence, job)].flatMap(([due, run]) => {
      const launch = evidence.launchesOf.get(run.id)?.[0];
      if (launch === undefined || run.kind !== 'schedule' || isCalm(due, disturbed, bounds)) return [];
      return [(launch.at - due) / (beginBy(due, disturbed, bounds) - due)];
    });
  });
  return Math.round(Math.max(0, ...shares) * 100) / 100;
}

function counts(words: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    [...groups(words, (word) => word)].map(([word, all]) => [word, all.length]).sort(),
  );
}

function leaderChanges({ roles }: History): number {
  return Math.max(0, new Set(roles.filter(({ role }) => role === 'leader').map(({ term }) => term)).size - 1);
}

function longestGaps(history: History, launchedAt: readonly number[]): Record<string, number> {
  const times = [...launchedAt].sort((a, b) => a - b);
  const longest: Record<string, number> = {};
  for (const { kind, on, led, from } of history.faults) {
    if (on !== 'scheduler' || led !== true) continue;
    const gaps = times.map((at, i) => {
      const next = times[i + 1];
      return next !== undefined && next > from && at < from + gapWindowMs ? next - at : 0;
    });
    longest[kind] = Math.max(longest[kind] ?? 0, ...gaps);
  }
  return longest;
}

/** For the terminal. */
export function summaryText(summary: Summary, violations: readonly Violation[]): string {
  const list = (each: Readonly<Record<string, number>>, unit = ''): string =>
    Object.entries(each)
      .map(([word, count]) => `${word} ${count}${unit}`)
      .join(', ') || 'none';
  const { quietLateness: quiet, triggers, messages, lostAttempts, whileAway: away } = summary;
  return [
    `faults        ${list(summary.faults)}`,
    `leaders       ${summary.leaderChanges} changes`,
    `launches      ${summary.launches} for ${summary.instants} instants of schedules; runs: ${list(summary.ended)}`,
    `ledger        ${list(summary.ledger)}`,
    `triggers      ${triggers.acknowledged} acknowledged of ${triggers.asked}`,
    `messages      ${messages.told} about successes, ${messages.repeated} of them more than once`,
    `lost attempts ${lostAttempts.begun} that had begun, ${lostAttempts.neverBegun} that had not, all near a fault or told below`,
    `lateness      in calm time: p50 ${quiet.p50} ms, p99 ${quiet.p99} ms, max ${quiet.max} ms (${quiet.count} runs)`,
    `window        ${Math.round(summary.windowUsed * 100)} % was the most that a run near a fault took of the time it was allowed`,
    `longest gap   in launches after a fault of the leader: ${list(summary.longestGap, ' ms')}`,
    `leader away   ${away.targets} targets of jobs on any node were due meanwhile: ${away.missed} missed, ${away.repeated} repeated because their host died; lateness of the others: p50 ${away.lateness.p50} ms, p99 ${away.lateness.p99} ms, max ${away.lateness.max} ms`,
    `machine       starved for ${summary.starvedMs} ms in all by what else it did`,
    `clock steps   not tried: all processes share the machine's clock`,
    ...violations.slice(0, 50).map(({ rule, message }) => `VIOLATION     ${rule}: ${message}`),
    ...(violations.length > 50 ? [`              and ${violations.length - 50} more`] : []),
    `${violations.length} violations`,
  ].join('\n');
}
