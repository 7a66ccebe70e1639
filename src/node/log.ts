/** The structured log behind the Log port: one event with fields per line, readable on a terminal. */

import { type Level, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Log } from '../scheduler/ports.ts';

export interface LogSettings {
  readonly level: Level | 'silent';
  readonly format: 'auto' | 'pretty' | 'json';
}

/** Bytes of lines that could not be written yet; further lines are dropped. */
const MAX_UNWRITTEN = 1_048_576;

export function createLog({ level, format }: LogSettings): Log {
  const readable = format === 'pretty' || (format === 'auto' && process.stderr.isTTY === true);
  // Standard error: standard output belongs to what a command prints.
  const lines = pino.destination({ fd: 2, sync: true, maxLength: MAX_UNWRITTEN });
  // A log that cannot be written, as on a full disk, is no reason to stop running jobs. Later lines are tried again.
  lines.on('error', () => {});
  const stream = readable
    ? pretty({ destination: lines, sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' })
    : lines;
  return pino({ level, base: null, serializers: { error: errorOf } }, stream);
}

/** What helps to find the cause; never the objects that an error drags along, which may hold secrets. */
function errorOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack } = error;
  return { name, message, stack, code: (error as { code?: unknown }).code, cause: errorOf(error.cause) };
}
