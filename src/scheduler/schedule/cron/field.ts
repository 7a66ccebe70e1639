/**
 * One field of a cron expression: its names and bounds, and its text as a list of items. Every error names
 * the field, quotes its text and says what is allowed.
 */

import { CarillonError } from '../../../errors.ts';

export interface FieldSpec {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The largest value for H: excludes days that some months lack, and the second number of Sunday. */
  readonly hashMax: number;
  readonly names: readonly string[];
  readonly allowed: string;
}

const lists = 'lists a,b, ranges a-b, steps */n, H';
const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

export const SECOND: FieldSpec = spec('second', 0, 59, `0-59, ${lists}`);
export const MINUTE: FieldSpec = spec('minute', 0, 59, `0-59, ${lists}`);
export const HOUR: FieldSpec = spec('hour', 0, 23, `0-23, ${lists}`);
export const DAY: FieldSpec = {
  ...spec('day-of-month', 1, 31, `1-31, ${lists}, ?, L, L-n, LW, nW`),
  hashMax: 28,
};
export const MONTH: FieldSpec = { ...spec('month', 1, 12, `1-12 or JAN-DEC, ${lists}`), names: months };
export const WEEKDAY: FieldSpec = {
  ...spec('day-of-week', 0, 7, `0-7 or SUN-SAT (0 and 7 are Sunday), ${lists}, ?, nL, n#1 to n#5`),
  hashMax: 6,
  names: weekdays,
};

/** In the order of the six-field form. */
export const fieldSpecs: readonly FieldSpec[] = [SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY];

function spec(name: string, min: number, max: number, allowed: string): FieldSpec {
  return { name, min, max, hashMax: max, names: [], allowed };
}

/**
 * A day that plain bits cannot represent. `n` is a day, an offset from the end of the month, or a weekday.
 */
export type SpecialDay =
  | { readonly kind: 'last' | 'nearest-weekday' | 'last-weekday-of'; readonly n: number }
  | { readonly kind: 'last-workday' }
  | { readonly kind: 'nth'; readonly n: number; readonly nth: number };

export interface Field {
  /** The listed values, each within the field's bounds, Sunday as 0. */
  readonly values: readonly number[];
  readonly special: readonly SpecialDay[];
  /** Starts with `*` or is `?`. */
  readonly star: boolean;
  /** Is exactly `*` or `?`. */
  readonly all: boolean;
  /** Canonical: numbers instead of names, `*` instead of `?`, no duplicates. */
  readonly text: string;
  readonly warnings: readonly string[];
}

interface Item {
  readonly values: readonly number[];
  readonly special?: SpecialDay;
  readonly text: string;
  readonly warning?: string;
}

/** `text` is in upper case. Throws INVALID_SCHEDULE. */
export function parseField(spec: FieldSpec, text: string): Field {
  const items: Item[] = [];
  for (const part of text.split(',')) {
    const item = parseItem(spec, part, text);
    if (!items.some((earlier) => earlier.text === item.text)) items.push(item);
  }
  const canonical = items.map((item) => item.text).join(',');
  return {
    values: items.flatMap((item) => item.values),
    special: items.flatMap((item) => item.special ?? []),
    star: canonical.startsWith('*'),
    all: canonical === '*',
    text: canonical,
    warnings: items.flatMap((item) => item.warning ?? []),
  };
}

function parseItem(spec: FieldSpec, part: string, text: string): Item {
  if (part === '') throw fieldError(spec, text, 'has an empty item in its list');
  if (part === '?') {
    if (spec !== DAY && spec !== WEEKDAY) throw fieldError(spec, text, 'cannot be "?"');
    if (text !== '?') throw fieldError(spec, text, 'has "?" in a list');
    return { values: range(spec, spec.min, spec.max, 1), text: '*' };
  }
  const special =
    spec === DAY ? specialDay(part, text) : spec === WEEKDAY ? specialWeekday(part, text) : null;
  if (special !== null) return special;
  const match = /^(\*|[A-Z0-9]+)(?:-([A-Z0-9]+))?(?:\/(.*))?$/.exec(part);
  const random = /^(\d*)~(\d*)$/.exec(part);
  if (random !== null) {
    const instead =
      random[1] === '' && random[2] === '' ? 'H' : `H(${random[1] || spec.min}-${random[2] || spec.max})`;
    throw fieldError(
      spec,
      text,
      `has "${part}", a random value: write ${instead} for a value derived from the job`,
    );
  }
  if (match === null || (match[1] === '*' && match[2] !== undefined)) {
    throw fieldError(spec, text, `has "${shorten(part)}", which is invalid`);
  }
  return rangeItem(spec, text, { from: match[1]!, to: match[2], step: match[3] });
}

interface RangeText {
  readonly from: string;
  readonly to: string | undefined;
  readonly step: string | undefined;
}

