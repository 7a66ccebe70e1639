/**
 * What was told, held against what happened: each success of a job that reports them was told once, under one key,
 * whatever was repeated, and in the order in which it was decided.
 */

import { type Evidence, violation } from './evidence.ts';
import type { MessageRecord, Violation } from './history.ts';

export function checkMessages(evidence: Evidence): Violation[] {
  const { messages } = evidence.history;
  if (messages === null) return [];
  return [
    ...checkKeys(messages.received),
    ...checkOrder(messages.received),
    ...checkSuccesses(evidence, messages.received),
    ...messages.owed.map((key) => violation('message', { job: null, due: null }, `${key} was not delivered`)),
  ];
}

/** The same key is the same message. */
function checkKeys(received: readonly MessageRecord[]): Violation[] {
  const known = new Map<string, string>();
  return received.flatMap(({ key, job, digest, receivedAt }) => {
    const before = known.get(key) ?? digest;
    known.set(key, before);
    if (before === digest) return [];
    return [violation('message', { job, due: null, at: receivedAt }, `${key} came with two contents`)];
  });
}

/** Repetitions aside. */
function checkOrder(received: readonly MessageRecord[]): Violation[] {
  const seen = new Set<string>();
  let last: MessageRecord | null = null;
  const found: Violation[] = [];
  for (const message of received) {
    if (seen.has(message.key)) continue;
    seen.add(message.key);
    if (last !== null && message.at < last.at)
      found.push(
        violation(
          'message',
          { job: message.job, due: null, at: message.receivedAt },
          `${message.key} came after ${last.key}, which was decided later`,
        ),
      );
    last = message;
  }
  return found;
}

function checkSuccesses(evidence: Evidence, received: readonly MessageRecord[]): Violation[] {
  const told = new Map<string, Set<string>>();
  for (const { run, key, condition } of received) {
    if (condition !== 'succeeded' || run === null) continue;
    told.set(run, (told.get(run) ?? new Set()).add(key));
  }
  const reporting = new Set(evidence.history.jobs.flatMap(({ name, reports }) => (reports ? [name] : [])));
  const found: Violation[] = [];
  for (const run of evidence.runs.values()) {
    if (!reporting.has(run.job)) continue;
    const keys = told.get(run.id)?.size ?? 0;
    const expected = run.state === 'succeeded' ? 1 : 0;
    if (keys === expected) continue;
    const about = { job: run.job, due: run.due, ...(run.endedAt !== null && { at: run.endedAt }) };
    const times = keys === 0 ? 'not told' : `told as ${keys} messages`;
    found.push(violation('message', about, `${run.id} is ${run.state}, which was ${times}`));
  }
  return found;
}
