/**
 * Policies with their defaults, as numbers, and the small rules that need nothing else. What a person wrote
 * stays in the definition; this is how it is meant.
 */

import { durationMs } from '../schedule/period.ts';
import type { PolicyDefinition } from './definition.ts';
import { hash53 } from './hash.ts';
import { words } from './schema/parts.ts';
import { isObject, knownWord, noForm } from './stored-form.ts';

export interface Policy {
  readonly overlap: 'skip' | 'queue' | 'queue-all' | 'allow' | 'replace';
  readonly catchUp: 'none' | 'latest' | 'all';
  readonly catchUpLimit: number;
  /** Null: a run may start however late. */
  readonly startWithinMs: number | null;
  readonly retries: {
    readonly limit: number;
    readonly delayMs: number;
    readonly factor: number;
    readonly maxMs: number;
    readonly jitter: boolean;
  };
  readonly timeoutMs: number | null;
  readonly killAfterMs: number;
  readonly concurrency: number | null;
  readonly priority: number;
  readonly pool: string | null;
  readonly disableAfterFailures: number | null;
  /** How long before a due instant the container is created; null: not before. */
  readonly prestageMs: number | null;
  /** How long before a due instant it is started and held; null: not before. */
  readonly warmStartMs: number | null;
  /** Children take a failed run for one that succeeded. */
  readonly onFailure: 'stop' | 'continue';
  /** `callback`: an exit code of 0 does not end the run. */
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
    },
    timeoutMs: written(definition.timeout, 'timeout'),
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

/** What holds where nothing is said. */
export const defaultPolicy: Policy = Object.freeze(resolve({}));

/**
 * Cached by the written object, which many jobs share. Never throws: of a stored policy that can't be read the defaults
 * hold, and its job is held; see usable.ts.
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

/** INVALID_FIELD for a policy that can't be read. */
export function checkPolicy(definition: PolicyDefinition | undefined): void {
  policyOf(definition);
  const fault = isObject(definition) ? faults.get(definition) : undefined;
  if (fault !== undefined) throw fault;
  if (definition !== undefined && !isObject(definition)) throw noForm('policy', definition, 'object');
}

/**
 * How long to wait after attempt `attempt` (from 1) failed. With jitter the delay lies in its upper half, at
 * a place derived from the run: the same on every node, spread over the runs that failed together.
 */
export function retryDelayMs(policy: Policy, run: string, attempt: number): number {
  const { delayMs, factor, maxMs, jitter } = policy.retries;
  const full = Math.min(maxMs, delayMs * factor ** (attempt - 1));
  if (!jitter) return Math.round(full);
  const share = hash53(`${run}/${attempt}`) / 2 ** 53;
  return Math.round(full / 2 + (full / 2) * share);
}

/**
 * How long to wait before asking again for a place that the engine did not have: a quarter of the time that was
 * waited already, at least a second, at most half a minute.
 */
export function placeRetryDelayMs(waitedMs: number): number {
  return Math.round(Math.min(30_000, Math.max(1_000, waitedMs / 4)));
}

/** How long to wait before asking an engine again that could not be reached; bounded at a minute. */
export function engineRetryDelayMs(timesDeferred: number): number {
  return Math.min(60_000, 1_000 * 2 ** Math.min(timesDeferred, 6));
}
