/**
 * The filters of templates: those of LiquidJS that take and give one short text or number, and `date`. Filters with patterns,
 * lists, random choices or the clock are left out.
 */

import type { Liquid } from 'liquidjs/dist/liquid.browser.mjs';

const names = [
  ...['append', 'prepend', 'upcase', 'downcase', 'capitalize', 'strip', 'lstrip', 'rstrip'],
  ...['replace', 'replace_first', 'remove', 'remove_first', 'slice', 'truncate', 'url_encode'],
  ...[
    'plus',
    'minus',
    'times',
    'divided_by',
    'modulo',
    'round',
    'floor',
    'ceil',
    'abs',
    'at_least',
    'at_most',
  ],
  ...['date', 'default', 'size', 'json'],
];

/** Characters that a filter takes or gives. */
const MAX_TEXT = 16_384;
const MAX_DATE_FORMAT = 128;

type Filter = (this: Context, value: unknown, ...args: unknown[]) => unknown;

interface Context {
  readonly context: { readonly globals: object };
}

/** Leaves the engine with these filters only. */
export function registerFilters(engine: Liquid): void {
  const own = engine.filters as Record<string, Filter>;
  const kept = new Map(names.map((name) => [name, own[name] as Filter]));
  for (const name of Object.keys(own)) delete own[name];
  Object.setPrototypeOf(own, null);
  for (const [name, filter] of kept) own[name] = name === 'date' ? dated(filter) : bounded(name, filter);
}

export const filterNames: readonly string[] = [...names].sort();

function bounded(name: string, filter: Filter): Filter {
  return function (value, ...args) {
    for (const given of [value, ...args]) refuseOther(given);
    if (name === 'replace') refuseGrowth(String(value), String(args[0] ?? ''), String(args[1] ?? ''));
    const result = filter.call(this, value, ...args);
    refuseOther(result);
    return result;
  };
}

function refuseOther(value: unknown): void {
  if (typeof value === 'string' && value.length > MAX_TEXT)
    throw new Error(`a value has more than ${MAX_TEXT} characters`);
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error('the result is not a number');
  if (typeof value === 'object' && value !== null && (Array.isArray(value) || Symbol.iterator in value))
    throw new Error('a list is no value here');
}

function refuseGrowth(text: string, search: string, replacement: string): void {
  const times = search === '' ? text.length + 1 : text.split(search).length - 1;
  if (text.length + times * Math.max(0, replacement.length - search.length) > MAX_TEXT)
    throw new Error(`a value has more than ${MAX_TEXT} characters`);
}

const instantForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;
const dayForm = /^\d{4}-\d{2}-\d{2}$/;
const secondsForm = /^-?\d{1,11}$/;

/** Short for others. */
const shorts: Readonly<Record<string, string>> = { '%F': '%Y-%m-%d', '%T': '%H:%M:%S', '%R': '%H:%M' };
/** Those that depend on the machine are left out. */
const conversion = /^%[-_0^#:]{0,2}\d?[aAbBCdeHIjklLmMpPsSuUwWyYz%]$/;

/** Throws for a conversion that is not known, which would stay as it is, and for one that is padded to any length. */
function writtenOut(format: string): string {
  if (format.length > MAX_DATE_FORMAT)
    throw new Error(`a format of date has at most ${MAX_DATE_FORMAT} characters`);
  return format.replaceAll(/%[^a-zA-Z%]*[a-zA-Z%]?/g, (found) => {
    const long = shorts[found] ?? found;
    if (long !== found || conversion.test(found)) return long;
    throw new Error(
      `date does not know ${JSON.stringify(found.slice(0, 20))}; use %Y %m %d %H %M %S %F %T %s and the like`,
    );
  });
}

/**
 * A timestamp is shown in the zone of the schedule. A date has no time, so no zone moves it. Seconds since 1970 are a timestamp:
 * `{{ due | date: "%s" | minus: 86400 | date: "%F" }}`.
 */
function dated(filter: Filter): Filter {
  return function (value, format, ...others) {
    if (others.length > 0 || typeof format !== 'string')
      throw new Error('date needs one format, such as "%Y-%m-%d"');
    const whole = writtenOut(format);
    const text = String(value);
    const isDay = dayForm.test(text);
    const instantMs = secondsForm.test(text)
      ? Number(text) * 1_000
      : isDay || instantForm.test(text)
        ? Date.parse(text)
        : Number.NaN;
    if (Number.isNaN(instantMs) || Math.abs(instantMs) > 8.64e14)
      throw new Error(`${JSON.stringify(text.slice(0, 80))} is no timestamp and no date`);
    const { offsetMsAt } = this.context.globals as { offsetMsAt: (instantMs: number) => number };
    const aheadMs = isDay ? 0 : offsetMsAt(instantMs);
    return filter.call(this, new Date(instantMs), whole, -aheadMs / 60_000);
  };
}
