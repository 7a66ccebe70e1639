/** The port to the output of runs that somebody else runs. */

import type { LogChunk, LogQuery } from './ports.ts';

/** Keeps what reporters send as the output of runs that no engine of this installation has. */
export interface ReportedOutput {
  /** This node, if there are others. */
  readonly host: string | null;
  /** Replaces what is kept under the name: the same report again. */
  keep(launchName: string, bytes: Uint8Array): Promise<void>;
  /** LOGS_GONE if it is no longer kept. */
  read(launchName: string, query: LogQuery): AsyncIterable<LogChunk>;
}
