/** The output of one launch, as engines and kept logs use it, whatever form it has. */

import type { Clock, LogChunk, LogQuery } from '../../scheduler/ports.ts';

export type Stream = LogChunk['stream'];
export const streams: readonly Stream[] = ['stdout', 'stderr'];

/** Interval between the reads of a follower. */
export const followPollMs = 200;

/** The state of a launch, for readers of its output. */
export interface Following {
  readonly clock: Clock;
  /** True once no more output can come. */
  readonly ended: () => boolean;
}

export interface LogOutput {
  /**
   * The output after a position, or the last `tail` lines of each stream, or all of it; with `follow`, later output too.
   * Readers neither repeat nor miss bytes, and can continue where a reader of another object stopped, because positions
   * count from the beginning of the output.
   */
  read(query: LogQuery, following: Following): AsyncGenerator<LogChunk, void, undefined>;
  /** Bytes of both streams that were dropped because of the bound. */
  bytesDropped(): Promise<number>;
  /** Bytes on disk. */
  bytes(): Promise<number>;
  exists(): Promise<boolean>;
  /** Makes all of it the scheduler's own, in this directory, which it replaces. Readers continue. */
  moveTo(directory: string): Promise<void>;
  /** Brings it back under its bound. Absent if it never exceeds it. */
  trim?(): Promise<void>;
}
