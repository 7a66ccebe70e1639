/** Texts of a message as receivers show them: printable, bounded, and on one line each. */

import { createHash } from 'node:crypto';
import type { Message } from '../scheduler/model/alert.ts';

const limits = { title: 200, facts: 30, name: 60, fact: 1_000, lines: 50, line: 500 } as const;

/** Colours and other commands for a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for.
const terminal = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g;
/** Ends of lines, other control characters, those that reorder the text, and halves of a character. */
const unprintable = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/gu;

/** The message with texts that can be shown anywhere. Keys, labels and the name of the job are unchanged. */
export function shown(message: Message): Message {
  const facts = message.facts.slice(0, limits.facts).map(({ name, text }) => ({
    name: oneLine(name, limits.name),
    text: oneLine(text, limits.fact),
  }));
  const output = message.output
    .flatMap((line) => line.split(/\r?\n/))
    .slice(-limits.lines)
    .map((line) => printable(line, limits.line));
  const title = oneLine(message.title, limits.title);
  return { ...message, title, facts, output: output.every((line) => line === '') ? [] : output };
}

export const oneLine = (text: string, most: number): string =>
  printable(text, most).replaceAll(/ {2,}/g, ' ').trim();

/** Keeps the indentation. Characters beyond a multiple of the limit are not looked at. */
function printable(text: string, most: number): string {
  const clean = text
    .slice(0, 8 * most)
    .replaceAll(terminal, '')
    .replaceAll('\t', '  ')
    .replaceAll(unprintable, ' ')
    .trimEnd();
  return fitting(clean, most);
}

/**
 * As much of the beginning as fits when it is escaped, with … in place of the rest. The result is escaped. `encode` treats
 * each character by itself.
 */
export function fitting(
  text: string,
  most: number,
  encode: (text: string) => string = (same) => same,
): string {
  const whole = encode(text);
  if (whole.length <= most) return whole;
  let kept = '';
  for (const character of text) {
    const next = encode(character);
    if (kept.length + next.length > most - 1) break;
    kept += next;
  }
  return `${kept}…`;
}

/** As many of the last lines as fit, joined. `encode` is applied to each. */
export function lastLines(
  lines: readonly string[],
  most: number,
  encode: (text: string) => string = (same) => same,
): string {
  const kept: string[] = [];
  let length = 0;
  for (const line of lines.toReversed()) {
    const text = fitting(line, most, encode);
    length += text.length + 1;
    if (length > most + 1) break;
    kept.unshift(text);
  }
  return kept.join('\n');
}

/** `[critical] etl-load failed`. */
export function headline({ step, severity, title }: Message): string {
  const words = {
    ...{ opened: severity, repeated: `${severity}, repeated` },
    ...{ resolved: 'resolved', notice: severity, test: 'test' },
  };
  return `[${words[step]}] ${title}`;
}

/** The address of the job's page, if it is one that can be followed, without characters such as quotes. */
export function linkOf({ link }: Message): string | null {
  if (link === null || link.length > 2_000 || !/^https?:\/\//.test(link) || !URL.canParse(link)) return null;
  return new URL(link).href;
}

/** The message as plain text. */
export function plainText(message: Message): string {
  const { facts, output } = message;
  const link = linkOf(message);
  const parts = [
    headline(message),
    facts.map(({ name, text }) => `${name}: ${text}`).join('\n'),
    output.length === 0 ? '' : ['Last lines of output:', ...output.map((line) => `  ${line}`)].join('\n'),
    link ?? '',
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The key itself where a header or a field can have it, otherwise a hash of it. Equal for equal keys. */
export const plainKey = (key: string): string => (/^[!-~]{1,255}$/.test(key) ? key : digest(key));

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (sign) => entities[sign] as string);
