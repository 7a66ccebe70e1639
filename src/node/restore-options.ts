/** What work on a store takes and returns: restoring a backup, and taking over a tree in ZooKeeper. */

export interface RestoreOptions {
  readonly file: string;
  readonly dataDir: string;
  /** Into ZooKeeper instead of the data directory. */
  readonly zk: string | null;
  readonly zkAuthFile: string | null;
  readonly zkTlsCa?: string | null;
  readonly zkTlsCert?: string | null;
  readonly zkTlsKey?: string | null;
  /** Into ZooKeeper without a login, so that everybody who reaches it can change the state. */
  readonly insecureZk?: boolean;
  readonly replace: boolean;
  readonly newIdentity: boolean;
  readonly keepUnfinished: boolean;
  /** Also tokens, although some may have been revoked since, and ends of sessions. */
  readonly withTokens: boolean;
  /** Only read the backup. */
  readonly check: boolean;
}

export interface BackupCounts {
  readonly jobs: number;
  readonly unfinishedRuns: number;
  readonly tokens: number;
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

export interface ProtectOptions {
  readonly zk: string;
  readonly zkAuthFile: string | null;
  readonly zkTlsCa?: string | null;
  readonly zkTlsCert?: string | null;
  readonly zkTlsKey?: string | null;
}

/** Returns the number of nodes. `onProgress` is told how many there are so far. */
export type Protect = (options: ProtectOptions, onProgress: (nodes: number) => void) => Promise<number>;
