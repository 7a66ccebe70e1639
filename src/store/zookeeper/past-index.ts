/**
 * An index of jobs with a past, by a bound for their newest run in the list of all runs, newest first: a page
 * of all runs begins with the first of them. Kept in order as runs end, so that no page sorts all jobs.
 */

import { SortedSet } from '../../scheduler/state/sorted-set.ts';
import { comparePlaces, LAST } from '../archive.ts';
import type { Place } from '../cursor.ts';

/** A job whose ended runs are all at or after this position of the list. */
export interface Newest {
  readonly job: string;
  readonly place: Place;
}

/** The bound of a job for which it is unknown. */
const anywhere: Place = [Number.POSITIVE_INFINITY, LAST];

export class NewestRuns {
  readonly #byJob = new Map<string, Newest>();
  readonly #ordered = new SortedSet<Newest>(
    (a, b) => comparePlaces(b.place, a.place) || (a.job < b.job ? -1 : a.job > b.job ? 1 : 0),
  );

  /** A job that may have a past. */
  add(job: string): void {
    if (!this.#byJob.has(job)) this.#set(job, anywhere);
  }

  /** The newest run according to the job's past, as read after `listed`; a run may have ended since. */
  learn(listed: Newest, place: Place): void {
    if (this.#byJob.get(listed.job) === listed) this.#set(listed.job, place);
  }

  #set(job: string, place: Place): void {
    const before = this.#byJob.get(job);
    if (before !== undefined && comparePlaces(before.place, place) === 0) return;
    if (before !== undefined) this.#ordered.remove(before);
    const now = { job, place };
    this.#byJob.set(job, now);
    this.#ordered.add(now);
  }

  /** A run has ended at this position, which may be older than others. */
  ended(job: string, place: Place): void {
    const before = this.#byJob.get(job);
    if (before === undefined || comparePlaces(before.place, place) < 0) this.#set(job, place);
  }

  /** The job's last run ended then, so none of its ended runs was due later. */
  endedBy(job: string, at: number): void {
    this.#set(job, [at, LAST]);
  }

  /** All bounds are unknown from now on. */
  forget(): void {
    for (const job of this.#byJob.keys()) this.#set(job, anywhere);
  }

  /** The current order, newest first. */
  list(): readonly Newest[] {
    return [...this.#ordered.after(null)];
  }
}