function rangeItem(spec: FieldSpec, text: string, written: RangeText): Item {
  const step = written.step === undefined ? 1 : stepOf(spec, text, written.step);
  const suffix = step === 1 ? '' : `/${step}`;
  const rest =
    step < spec.max - spec.min + 1
      ? {}
      : { warning: `${spec.name} step /${step} is longer than the field: it matches one value only` };
  if (written.from === '*') {
    return { values: range(spec, spec.min, spec.max, step), text: `*${suffix}`, ...rest };
  }
  const from = valueIn(spec, text, written.from) % (spec === WEEKDAY ? 7 : Infinity);
  const max = spec === WEEKDAY ? 6 : spec.max;
  const to =
    written.to !== undefined ? valueIn(spec, text, written.to) : written.step !== undefined ? max : from;
  const single = to === from || written.from === written.to;
  if (single) return { values: [from], text: `${from}`, ...rest };
  return { values: range(spec, from, to, step), text: `${from}-${to}${suffix}`, ...rest };
}

/** Number of values of a field; Sunday counts once. */
function sizeOf(spec: FieldSpec): number {
  return spec === WEEKDAY ? 7 : spec.max - spec.min + 1;
}

/** The values from `from` to `to`, wrapping around if `to` is smaller. */
function range(spec: FieldSpec, from: number, to: number, step: number): number[] {
  const size = sizeOf(spec);
  // A range of weekdays may end in 7, the Sunday at the end of the week; 0-7 is the whole week.
  const length = to >= from ? to - from : to + size - from;
  const values: number[] = [];
  for (let offset = 0; offset <= length && offset < size; offset += step) {
    values.push(spec.min + ((from - spec.min + offset) % size));
  }
  return values;
}

function specialDay(part: string, text: string): Item | null {
  if (part === 'L') return { values: [], special: { kind: 'last', n: 0 }, text: part };
  if (part === 'LW') return { values: [], special: { kind: 'last-workday' }, text: part };
  const fromEnd = /^L-(\d+)$/.exec(part);
  if (fromEnd !== null) {
    const n = Number(fromEnd[1]);
    if (n < 1 || n > 30) throw fieldError(DAY, text, `has "${shorten(part)}": n of L-n is 1-30`);
    return { values: [], special: { kind: 'last', n }, text: `L-${n}` };
  }
  const nearest = /^(\d+)W$/.exec(part);
  if (nearest === null) return null;
  const n = valueIn(DAY, text, nearest[1]!);
  return { values: [], special: { kind: 'nearest-weekday', n }, text: `${n}W` };
}

function specialWeekday(part: string, text: string): Item | null {
  const last = /^(\d|[A-Z]{3})L$/.exec(part);
  if (last !== null) {
    const n = valueIn(WEEKDAY, text, last[1]!) % 7;
    return { values: [], special: { kind: 'last-weekday-of', n }, text: `${n}L` };
  }
  const nth = /^(\d|[A-Z]{3})#(.*)$/.exec(part);
  if (nth === null) return null;
  if (!/^[1-5]$/.test(nth[2]!)) throw fieldError(WEEKDAY, text, `has "${shorten(part)}": k of n#k is 1-5`);
  const n = valueIn(WEEKDAY, text, nth[1]!) % 7;
  return { values: [], special: { kind: 'nth', n, nth: Number(nth[2]) }, text: `${n}#${nth[2]}` };
}

function valueIn(spec: FieldSpec, text: string, word: string): number {
  const named = spec.names.indexOf(word);
  if (named >= 0) return named + spec.min;
  if (!/^\d+$/.test(word)) {
    const problem = 'is not a number or a known name';
    throw fieldError(spec, text, word === text ? problem : `has "${shorten(word)}", which ${problem}`);
  }
  const value = Number(word);
  if (value < spec.min || value > spec.max) {
    const problem = `is outside ${spec.min}-${spec.max}`;
    throw fieldError(spec, text, word === text ? problem : `has ${shorten(word)}, which ${problem}`);
  }
  return value;
}

function stepOf(spec: FieldSpec, text: string, word: string): number {
  if (!/^\d{1,9}$/.test(word) || Number(word) === 0) {
    throw fieldError(spec, text, `has the step "/${shorten(word)}": a step is a whole number from 1`);
  }
  return Number(word);
}

/** The common form of field errors: name, text, problem, and what is allowed. */
export function fieldError(spec: FieldSpec, text: string, problem: string): CarillonError {
  return new CarillonError(
    'INVALID_SCHEDULE',
    `The ${spec.name} field "${shorten(text)}" ${problem}. Allowed: ${spec.allowed}.`,
    { field: 'schedule.cron', value: shorten(text), allowed: spec.allowed },
  );
}

function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}
