/**
 * The structured log behind the Log port: one event with fields per line, formatted for reading on a
 * terminal.
 */

import { type Level, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Log } from '../scheduler/ports.ts';

export interface LogSettings {
  readonly level: Level | 'silent';
  readonly format: 'auto' | 'pretty' | 'json';
}

/** Bytes of lines that are not written yet. Further lines are dropped. */
const MAX_UNWRITTEN = 1_048_576;

export function createLog({ level, format }: LogSettings): Log {
  const readable = format === 'pretty' || (format === 'auto' && process.stderr.isTTY === true);
  // Standard error, because standard output belongs to the output of commands.
  const lines = pino.destination({ fd: 2, sync: true, maxLength: MAX_UNWRITTEN });
  // An unwritable log, as on a full disk, is no reason to stop running jobs. Later lines are attempted again.
  lines.on('error', () => {});
  const stream = readable
    ? pretty({ destination: lines, sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' })
    : lines;
  return pino({ level, base: null, serializers: { error: errorOf } }, stream);
}

/** Fields that help to find the cause. Attached objects are left out, because they may contain secrets. */
function errorOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack } = error;
  return { name, message, stack, code: (error as { code?: unknown }).code, cause: errorOf(error.cause) };
}
