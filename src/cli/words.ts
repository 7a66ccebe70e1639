/** Formats values for people: times in the viewer's zone with a hint, durations, coloured states. */

import Table from 'cli-table3';
import { DateTime } from 'luxon';
import type { WireAttempt, WireLedgerLine } from '../api/wire/schema.ts';
import type { Io } from './shell.ts';
import { styled, visible } from './visible.ts';

export const nothing = '–';

/** `1 job`, `3 jobs`. */
export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

/** `2026-11-21 03:00:00 (in 2 hr.)`. */
export function when(instant: string | null, io: Pick<Io, 'now' | 'timezone'>): string {
  if (instant === null) return nothing;
  return hinted(instant, 'yyyy-MM-dd HH:mm:ss', io);
}

/** The same with its offset, where no head of a column says the zone. */
export function whenExactly(instant: string | null, io: Pick<Io, 'now' | 'timezone'>): string {
  return instant === null ? nothing : hinted(instant, 'yyyy-MM-dd HH:mm:ss ZZ', io);
}

function hinted(instant: string, format: string, { now, timezone }: Pick<Io, 'now' | 'timezone'>): string {
  const time = DateTime.fromISO(instant, { zone: timezone });
  const base = DateTime.fromMillis(now(), { zone: timezone });
  return `${time.toFormat(format)} (${time.toRelative({ base, style: 'short', locale: 'en' })})`;
}

/** The head of a column of times: `DUE (Europe/Berlin)`. */
export const zoned = (head: string, { timezone }: Pick<Io, 'timezone'>): string => `${head} (${timezone})`;

/** A reason in a list fits into a line; the run itself has all of it. */
const SHORT = 72;

/** The beginning of a text such as a reason, for lists. Empty: there is none. */
export function short(text: string | null): string {
  if (text === null) return '';
  const signs = [...text.replaceAll(/\s+/g, ' ')];
  return signs.length <= SHORT
    ? signs.join('')
    : `${signs
        .slice(0, SHORT - 1)
        .join('')
        .trimEnd()}…`;
}

/** The time without a hint, with its offset. */
export function moment(instant: string, timezone: string): string {
  return DateTime.fromISO(instant, { zone: timezone }).toFormat('ccc yyyy-MM-dd HH:mm:ss ZZ', {
    locale: 'en',
  });
}

/** Memory in MiB. */
export const mebibytes = (bytes: number | null): string =>
  bytes === null ? nothing : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

export const droppedText = ({ bytesDropped }: WireAttempt): string =>
  bytesDropped === null
    ? 'the engine dropped the oldest part'
    : `${bytesDropped.toLocaleString('en-US')} bytes were dropped`;

/** At most two units: `320ms`, `5.2s`, `3m 20s`, `2h 5m`, `3d 4h`. */
export function lasting(ms: number | null): string {
  if (ms === null) return nothing;
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)}s`;
  const seconds = Math.floor(ms / 1_000);
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3_600) % 24, (seconds / 60) % 60].map(
    Math.floor,
  );
  if (days) return `${days}d ${hours}h`;
  return hours ? `${hours}h ${minutes}m` : `${minutes}m ${seconds % 60}s`;
}

const colors = {
  succeeded: 'green',
  created: 'green',
  active: 'green',
  failed: 'red',
  killed: 'red',
  'timed-out': 'red',
  lost: 'red',
  refused: 'red',
  reachable: 'green',
  unreachable: 'red',
  deleted: 'red',
  disabled: 'red',
  missed: 'yellow',
  skipped: 'yellow',
  paused: 'yellow',
  changed: 'yellow',
  running: 'cyan',
  launching: 'cyan',
} as const;

/** A state or outcome, coloured if colours are on. */
export function tinted(word: string, io: Pick<Io, 'color'>): string {
  const color = Object.hasOwn(colors, word) ? colors[word as keyof typeof colors] : undefined;
  return io.color && color ? styled(color, word) : word;
}

/** Describes how the due times of a ledger entry ended. */
export function ledgerEnd({ end, state }: WireLedgerLine, io: Pick<Io, 'color'>): string {
  if (end === 'ran') return state === null ? 'ran, end not recorded' : tinted(state, io);
  if (end !== 'caught-up' && end !== 'backfilled') return tinted(end, io);
  if (end === 'backfilled') return state === null ? end : `backfilled: ${tinted(state, io)}`;
  return state === null ? 'caught up' : `caught up: ${tinted(state, io)}`;
}

export const bold = (text: string, io: Pick<Io, 'color'>) => (io.color ? styled('bold', text) : text);
export const dim = (text: string, io: Pick<Io, 'color'>) => (io.color ? styled('dim', text) : text);

const borderless: Record<string, string> = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((edge) => [edge, ''])
    .concat([['middle', '  ']]),
);

/** Columns without borders, so that names and numbers can be cut out of lines. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], io: Io): string {
  const grid = new Table({
    head: head.map((title) => bold(title, io)),
    chars: borderless,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  grid.push(...rows.map((row) => row.map(printable)));
  return trimmed(grid.toString());
}

/** Labelled values, one per line. Null and empty values are omitted. */
export function card(rows: readonly (readonly [string, string | null])[], io: Io): string {
  const shown = rows.filter((row): row is readonly [string, string] => row[1] !== null && row[1] !== '');
  const width = Math.max(...shown.map(([label]) => label.length));
  return shown.map(([label, text]) => `${bold(label.padEnd(width), io)}  ${text}`).join('\n');
}

const trimmed = (text: string) => text.replace(/[ \t]+$/gm, '');

/** Keeps a cell on one line, with the width at which it is displayed. */
const printable = (text: string): string => visible(text.replace(/[\n\t]/g, ' '));
