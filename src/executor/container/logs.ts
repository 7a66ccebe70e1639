/** Logs of launches that an engine keeps as long as it keeps the launch, and this node after that. */

import { CarillonError } from '../../errors.ts';
import type { Log, LogChunk, LogQuery } from '../../scheduler/ports.ts';
import { isLaunchName, logsGone, type RunLogs } from '../logs/run-logs.ts';

/** Logs as an engine is asked for them; the tail is of both streams together. */
export interface EngineLogQuery {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  readonly tail: number | 'all';
}

/** `find` says what the engine has of the launch, null for nothing; `read` reads its logs there. */
export async function* engineLogs<T>(
  launchName: string,
  query: LogQuery,
  from: {
    readonly logs: RunLogs;
    readonly find: (launchName: string) => Promise<T | null>;
    readonly read: (found: T) => AsyncIterable<LogChunk>;
  },
): AsyncGenerator<LogChunk, void, undefined> {
  const { logs, find, read } = from;
  if (!isLaunchName(launchName)) throw logsGone(launchName);
  // The engine first: what is kept here beside it may be half of a copy.
  const found = await find(launchName).catch(async (error: unknown) => {
    if (await logs.has(launchName)) return null;
    throw error;
  });
  if (found === null) yield* logs.read(launchName, query, () => true);
  else yield* read(found);
}

/**
 * Copies the logs of a launch before the engine removes it: anew from the beginning each time, so that a copy that
 * was cut short is not kept as the whole. An engine that does not answer is thrown; what can not be read is lost, or
 * the launch would stay for ever.
 */
export async function copyLogs(
  launchName: string,
  chunks: AsyncIterable<LogChunk>,
  to: { readonly logs: RunLogs; readonly log: Log },
): Promise<void> {
  const { logs, log } = to;
  await logs.discard(launchName);
  try {
    for await (const { stream, bytes } of chunks) await logs.append(launchName, stream, bytes);
  } catch (error) {
    if (error instanceof CarillonError) throw error;
    log.warn({ launch: launchName, cause: (error as Error).message }, 'launch.logs-lost');
    await logs.discard(launchName);
  }
}
