/**
 * Settings: how a value is read, its default and its help. The node has a table of them, and so has each
 * engine.
 */

import { memoryBytes } from './scheduler/job/size.ts';
import { durationMs } from './scheduler/schedule/period.ts';

/**
 * How a value is read. Flags and variables are text; a file may also contain numbers, booleans, lists and
 * maps.
 */
export interface Kind<T> {
  /** For the help: `--port <number>`. Empty if the setting takes no value. */
  readonly placeholder: string;
  readonly allowed: string;
  /** The flag may be repeated; its values are joined by commas. */
  readonly repeated?: true;
  /** Undefined or a CarillonError for a value that is not allowed. */
  read(raw: unknown): T | undefined;
}

export interface Setting<T> {
  readonly kind: Kind<T>;
  readonly default: T;
  readonly help: string;
  /** Detects the default of this host. Only called if the setting is not given. */
  readonly detect?: () => T;
  /** A variable of others for the same, such as `OTEL_…`. Everything else comes before it. */
  readonly sharedVariable?: string;
}

/** Keys are those of the file; flags and variables are derived from them. */
export type SettingsTable = Readonly<Record<string, Setting<unknown>>>;

/** The values of a table, by the same keys. */
export type ValuesOf<S> = {
  readonly [Name in keyof S]: S[Name] extends { readonly kind: Kind<infer T> } ? T : never;
};

export const text = (placeholder: string, allowed = 'text'): Kind<string | null> => ({
  placeholder,
  allowed,
  read: (raw) => (typeof raw === 'string' && raw.trim() !== '' ? raw.trim() : undefined),
});

export const matching = (pattern: RegExp, placeholder: string, allowed: string): Kind<string | null> => ({
  placeholder,
  allowed,
  read: (raw) => (typeof raw === 'string' && pattern.test(raw.trim()) ? raw.trim() : undefined),
});

export const whole = (least: number, most: number): Kind<number> => ({
  placeholder: 'number',
  allowed: `a whole number from ${least} to ${most}`,
  read: (raw) => {
    const value = typeof raw === 'string' && /^\d{1,15}$/.test(raw.trim()) ? Number(raw) : raw;
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
    return fits ? value : undefined;
  },
});

export const choice = <const C extends string>(...choices: readonly C[]): Kind<C> => ({
  placeholder: choices.join('|'),
  allowed: `one of ${choices.join(', ')}`,
  read: (raw) => choices.find((each) => each === raw),
});

export const yesOrNo: Kind<boolean> = {
  placeholder: '',
  allowed: 'true or false',
  read: (raw) => {
    if (typeof raw === 'boolean') return raw;
    return raw === 'true' || raw === '1' ? true : raw === 'false' || raw === '0' ? false : undefined;
  },
};

export const duration: Kind<number> = {
  placeholder: 'duration',
  allowed: 'an ISO 8601 duration such as PT12H, P30D, or 90s, 1h30m',
  read: (raw) => (typeof raw === 'string' ? durationMs(raw.trim(), 'the duration') : undefined),
};

export const size: Kind<number> = {
  placeholder: 'size',
  allowed: 'bytes, or a number with a unit such as 16MiB or 1GB',
  read: (raw) =>
    ['string', 'number'].includes(typeof raw) ? memoryBytes(String(raw), 'the size') : undefined,
};

/** Several values of one form, separated by commas or, in a file, as a list. */
export const listOf = (
  { placeholder, allowed }: { readonly placeholder: string; readonly allowed: string },
  isGood: (item: string) => boolean,
): Kind<readonly string[]> => ({
  placeholder,
  allowed,
  repeated: true,
  read: (raw) => {
    const given = typeof raw === 'string' ? raw.split(',') : Array.isArray(raw) ? raw : [];
    const items = given.map((each) => (typeof each === 'string' ? each.trim() : ''));
    return items.length > 0 && items.every(isGood) ? Object.freeze(items) : undefined;
  },
});

/** The compiler checks that the default has the type of the kind. */
export const setting = <T>(kind: Kind<T>, byDefault: T, help: string, detect?: () => T): Setting<T> => ({
  kind,
  default: byDefault,
  help,
  ...(detect !== undefined && { detect }),
});

/** `dataDir` → `--data-dir`. */
export const flagOf = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** `dataDir` → `CARILLON_DATA_DIR`. */
export const variableOf = (name: string) =>
  `CARILLON_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
