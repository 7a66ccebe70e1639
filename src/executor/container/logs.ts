/** Logs of launches, kept by the engine as long as the launch, and by this node after that. */

import { CarillonError } from '../../errors.ts';
import type { Log, LogChunk, LogQuery } from '../../scheduler/ports.ts';
import { isLaunchName, logsGone, type RunLogs } from '../logs/run-logs.ts';

/** A log query of the engine; the tail is of both streams together. The engine is always asked for times. */
export interface EngineLogQuery {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  readonly tail: number | 'all';
}

/** `find` returns what the engine has of the launch, or null; `read` reads its logs there. */
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
  // The engine first: a copy on this node may be incomplete.
  const found = await find(launchName).catch(async (error: unknown) => {
    if (await logs.has(launchName)) return null;
    throw error;
  });
  if (found === null) yield* logs.read(launchName, query, () => true);
  else if (query.timestamps) yield* read(found);
  else for await (const { printed, ...chunk } of read(found)) yield chunk;
}

/**
 * Copies the logs of a launch before the engine removes it. If the engine does not respond, this throws. Unreadable logs
 * are lost, because otherwise the launch would stay forever.
 */
export async function copyLogs(
  launchName: string,
  chunks: AsyncIterable<LogChunk>,
  to: { readonly logs: RunLogs; readonly log: Log },
): Promise<void> {
  const { logs, log } = to;
  try {
    await logs.copy(launchName, chunks);
  } catch (error) {
    if (error instanceof CarillonError) throw error;
    log.warn({ launch: launchName, cause: (error as Error).message }, 'launch.logs-lost');
  }
}
