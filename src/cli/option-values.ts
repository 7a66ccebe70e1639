/** Option values, checked while they are parsed, so that a mistake is a usage error and nothing is sent. */

import { InvalidArgumentError } from 'commander';

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
