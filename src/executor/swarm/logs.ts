/**
 * The output of one task, through a manager. A Swarm never ends a followed log: it is read until the task has
 * ended, and then once more from the start, without what was already passed on. Payloads are passed on as
 * they arrive and never collected.
 */

import type { Clock, LogChunk, LogQuery } from '../../scheduler/ports.ts';
import { FrameParser, readFrames } from '../container/frames.ts';
import { isCut } from '../container/log-cut.ts';
import { maskedOutput } from '../container/masks.ts';
import { skipBytes, wantedOutput } from '../container/output.ts';
import type { SwarmEngine } from './engine.ts';

/** If a node is gone, the manager waits forever for its log. */
const silenceMs = 10_000;

export interface TaskLogParts {
  readonly engine: SwarmEngine;
  readonly clock: Clock;
  readonly taskId: string;
  /** Texts that the output must not show. */
  readonly masks: readonly Buffer[];
  /** Resolves when the task has ended; only called if the log is followed. */
  readonly ended: (signal: AbortSignal) => Promise<void>;
}

/**
 * Ends with the task if it is followed, otherwise with the existing output, and at the signal in any case.
 */
export async function* taskLog(parts: TaskLogParts, query: LogQuery): AsyncGenerator<LogChunk> {
  const reading = new AbortController();
  const end = () => reading.abort();
  if (query.signal?.aborted) return;
  query.signal?.addEventListener('abort', end);
  try {
    yield* wanted(parts, query, reading.signal);
  } catch (error) {
    if (!reading.signal.aborted) throw error;
  } finally {
    query.signal?.removeEventListener('abort', end);
    reading.abort();
  }
}

function wanted(parts: TaskLogParts, query: LogQuery, signal: AbortSignal): AsyncGenerator<LogChunk> {
  const { stream, follow = false, after } = query;
  const streams = { stdout: stream !== 'stderr', stderr: stream !== 'stdout' };
  const both = { stdout: true, stderr: true };
  return wantedOutput(query, {
    read: (follows) => maskedOutput((follows ? followed : written)(parts, streams, signal), parts.masks),
    // A followed task may have no node yet. A reader that resumes has read from one.
    isCut: async () =>
      (!follow || after !== undefined) &&
      isCut((tail, parser) => written(parts, both, signal, { tail, parser })),
  });
}

interface Streams {
  readonly stdout: boolean;
  readonly stderr: boolean;
}

async function* followed(
  parts: TaskLogParts,
  streams: Streams,
  signal: AbortSignal,
): AsyncGenerator<LogChunk> {
  const passed = { stdout: 0, stderr: 0 };
  const following = new AbortController();
  const stop = () => following.abort();
  signal.addEventListener('abort', stop, { once: true });
  // A failure to learn of the end also ends following: the last read returns what there is.
  void parts.ended(following.signal).then(stop, stop);
  try {
    const bytes = await parts.engine.logs(parts.taskId, { ...streams, follow: true }, following.signal);
    for await (const chunk of readFrames(bytes)) {
      passed[chunk.stream] += chunk.bytes.length;
      yield chunk;
    }
  } catch (error) {
    if (!following.signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
  if (!signal.aborted) yield* skipBytes(written(parts, streams, signal), passed);
}

/** The existing output. Also ends if a node sends nothing more. */
async function* written(
  { engine, clock, taskId }: TaskLogParts,
  streams: Streams,
  signal: AbortSignal,
  {
    tail = 'all',
    parser = new FrameParser(),
  }: { readonly tail?: number | 'all'; readonly parser?: FrameParser } = {},
): AsyncGenerator<LogChunk> {
  const reading = new AbortController();
  const stop = () => reading.abort();
  signal.addEventListener('abort', stop, { once: true });
  let cancel = clock.after(silenceMs, stop);
  try {
    const bytes = await engine.logs(taskId, { ...streams, follow: false, tail }, reading.signal);
    for await (const chunk of readFrames(bytes, parser)) {
      cancel();
      // The time that the reader takes does not count against the node.
      yield chunk;
      cancel = clock.after(silenceMs, stop);
    }
  } catch (error) {
    if (!reading.signal.aborted || signal.aborted) throw error;
  } finally {
    cancel();
    signal.removeEventListener('abort', stop);
    stop();
  }
}
