/**
 * Accepted time zone names and their meaning. Intl alone is not used, because it accepts ambiguous
 * abbreviations (for Intl, BST is Dhaka). Those are looked up in the table below and get a warning. An
 * unknown name is refused and never interpreted as GMT.
 */

import { CarillonError } from '../../errors.ts';

/** Common abbreviations in job files, and the zone that each means here. */
const aliases: Readonly<Record<string, string>> = {
  PST: 'America/Los_Angeles',
  PDT: 'America/Los_Angeles',
  MDT: 'America/Denver',
  CST: 'America/Chicago',
  CDT: 'America/Chicago',
  EDT: 'America/New_York',
  AKST: 'America/Anchorage',
  AKDT: 'America/Anchorage',
  BST: 'Europe/London',
  CEST: 'Europe/Berlin',
  EEST: 'Europe/Athens',
  WEST: 'Europe/Lisbon',
  MSK: 'Europe/Moscow',
  IST: 'Asia/Kolkata',
  JST: 'Asia/Tokyo',
  KST: 'Asia/Seoul',
  SGT: 'Asia/Singapore',
  HKT: 'Asia/Hong_Kong',
  AEST: 'Australia/Sydney',
  AEDT: 'Australia/Sydney',
  ACST: 'Australia/Adelaide',
  AWST: 'Australia/Perth',
  NZST: 'Pacific/Auckland',
  NZDT: 'Pacific/Auckland',
};

/** IANA names without a slash. Any other name without one is an abbreviation that only Intl knows. */
const plainNames = new Set(
  (
    'UTC GMT UCT ZULU UNIVERSAL GREENWICH GMT0 GMT+0 GMT-0 EST MST HST EST5EDT CST6CDT MST7MDT PST8PDT ' +
    'WET CET MET EET CUBA EGYPT EIRE GB GB-EIRE HONGKONG ICELAND IRAN ISRAEL JAMAICA JAPAN KWAJALEIN LIBYA ' +
    'NAVAJO NZ NZ-CHAT POLAND PORTUGAL PRC ROC ROK SINGAPORE TURKEY W-SU'
  ).split(' '),
);

const utcNames = new Set(['UTC', 'ETC/UTC', 'Z', 'GMT', 'ETC/GMT', 'UCT', 'ETC/UCT', 'ZULU', 'UNIVERSAL']);

/** IANA zones whose names suggest daylight saving time although they have none. */
const withoutSummerTime: Readonly<Record<string, string>> = {
  EST: 'America/New_York',
  MST: 'America/Denver',
};

/** Old names in the tz database, which Intl accepts without listing them. */
const olderNames = (
  'US/Alaska US/Arizona US/Central US/Eastern US/Hawaii US/Michigan US/Mountain US/Pacific Canada/Atlantic ' +
  'Canada/Central Canada/Eastern Canada/Mountain Canada/Newfoundland Canada/Pacific Asia/Calcutta Asia/Kolkata ' +
  'Asia/Katmandu Asia/Kathmandu Asia/Rangoon Asia/Yangon Asia/Saigon Asia/Ho_Chi_Minh Europe/Kiev Europe/Kyiv ' +
  'America/Buenos_Aires America/Argentina/Buenos_Aires Australia/ACT Australia/NSW Brazil/East Etc/UTC Etc/GMT'
).split(' ');

/** The accepted names in their usual spelling; case is ignored. */
export function writtenZones(): string[] {
  const plain = [...plainNames].map((name) => (name.length <= 4 || /\d/.test(name) ? name : wordCase(name)));
  const offsets = Array.from({ length: 27 }, (_, i) => `Etc/GMT${i < 13 ? `-${i + 2}` : `+${i - 12}`}`);
  const names = [...Intl.supportedValuesOf('timeZone'), ...plain, ...olderNames, ...offsets];
  return [...new Set([...names.filter(isKnownZone), ...Object.keys(aliases)])].sort();
}

const wordCase = (name: string): string =>
  name.replaceAll(/[A-Z]+/g, (word) => word[0] + word.slice(1).toLowerCase());

/** `+05:30`, `-04`, `Z`; an empty text is UTC. */
export const fixedZoneForm = '^(?:[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?|[Zz])?$';

const MAX_NAME_LENGTH = 64;
const allowed = 'an IANA name such as Europe/Berlin, UTC, or an offset such as +05:30';

/** Milliseconds of `+05:30`, `-04`, `Z` and the names of UTC. Null for any other text. */
export function fixedOffsetMs(id: string): number | null {
  if (utcNames.has(id.toUpperCase())) return 0;
  const match = /^([+-])(\d\d)(?::?([0-5]\d))?$/.exec(id);
  if (match === null || Number(match[2]) > 23) return null;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return (match[1] === '-' ? -minutes : minutes) * 60_000;
}

/**
 * Cache of valid names, because a call of Intl takes 50 us. Limited, so that odd spellings cannot fill it.
 */
const MAX_KNOWN = 2_000;
const known = new Set<string>();

/** True for names that can be stored and compiled unchanged: IANA names, UTC, fixed offsets. */
export function isKnownZone(id: string): boolean {
  if (known.has(id) || fixedOffsetMs(id) !== null) return true;
  const upper = id.toUpperCase();
  if (id.length > MAX_NAME_LENGTH || !(id.includes('/') || plainNames.has(upper))) return false;
  // Names of old Unix systems that Intl kept and the tz database dropped.
  if (upper.startsWith('SYSTEMV/')) return false;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: id });
  } catch {
    return false;
  }
  if (known.size >= MAX_KNOWN) known.clear();
  known.add(id);
  return true;
}

/**
 * The zone that `name` stands for. Throws UNKNOWN_TIMEZONE.
 */
export function resolveZoneName(name: string, field: string): { id: string; warning: string | null } {
  const id = name.trim();
  if (isKnownZone(id)) {
    const summer = withoutSummerTime[id.toUpperCase()];
    const warning =
      summer === undefined
        ? null
        : `time zone ${id} has one offset all year round; for daylight saving time write ${summer}`;
    return { id, warning };
  }
  const alias = aliases[id.toUpperCase()];
  if (alias !== undefined) {
    return {
      id: alias,
      warning: `time zone ${id} is an abbreviation and is taken as ${alias}; write that name`,
    };
  }
  throw unknownZone(id, field);
}

export function unknownZone(id: string, field: string): CarillonError {
  const shown = id.length <= MAX_NAME_LENGTH ? id : `${id.slice(0, MAX_NAME_LENGTH)}…`;
  return new CarillonError(
    'UNKNOWN_TIMEZONE',
    `${field}: unknown time zone "${shown}".${suggestion(id)} Allowed: ${allowed}.`,
    { field, value: shown, allowed },
  );
}

/** Most wrong names are a city alone, or have other separators. */
function suggestion(id: string): string {
  const hour = /^(?:UTC|GMT)([+-])(\d\d?)(?::?(\d\d))?$/i.exec(id);
  if (hour !== null) {
    return ` Did you mean "${hour[1]}${hour[2]!.padStart(2, '0')}:${hour[3] ?? '00'}"?`;
  }
  const letters = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '');
  const wanted = letters(id.slice(id.lastIndexOf('/') + 1));
  const near = Intl.supportedValuesOf('timeZone').find(
    (zone) => wanted !== '' && letters(zone.slice(zone.lastIndexOf('/') + 1)) === wanted,
  );
  return near === undefined ? '' : ` Did you mean ${near}?`;
}
