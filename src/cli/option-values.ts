/** Option values, checked while they are parsed, so that a mistake is a usage error and nothing is sent. */

import { InvalidArgumentError } from 'commander';
import { CarillonError } from '../errors.ts';
import { DAY_MS } from '../scheduler/schedule/civil.ts';
import { parseDateTime } from '../scheduler/schedule/iso.ts';
import { instantOfDateTime } from '../scheduler/schedule/parse.ts';
import { durationMs } from '../scheduler/schedule/period.ts';

/** Collects an option that may be repeated. */
export const each = (value: string, before: string[] = []): string[] => [...before, value];

/** Accepts a whole number of at least `least`. */
export const wholeFrom =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d{1,15}$/.test(text) && value >= least) return value;
    throw new InvalidArgumentError(`Allowed: a whole number, ${least} or more.`);
  };

/** Accepts a number above zero. */
export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Allowed: a number above zero.');
}

/** Accepts a duration as in job files, or a number of seconds. Returns milliseconds. */
export function timeoutMs(text: string): number {
  const seconds = Number(text);
  const ms = Number.isNaN(seconds) ? writtenMs(text) : seconds * 1_000;
  if (Number.isFinite(ms) && ms > 0) return ms;
  throw new InvalidArgumentError('Allowed: a duration above zero, such as 90s, 1h30m or PT90S, or seconds.');
}

function writtenMs(text: string): number {
  try {
    return durationMs(text, 'the value');
  } catch (error) {
    if (error instanceof CarillonError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** Accepts a duration as in job files. Returns milliseconds. */
export const periodUpTo =
  (days: number) =>
  (text: string): number => {
    const ms = writtenMs(text);
    if (ms > 0 && ms <= days * DAY_MS) return ms;
    throw new InvalidArgumentError(
      `Allowed: a duration above zero and of at most ${days} days, such as 2h or P1D.`,
    );
  };

/** Accepts a time; without an offset it is a local time here. */
export const instantIn = (text: string, field: string, { timezone }: { readonly timezone: string }): string =>
  new Date(instantOfDateTime(parseDateTime(text, field), timezone)).toISOString();

/** Accepts `NAME=value`, repeated. */
export function paramsOf(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((param) => {
      const at = param.indexOf('=');
      if (at > 0) return [param.slice(0, at), param.slice(at + 1)];
      throw new CarillonError('INVALID_FIELD', `--param ${param} has no value.`, {
        field: 'param',
        value: param,
        allowed: 'NAME=value',
        source: '--param',
      });
    }),
  );
}
