/** What restoring a backup takes and returns. */

export interface RestoreOptions {
  readonly file: string;
  readonly dataDir: string;
  /** Into ZooKeeper instead of the data directory. */
  readonly zk: string | null;
  readonly zkAuthFile: string | null;
  readonly replace: boolean;
  readonly newIdentity: boolean;
  readonly keepUnfinished: boolean;
  /** Only read the backup. */
  readonly check: boolean;
}

export interface BackupCounts {
  readonly jobs: number;
  readonly unfinishedRuns: number;
  readonly records: number;
}

export interface Restored {
  readonly installation: string;
  readonly takenAt: string;
  readonly counts: BackupCounts;
  /** Where the store that was there is now. */
  readonly aside: string | null;
}

/** Fails with INVALID_BACKUP before anything is written. */
export type Restore = (options: RestoreOptions) => Promise<Restored>;
