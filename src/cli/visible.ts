/**
 * The only way to a terminal for texts from elsewhere: descriptions, reasons, names, messages. Characters
 * that would move the cursor, change the title, or hide or reorder text are shown as `\u001b`. JSON and YAML
 * stay exact, because there the escape means the same character.
 */

import { randomInt } from 'node:crypto';
import type { Io } from './shell.ts';

/**
 * Distinguishes our own styles from those in a text, because nobody else can guess the number. Four digits
 * keep table columns narrow.
 */
const ours = Array.from({ length: 4 }, () => randomInt(1_000, 10_000)).join(';');

/** Control characters except newline and tab, line separators, direction marks, and lone surrogates. */
const control =
  '[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\p{Surrogate}]';
const unseen = new RegExp(`(\\x1b\\[\\d+;${ours}m)|${control}`, 'gu');
const ownStyle = new RegExp(`\\x1b\\[(\\d+);${ours}m`, 'g');

const styles = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;
export type Style = keyof typeof styles;

/** Styles a text such that `guarded` lets it through. */
export function styled(style: Style, text: string): string {
  const [on, off] = styles[style];
  return `\x1b[${on};${ours}m${text}\x1b[${off};${ours}m`;
}

/** Escapes control characters in a text; our own styles stay. */
export function visible(text: string): string {
  return text.replace(unseen, (found: string, own: string | undefined) => own ?? escaped(found));
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** What a terminal may receive of a job's output: colours, and movements within the line. */
const kept = '\\x1b\\[[\\d;:]*m|[\\r\\x08]';
const unwanted = new RegExp(`(${kept})|${control}`, 'gu');
/** A colour sequence cut off at the end of a piece. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one.
const cutOff = /\x1b(?:\[[\d;:]{0,32})?$/;

/** Everything that commands print goes through here. */
export function guarded(io: Io): Io {
  let pending = '';
  const shown = (text: string): string => visible(text).replace(ownStyle, '\x1b[$1m');
  return {
    ...io,
    out: (text) => io.out(shown(text)),
    err: (text) => io.err(shown(text)),
    raw: (text) => {
      if (!io.terminal) {
        io.raw(text);
        return;
      }
      const all = pending + text;
      pending = cutOff.exec(all)?.[0] ?? '';
      const whole = all.slice(0, all.length - pending.length);
      io.raw(whole.replace(unwanted, (found: string, own: string | undefined) => own ?? escaped(found)));
    },
  };
}
