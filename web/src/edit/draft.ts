/**
 * Unsaved edits, kept for this browser tab until they are saved or discarded, so that a crash or reload of
 * the page loses nothing.
 */

import { useState } from 'react';
import { isTree, type Tree } from './path.ts';

export interface Draft {
  /** Time of the last change, epoch milliseconds. */
  readonly at: number;
  /** The definition that the edits started from. */
  readonly initial: Tree;
  /** The revision of `initial`. Null for a new job. */
  readonly revision: number | null;
  readonly as: 'form' | 'yaml';
  readonly definition: Tree;
  readonly text: string;
}

const keyOf = (place: string): string => `carillon.draft ${place}`;

/** The editor of an existing job. */
export const placeOf = (job: string): string => `job ${job}`;

/** Returns null if there is no draft. `place` identifies the editor: the job or the template. */
export function readDraft(place: string): Draft | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(keyOf(place)) ?? 'null');
    return isTree(kept) && typeof kept.at === 'number' ? (kept as unknown as Draft) : null;
  } catch {
    return null;
  }
}

/** Null discards the draft. */
export function keepDraft(place: string, draft: Draft | null): void {
  try {
    if (draft === null) sessionStorage.removeItem(keyOf(place));
    else sessionStorage.setItem(keyOf(place), JSON.stringify(draft));
  } catch {
    // Storage may be full or forbidden; the edits then last as long as the page.
  }
}

/** The draft that existed when the editor was opened, and a function that discards it. */
export function useDraft(place: string): readonly [Draft | null, () => void] {
  const [draft, setDraft] = useState(() => readDraft(place));
  const giveUp = () => {
    keepDraft(place, null);
    setDraft(null);
  };
  return [draft, giveUp];
}
