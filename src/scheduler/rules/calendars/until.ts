/** What commands that hold for a time say: until when, why, and for which labels. */

import { CarillonError } from '../../../errors.ts';
import type { Labels } from '../../job/node-choice.ts';
import { shorten } from '../../job/schema/explain.ts';
import { faultIn, utf8Length } from '../../job/texts.ts';

const MAX_REASON = 500;
/** What is forgotten ends by itself. */
const MOST_AHEAD_MS = 366 * 86_400_000;
const MAX_LABELS = 20;
const MAX_LABEL_BYTES = 256;

export function checkUntil(until: number, now: number, field = 'until'): void {
  if (until > now && until <= now + MOST_AHEAD_MS) return;
  const value = new Date(until).toISOString();
  throw invalid(field, value, 'a time in the next 366 days');
}

export function checkReason(reason: string, { required }: { readonly required: boolean }): void {
  const isMissing = required && reason.trim() === '';
  if (!isMissing && reason.length <= MAX_REASON && faultIn(reason) === null) return;
  throw invalid('reason', reason, `text of ${required ? '1 to' : 'at most'} ${MAX_REASON} characters`);
}

export function checkLabels(labels: Labels): void {
  const pairs = Object.entries(labels);
  const isShort = (text: string): boolean =>
    text.length > 0 && utf8Length(text) <= MAX_LABEL_BYTES && !/[\p{Cc}\p{Surrogate}]/u.test(text);
  const wrong = pairs.find(([name, value]) => !isShort(name) || !isShort(value));
  if (pairs.length <= MAX_LABELS && wrong === undefined) return;
  throw invalid(
    'labels',
    wrong === undefined ? pairs.length : wrong.join('='),
    `at most ${MAX_LABELS} labels, their names and values of 1 to ${MAX_LABEL_BYTES} bytes`,
  );
}

export function invalid(field: string, value: unknown, allowed: string): CarillonError {
  const shown = shorten(value);
  return new CarillonError('INVALID_FIELD', `${field} is ${JSON.stringify(shown)}. Allowed: ${allowed}.`, {
    field,
    value: shown,
    allowed,
  });
}
