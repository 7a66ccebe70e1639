/**
 * Whether the server knows who asks. Once it has answered that it does not, nothing more is requested until
 * somebody logs in: each request would be refused, and each refusal is a line of the audit.
 */

import { useSyncExternalStore } from 'react';
import type { WireProblem } from '../../../src/api/wire/schema.ts';

/** The refusal. Null: logged in, as far as is known. */
let refusal: WireProblem | null = null;
/** Counts log-ins. */
let logIns = 0;
/** While the user logs out: that requests are refused meanwhile is no end of a session in the middle of something. */
let isLeaving = false;
const listeners = new Set<() => void>();

/** Identifies the current session, for `noteSignedOut`. */
export const currentSession = (): number => logIns;

export const signedOut = (): WireProblem | null => refusal;

/** Ignores the late answer to a request of an earlier session. */
export function noteSignedOut(problem: WireProblem, session: number): void {
  if (session === logIns && refusal === null && !isLeaving) become(problem);
}

/** Does what logs out, and forgets who was logged in. */
export async function whileLeaving(leave: () => Promise<void>): Promise<void> {
  isLeaving = true;
  try {
    await leave();
    logIns += 1;
  } finally {
    isLeaving = false;
  }
}

export function noteSignedIn(): void {
  logIns += 1;
  become(null);
}

function become(problem: WireProblem | null): void {
  refusal = problem;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useSignedOut = (): WireProblem | null => useSyncExternalStore(subscribe, signedOut);
