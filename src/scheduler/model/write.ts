/**
 * What a decision asks the store to keep, in the domain's words. A group is atomic: all of it becomes
 * durable or none. Stores map each write to their own layout.
 */

import type { Job, JobState, JobStats, LedgerLine, Revision, Run } from './model.ts';

export type Write =
  /** The definition changed: keep the job and its new revision. */
  | { readonly kind: 'job'; readonly job: Job }
  /**
   * The job is gone, with its state and statistics as far as the same group does not write them behind it for the next
   * job of the name. History, ledger and revisions stay until they age out.
   */
  | { readonly kind: 'job-removed'; readonly name: string; readonly revision: Revision }
  | { readonly kind: 'state'; readonly state: JobState }
  /** `today` is also kept under its day. */
  | { readonly kind: 'stats'; readonly stats: JobStats }
  /** An unfinished run, new or changed. */
  | { readonly kind: 'run'; readonly run: Run }
  /** The run is finished: it leaves the unfinished ones and enters the history. */
  | { readonly kind: 'run-ended'; readonly run: Run }
  /** A line replaces an earlier one of the same job that starts at the same instant. */
  | { readonly kind: 'ledger'; readonly line: LedgerLine };

/** Atomic: the writes of one decision about one job. */
export type WriteGroup = readonly Write[];
