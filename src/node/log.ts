/**
 * The structured log behind the Log port: one event with fields per line, formatted for reading on a
 * terminal.
 */

import { type DestinationStream, type Level, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Log } from '../scheduler/ports.ts';
import { realClock } from './clock.ts';
import { Lines } from './lines.ts';

export interface LogSettings {
  readonly level: Level | 'silent';
  readonly format: 'auto' | 'pretty' | 'json';
}

/** Standard error, because standard output belongs to the output of commands. */
const FD = 2;
/** Bytes of lines for a terminal that are not written yet. Further lines are dropped. */
const MAX_UNWRITTEN = 1_048_576;

export function createLog({ level, format }: LogSettings): Log {
  // Also makes a pipe non-blocking.
  const { isTTY } = process.stderr;
  const readable = format === 'pretty' || (format === 'auto' && isTTY === true);
  const stream: DestinationStream = readable
    ? terminal()
    : new Lines(FD, realClock, (lines) => log.warn({ lines }, 'log.dropped'));
  const log = pino({ level, base: null, serializers: { error: errorOf } }, stream);
  return log;
}

function terminal(): DestinationStream {
  const lines = pino.destination({ fd: FD, sync: true, maxLength: MAX_UNWRITTEN });
  // An unwritable log, as on a full disk, is no reason to stop running jobs. Later lines are attempted again.
  lines.on('error', () => {});
  return pretty({ destination: lines, sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' });
}

/** Fields that help to find the cause. Attached objects are left out, because they may contain secrets. */
function errorOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack } = error;
  return { name, message, stack, code: (error as { code?: unknown }).code, cause: errorOf(error.cause) };
}
