/**
 * Policies with defaults, as numbers, and the rules that need nothing else. The definition keeps what the
 * user wrote; this is its meaning.
 */

import { durationMs } from '../schedule/period.ts';
import type { JobDefinition, PolicyDefinition } from './definition.ts';
import { EXTERNAL_TIMEOUT, isExternal } from './external.ts';
import { hash53 } from './hash.ts';
import { words } from './schema/parts.ts';
import { isObject, knownWord, noForm } from './stored-form.ts';

export interface Policy {
  readonly overlap: 'skip' | 'queue' | 'queue-all' | 'allow' | 'replace';
  readonly catchUp: 'none' | 'latest' | 'all';
  readonly catchUpLimit: number;
  /** Null: no limit for a late start. */
  readonly startWithinMs: number | null;
  readonly retries: {
    readonly limit: number;
    readonly delayMs: number;
    readonly factor: number;
    readonly maxMs: number;
    readonly jitter: boolean;
    /** Null: whatever the exit code. */
    readonly onExitCodes: readonly number[] | null;
    readonly exceptExitCodes: readonly number[];
  };
  readonly timeoutMs: number | null;
  /** Of all attempts together, with the delays between them. */
  readonly totalTimeoutMs: number | null;
  /** An attempt that ends with one of them ends the run as skipped. */
  readonly skipExitCodes: readonly number[];
  readonly killAfterMs: number;
  readonly concurrency: number | null;
  readonly priority: number;
  readonly pool: string | null;
  readonly disableAfterFailures: number | null;
  /** How long before a due time the container is created. Null: not prepared. */
  readonly prestageMs: number | null;
  /** How long before a due time the container is started and waits at its gate. Null: not prepared. */
  readonly warmStartMs: number | null;
  /** With `continue`, children treat a failed run like a succeeded one. */
  readonly onFailure: 'stop' | 'continue';
  /** With `callback`, an exit code of 0 does not end the run. */
  readonly completion: 'exit' | 'callback';
}

const resolved = new WeakMap<PolicyDefinition, Policy>();
const faults = new WeakMap<PolicyDefinition, Error>();
const written = (text: string | undefined, field: string): number | null =>
  text === undefined ? null : durationMs(text, `policy.${field}`);

type Choice = 'overlap' | 'catchUp' | 'onFailure' | 'completion';

function chosen<K extends Choice>(definition: PolicyDefinition, name: K, usual: Policy[K]): Policy[K] {
  const usualFirst = [usual, ...words[name].filter((word) => word !== usual)];
  return knownWord<string>(`policy.${name}`, definition[name] ?? usual, usualFirst) as Policy[K];
}

function resolve(definition: PolicyDefinition): Policy {
  const retries = definition.retries ?? {};
  return {
    overlap: chosen(definition, 'overlap', 'skip'),
    catchUp: chosen(definition, 'catchUp', 'latest'),
    catchUpLimit: definition.catchUpLimit ?? 100,
    startWithinMs: written(definition.startWithin, 'startWithin'),
    retries: {
      limit: retries.limit ?? 0,
      delayMs: written(retries.delay, 'retries.delay') ?? 10_000,
      factor: retries.factor ?? 2,
      maxMs: written(retries.max, 'retries.max') ?? 3_600_000,
      jitter: retries.jitter ?? true,
      onExitCodes: retries.onExitCodes ?? null,
      exceptExitCodes: retries.exceptExitCodes ?? [],
    },
    timeoutMs: written(definition.timeout, 'timeout'),
    totalTimeoutMs: written(definition.totalTimeout, 'totalTimeout'),
    skipExitCodes: definition.skipExitCodes ?? [],
    killAfterMs: written(definition.killAfter, 'killAfter') ?? 10_000,
    concurrency: definition.concurrency ?? null,
    priority: definition.priority ?? 0,
    pool: definition.pool ?? null,
    disableAfterFailures: definition.disableAfterFailures ?? null,
    prestageMs: written(definition.prestage, 'prestage'),
    warmStartMs: written(definition.warmStart, 'warmStart'),
    onFailure: chosen(definition, 'onFailure', 'stop'),
    completion: chosen(definition, 'completion', 'exit'),
  };
}

/** Defaults for omitted fields. */
export const defaultPolicy: Policy = Object.freeze(resolve({}));

/**
 * Cached by the definition's object, which many jobs share. Never throws: for a stored policy that cannot be
 * read, the defaults apply and the job is blocked; see usable.ts.
 */
export function policyOf(definition: PolicyDefinition | undefined): Policy {
  if (!isObject(definition)) return defaultPolicy;
  let policy = resolved.get(definition);
  if (policy === undefined) {
    try {
      policy = resolve(definition);
    } catch (error) {
      policy = defaultPolicy;
      faults.set(definition, error as Error);
    }
    resolved.set(definition, policy);
  }
  return policy;
}

/**
 * The policy of a job. When a job runs that somebody else runs is not up to the scheduler: its runs may overlap, and each
 * due time that passed unseen waits for its report.
 */
export function policyFor(job: Pick<JobDefinition, 'run' | 'policy'> | undefined): Policy {
  const policy = policyOf(job?.policy);
  if (job === undefined || !isExternal(job)) return policy;
  const timeoutMs = policy.timeoutMs ?? durationMs(EXTERNAL_TIMEOUT, 'policy.timeout');
  return { ...policy, overlap: 'allow', catchUp: 'all', timeoutMs };
}

/** INVALID_FIELD for an unreadable policy. */
export function checkPolicy(definition: PolicyDefinition | undefined): void {
  policyOf(definition);
  const fault = isObject(definition) ? faults.get(definition) : undefined;
  if (fault !== undefined) throw fault;
  if (definition !== undefined && !isObject(definition)) throw noForm('policy', definition, 'object');
}

/**
 * Delay after attempt `attempt` (from 1) failed. With jitter it is in the upper half of the delay, at a point
 * derived from the run: the same on every node, and spread over runs that failed together.
 */
export function retryDelayMs(policy: Policy, run: string, attempt: number): number {
  const { delayMs, factor, maxMs, jitter } = policy.retries;
  const full = Math.min(maxMs, delayMs * factor ** (attempt - 1));
  if (!jitter) return Math.round(full);
  const share = hash53(`${run}/${attempt}`) / 2 ** 53;
  return Math.round(full / 2 + (full / 2) * share);
}

/** Whether a failure with this exit code is retried. Null: it has none, and is. */
export function isRetried({ retries }: Policy, exitCode: number | null): boolean {
  if (exitCode === null) return true;
  const { onExitCodes, exceptExitCodes } = retries;
  return (onExitCodes === null || onExitCodes.includes(exitCode)) && !exceptExitCodes.includes(exitCode);
}

/**
 * Delay before an engine without capacity is retried: a quarter of the time waited so far, from one second to
 * half a minute.
 */
export function placeRetryDelayMs(waitedMs: number): number {
  return Math.round(Math.min(30_000, Math.max(1_000, waitedMs / 4)));
}

/** Delay before an unreachable engine is retried, at most a minute. */
export function engineRetryDelayMs(timesDeferred: number): number {
  return Math.min(60_000, 1_000 * 2 ** Math.min(timesDeferred, 6));
}
