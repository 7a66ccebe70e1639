/** Turns a run into an attempt: its limits, and the launch in an engine-independent form. */

import { invariant } from '../../errors.ts';
import { chronosNames, withArguments } from '../chronos/task.ts';
import { containerSpec, secretRef } from '../job/container-spec.ts';
import type { RunDefinition } from '../job/definition.ts';
import { choiceOf, isForAll } from '../job/node-choice.ts';
import { type Policy, policyOf } from '../job/policy.ts';
import { type FetchDefinition, fetchName } from '../job/schema/fetch.ts';
import { memoryBytes } from '../job/size.ts';
import type { FetchItem, LaunchSpec, SecretRef } from '../job/spec.ts';
import { launchName } from '../model/ids.ts';
import type { Attempt, Run, Settings } from '../model/model.ts';
import { nextRunState } from '../model/run-state.ts';
import { traceVariables } from '../model/trace.ts';
import { totalDeadline } from '../state/deadline.ts';
import type { Effect } from '../state/decision.ts';
import { intervalVariables } from '../state/interval.ts';
import type { Limit } from '../state/slots.ts';
import type { Entry, State } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';
import { whatThrows } from '../state/usable.ts';
import { engineFor } from './engine-choice.ts';
import { launchedDefinition, plainParams } from './given/launched.ts';

/** The limits that apply to a run of this job. `own` is that of the engine. */
export function limitsOf(state: State, entry: Entry, own: Limit | null): Limit[] {
  const policy = policyOf(entry.job.definition.policy);
  const limits: Limit[] = [];
  const { name } = entry.job;
  if (policy.concurrency !== null)
    limits.push({ key: `job:${name}`, slots: policy.concurrency, kind: 'job', name });
  const pool = policy.pool === null ? null : poolLimit(state.settings, policy.pool);
  if (pool !== null) limits.push(pool);
  if (own !== null) limits.push(own);
  return limits;
}

/** The slots of a pool. Null: it is no longer configured. */
export function poolLimit(settings: Settings, pool: string): Limit | null {
  const slots = Object.hasOwn(settings.pools, pool) ? settings.pools[pool] : undefined;
  return slots === undefined ? null : { key: `pool:${pool}`, slots, kind: 'pool', name: pool };
}

/** The slots of an engine. Null: no limit. */
export function engineLimit(settings: Settings, engine: string): Limit | null {
  const concurrency = settings.engines[engine]?.concurrency ?? null;
  return concurrency === null
    ? null
    : { key: `engine:${engine}`, slots: concurrency, kind: 'engine', name: engine };
}

/** The node whose local engine it is: this one, or null if all nodes reach the engine. */
export function hostOf(settings: Settings, engine: string): string | null {
  return settings.engines[engine]?.host ?? null;
}

/** A run's next attempt, and its launch. */
export interface NextLaunch {
  readonly attempt: Attempt;
  readonly spec: LaunchSpec;
}

/** Returns a message instead if the stored definition gives no launch. Changes nothing. */
export function nextLaunch(
  { state, draft }: Turn,
  entry: Entry,
  run: Run,
  at: { readonly engine: string; readonly host: string | null },
): NextLaunch | string {
  return whatThrows(() => {
    const attempt = newAttempt(state, entry, run, { ...at, now: draft.now });
    return { attempt, spec: launchSpec(state, entry, run, attempt) };
  });
}

/** Decides a new attempt: stored first, then requested from the engine. */
export function launchRun(turn: Turn, entry: Entry, run: Run, { attempt, spec }: NextLaunch): void {
  const { state, draft } = turn;
  run.state = nextRunState(run.state, 'launch');
  run.reason = null;
  run.notBefore = null;
  run.revision = entry.job.revision;
  run.attempts.push(attempt);
  state.putRun(run);
  draft.run(run);
  draft.effect(launchEffect(run, attempt, spec, null));
  state.askedOnce.add(attempt.launchName);
}

function newAttempt(
  state: State,
  entry: Entry,
  run: Run,
  { engine, host, now }: { readonly engine: string; readonly host: string | null; readonly now: number },
): Attempt {
  const number = run.attempts.length + 1;
  return {
    number,
    engine,
    host,
    launchName: launchName({
      installation: state.installation,
      job: entry.job,
      run: run.id,
      attempt: number,
    }),
    term: state.term,
    // A run that was decided ahead may get its slot before it is due.
    createdAt: Math.max(now, run.createdAt),
    startedAt: null,
    endedAt: null,
    exitCode: null,
    reason: null,
  };
}

/** The launch of the run's first attempt if it were decided now. */
export function firstLaunch(state: State, entry: Entry, run: Run): LaunchSpec {
  const engine = engineFor(entry.job.definition.run ?? {}, state.settings);
  const host = hostOf(state.settings, engine);
  return launchSpec(state, entry, run, newAttempt(state, entry, run, { engine, host, now: run.createdAt }));
}

