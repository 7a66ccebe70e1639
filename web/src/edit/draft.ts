/**
 * Unsaved edits, kept for this tab of the browser until they are saved or given up: a page that breaks or is loaded
 * again loses nothing.
 */

import { useState } from 'react';
import { isTree, type Tree } from './path.ts';

export interface Draft {
  /** When it was last changed, epoch milliseconds. */
  readonly at: number;
  /** What the edits began from. */
  readonly initial: Tree;
  /** The revision of `initial`; null for a job that is not made yet. */
  readonly revision: number | null;
  readonly as: 'form' | 'yaml';
  readonly definition: Tree;
  readonly text: string;
}

const keyOf = (place: string): string => `carillon.draft ${place}`;

/** The editor of a job that was made. */
export const placeOf = (job: string): string => `job ${job}`;

/** Null: there is none. `place` names the editor: the job, or the template. */
export function readDraft(place: string): Draft | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(keyOf(place)) ?? 'null');
    return isTree(kept) && typeof kept.at === 'number' ? (kept as unknown as Draft) : null;
  } catch {
    return null;
  }
}

/** Null gives it up. */
export function keepDraft(place: string, draft: Draft | null): void {
  try {
    if (draft === null) sessionStorage.removeItem(keyOf(place));
    else sessionStorage.setItem(keyOf(place), JSON.stringify(draft));
  } catch {
    // Storage may be full or forbidden: the edits then last as long as the page.
  }
}

/** The draft that was there when the editor came, and what gives it up. */
export function useDraft(place: string): readonly [Draft | null, () => void] {
  const [draft, setDraft] = useState(() => readDraft(place));
  const giveUp = () => {
    keepDraft(place, null);
    setDraft(null);
  };
  return [draft, giveUp];
}
