/**
 * Ids of traces and spans (W3C Trace Context). They are made of names that every leader knows, so that the leader that
 * launches an attempt and the one that sees its end speak of the same span, and nothing needs to be stored.
 */

import { hexHash } from '../job/hash.ts';
import type { Attempt } from './model.ts';

/** A span and the trace that it is in. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

/** The span of a run, which is the root of a trace of its own. */
export const runSpan = (installation: string, run: string): SpanIds => ({
  traceId: traceOf(installation, run),
  spanId: hexHash(`span of ${installation}/${run}`, 16),
});

/** The span of an attempt, a child of that of its run. */
export const attemptSpan = (installation: string, run: string, launchName: string): SpanIds => ({
  traceId: traceOf(installation, run),
  spanId: hexHash(`span of ${launchName}`, 16),
});

const traceOf = (installation: string, run: string): string => hexHash(`trace of ${installation}/${run}`, 32);

/** By these a job finds the span that its own are children of. All runs are sampled. */
export function traceVariables(
  installation: string,
  run: { readonly id: string },
  { launchName }: Pick<Attempt, 'launchName'>,
): Record<string, string> {
  const { traceId, spanId } = attemptSpan(installation, run.id, launchName);
  return { TRACEPARENT: `00-${traceId}-${spanId}-01`, TRACESTATE: '' };
}

const traceparent = /^[\da-f]{2}-(?<traceId>[\da-f]{32})-(?<spanId>[\da-f]{16})-[\da-f]{2}$/;

/** The span that a `TRACEPARENT` names. Null: it is none. */
export function spanIn(text: string): SpanIds | null {
  const { traceId = '', spanId = '' } = traceparent.exec(text)?.groups ?? {};
  return /[^0]/.test(traceId) && /[^0]/.test(spanId) ? { traceId, spanId } : null;
}