/**
 * Requests the run's newest attempt from the engine. Repeating it is harmless, because the name is the lock.
 */
export function askToLaunch(turn: Turn, entry: Entry, run: Run, delayMs: number | null): void {
  const attempt = run.attempts.at(-1);
  invariant(
    attempt !== undefined && run.state === 'launching',
    `run ${run.id} is ${run.state} and is to be launched`,
  );
  const { state, draft } = turn;
  const spec = entry.fault ?? whatThrows(() => launchSpec(state, entry, run, attempt));
  if (typeof spec === 'string') {
    // The attempt keeps its name and slots: it may have started, and a leader that can read it requests it
    // again.
    run.reason = { code: 'cannot-launch', text: spec };
    draft.run(run);
    return;
  }
  state.askedOnce.delete(attempt.launchName);
  draft.effect(launchEffect(run, attempt, spec, delayMs));
}

function launchEffect(run: Run, attempt: Attempt, spec: LaunchSpec, delayMs: number | null): Effect {
  const { host, createdAt: notBefore } = attempt;
  return { kind: 'launch', spec, host, priority: run.priority, notBefore, delayMs };
}

function launchSpec(state: State, entry: Entry, run: Run, attempt: Attempt): LaunchSpec {
  const definition = launchedDefinition(entry.job, run, attempt.number);
  const given = withArguments(definition, run);
  const memory = given.resources?.memory;
  const policy = policyOf(definition.policy);
  const everywhere = choiceOf(given);
  return {
    launchName: attempt.launchName,
    engine: attempt.engine,
    installation: state.installation,
    term: state.term,
    job: run.job,
    run: run.id,
    attempt: attempt.number,
    due: run.due,
    image: given.image ?? null,
    argv: programOf(given),
    env: {
      ...(state.settings.traced === true && traceVariables(state.installation, run, attempt)),
      ...given.env,
      ...plainParams(definition, run),
      ...identity(run, attempt),
      ...intervalVariables(state, entry, run),
      ...chronosNames(definition, run, attempt),
    },
    secrets: secretVariables(given),
    workdir: given.workdir ?? null,
    user: given.user ?? null,
    cpus: given.resources?.cpus ?? null,
    memoryBytes: memory === undefined ? null : memoryBytes(memory, 'run.resources.memory'),
    gpus: given.resources?.gpus ?? null,
    pids: given.resources?.pids ?? null,
    ioWeight: given.resources?.ioWeight ?? null,
    ulimits: Object.entries(given.ulimits ?? {}).map(([name, { soft, hard = soft }]) => ({
      name,
      soft,
      hard,
    })),
    timeoutMs: timeoutOf(policy, run, attempt),
    stopGraceMs: policy.killAfterMs,
    constraints: given.constraints ?? [],
    volumes: given.volumes ?? [],
    pull: given.pull ?? 'missing',
    registrySecret: given.registry === undefined ? null : secretRef(given.registry.secret),
    labels: definition.labels ?? {},
    ...(everywhere !== undefined && isForAll(everywhere) && { everywhere: { on: everywhere } }),
    ...(given.fetch !== undefined && { fetch: given.fetch.map(fetchItem) }),
    container: containerSpec(given),
  };
}

/** The rest of the time for all attempts may be shorter. */
function timeoutOf(policy: Policy, run: Run, attempt: Attempt): number | null {
  const until = attempt.number === 1 ? null : totalDeadline(run, policy);
  const leftMs = until === null ? policy.totalTimeoutMs : Math.max(1_000, until - attempt.createdAt);
  if (leftMs === null) return policy.timeoutMs;
  return Math.min(leftMs, policy.timeoutMs ?? leftMs);
}

/** Program and arguments. Null if the image has the program. */
function programOf({ argv, command, entrypoint, args = [] }: RunDefinition): readonly string[] | null {
  if (command !== undefined) return ['/bin/sh', '-c', command];
  return argv ?? (entrypoint === undefined ? null : [...entrypoint, ...args]);
}

function fetchItem({ uri, output, executable = false, extract = false }: FetchDefinition): FetchItem {
  return { uri, output: output ?? fetchName(uri), executable, extract };
}

/** Secrets that are not mounted as files. */
function secretVariables({ secrets = {} }: RunDefinition): Record<string, SecretRef> {
  const variables = Object.entries(secrets).filter(([, { mount }]) => mount === undefined);
  return Object.fromEntries(variables.map(([name, secret]) => [name, secretRef(secret)]));
}

/** Environment variables about the run itself. */
function identity(run: Run, attempt: Attempt): Record<string, string> {
  const names: Record<string, string> = {
    CARILLON_JOB: run.job,
    CARILLON_RUN: run.id,
    CARILLON_DUE: new Date(run.due).toISOString(),
    CARILLON_ATTEMPT: String(attempt.number),
  };
  if (run.trigger.kind === 'parents') names.CARILLON_PARENTS = run.trigger.runs.join(',');
  return names;
}
