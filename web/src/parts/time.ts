/**
 * Formats times and durations. The viewer's zone is the browser's; 24 hours, ISO order, seconds where they
 * matter. Nothing here throws: a zone is typed letter by letter, and the server may know zones that this
 * browser does not.
 */

export const viewerZone: string = Intl.DateTimeFormat().resolvedOptions().timeZone;

const formatters = new Map<string, Intl.DateTimeFormat>();

/** A zone that this browser does not know is shown in UTC, and `zoneName` says so. */
function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  try {
    const formatter = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      timeZoneName: 'short',
    });
    formatters.set(zone, formatter);
    return formatter;
  } catch {
    return formatterOf('UTC');
  }
}

/** The last time that a `Date` can represent. */
const lastMs = 8.64e15;

/** Empty for an invalid time. */
function parts(ms: number, zone: string): Record<string, string> {
  if (!(Math.abs(ms) <= lastMs)) return {};
  return Object.fromEntries(
    formatterOf(zone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, value]),
  );
}

/** `02:00:05` */
export function clockTime(ms: number, zone = viewerZone): string {
  const { hour, minute, second } = parts(ms, zone);
  return hour === undefined ? '–' : `${hour}:${minute}:${second}`;
}

/** `2026-11-21` */
export function calendarDay(ms: number, zone = viewerZone): string {
  const { year, month, day } = parts(ms, zone);
  return year === undefined ? '–' : `${year}-${month}-${day}`;
}

/** `2026-11-21 02:00:05` */
export const dateTime = (ms: number, zone = viewerZone): string =>
  `${calendarDay(ms, zone)} ${clockTime(ms, zone)}`;

/** `Sat` */
export const weekday = (ms: number, zone = viewerZone): string => parts(ms, zone).weekday ?? '';

/** `CET`, `GMT+5:30` */
export const zoneName = (ms: number, zone: string): string => parts(ms, zone).timeZoneName ?? zone;

/** `02:00` or `02:00:05`: seconds only if they are not zero. */
export function shortTime(ms: number, zone = viewerZone): string {
  const time = clockTime(ms, zone);
  return time.endsWith(':00') ? time.slice(0, 5) : time;
}

/** Only the time if it is today, otherwise with the day. */
export function shortInstant(ms: number, now: number, zone = viewerZone): string {
  const readable = shortTime(ms, zone);
  if (calendarDay(ms, zone) === calendarDay(now, zone)) return readable;
  const near = Math.abs(ms - now) < 6 * 86_400_000;
  return near ? `${weekday(ms, zone)} ${readable}` : `${calendarDay(ms, zone)} ${readable.slice(0, 5)}`;
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

const unitOf = (length: number): number => units.findIndex(([, size]) => length >= size);

/** `850 ms`, `4.2 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: at most two units. */
/** An amount of memory in MiB. */
export const memory = (bytes: number | null): string =>
  bytes === null ? '–' : `${(bytes / 1024 ** 2).toLocaleString('en', { maximumFractionDigits: 1 })} MiB`;

export function duration(ms: number | null): string {
  if (ms === null) return '–';
  const length = Math.abs(ms);
  if (length < 999.5) return `${Math.round(length)} ms`;
  if (length < 9_950) return `${(length / 1_000).toFixed(1).replace(/\.0$/, '')} s`;
  const [, finest] = units[unitOf(length) + 1] ?? ['s', 1_000];
  // Rounded first: 59.9 s become a minute, and no unit overflows.
  const rounded = Math.round(length / finest) * finest;
  const [unit, size] = units[unitOf(rounded)] ?? ['s', 1_000];
  const [smaller, part] = units[unitOf(rounded) + 1] ?? ['s', 1_000];
  const rest = Math.floor((rounded % size) / part);
  const whole = `${Math.floor(rounded / size)} ${unit}`;
  return rest === 0 ? whole : `${whole} ${rest} ${smaller}`;
}

/** `in 5 min`, `3 min ago`, `now`: one unit. */
export function relative(ms: number, now: number): string {
  const difference = ms - now;
  const length = Math.abs(difference);
  if (length < 1_000) return 'now';
  const [unit, size] = units.find(([, each]) => length >= each) ?? ['s', 1_000];
  const text = `${Math.floor(length / size)} ${unit}`;
  return difference > 0 ? `in ${text}` : `${text} ago`;
}
