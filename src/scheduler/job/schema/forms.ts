/**
 * Text formats as patterns for the published schema, with which editors and clients validate before sending.
 * The parsers have the final say and explain problems; tests keep the two consistent. A pattern checks what
 * it can: not that an end is later than its start, or that a month has the day.
 *
 * All are ECMA-262 without look-around, so that generators and other languages can use them.
 */

const whole = (pattern: string): string => `^(?:${pattern})$`;
const either = (...patterns: readonly string[]): string => `(?:${patterns.join('|')})`;
const maybe = (pattern: string): string => `(?:${pattern})?`;
const list = (item: string): string => `${item}(?:,${item})*`;

// Texts

/** Any text that can be passed to a program or a file. */
export const textForm = '^[^\\u0000]*$';
/** Maximum length of a path component. */
const part = '[^/\\u0000]{1,255}';
export const pathForm = whole(`/?${part}(?:/+${part})*/?|/|`);
/** The absolute path of a file. */
export const filePathForm = whole(`(?:/+${part})+`);
/**
 * Names of environment variables. Dots and dashes are for images; a shell on the host would drop such names.
 */
export const variableForm = '^[A-Za-z_][A-Za-z0-9_.-]{0,254}$';
/** A mount, `data`, and the path of a secret there: as in the addresses and policies of Vault. */
export const vaultPathForm =
  '^(?:(?!data/)[A-Za-z0-9_-][A-Za-z0-9_.-]*/)+data(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$';

/** Parameter names. */
export const paramForm = '^[A-Za-z_][A-Za-z0-9_]{0,127}$';

// Durations: a whole number per part, with a fraction in the last

type Sign = 'any' | 'not zero';

/** A number with at most this many digits. */
const number = (digits: number, sign: Sign): string =>
  sign === 'any' ? `[0-9]{1,${digits}}` : `0{0,2}[1-9][0-9]{0,${digits - 1}}`;

/** One part and those that may follow it, by sign. With `not zero`, at least one of them is not zero. */
function unit(digits: number, letter: string, sign: Sign, rest: (sign: Sign) => string): string {
  const behind = rest('any') === '' ? '' : maybe(rest('any'));
  const ways = [
    `${number(digits, sign)}${letter}${behind}`,
    `${number(digits, sign)}[.,][0-9]{1,3}${letter}`,
  ];
  if (sign === 'not zero') {
    if (rest(sign) !== '') ways.push(`0{1,3}${letter}${rest(sign)}`);
    // Half an hour is allowed. A repeat is at least a second, so its seconds and minutes begin with a number.
    ways.push(`0[.,][1-9][0-9]{0,2}${letter}`);
  }
  return either(...ways);
}

const second = (sign: Sign): string => unit(10, 'S', sign, () => '');
const minute = (sign: Sign): string => unit(9, 'M', sign, second);
const hourOn = (sign: Sign): string => unit(7, 'H', sign, (behind) => either(minute(behind), second(behind)));
const time = (sign: Sign): string => `T${either(hourOn(sign), minute(sign), second(sign))}`;
const dayOn = (sign: Sign): string => unit(6, 'D', sign, time);
const weekOn = (sign: Sign): string => unit(5, 'W', sign, (behind) => either(dayOn(behind), time(behind)));
const exact = (sign: Sign): string => either(weekOn(sign), dayOn(sign), time(sign));

/** A duration in a policy: weeks or less, down to milliseconds, or `1h30m`. May be zero. */
const short = '[0-9]{1,6}(?:[.][0-9]{1,3})?(?:h|ms|m|s)';
export const durationForm = whole(either(`P${exact('any')}`, `(?:${short}){1,4}`));
export const positiveDurationForm = whole(
  either(`P${exact('not zero')}`, `0{0,2}[1-9][0-9]{0,5}(?:h|ms|m|s)(?:${short}){0,3}`),
);

/** The interval between two runs: at least a second, possibly with a fraction. */
const secondsApart = '[1-9][0-9]{0,9}(?:[.,][0-9]{1,3})?S';
const timeApart = `T${either(
  `[1-9][0-9]{0,6}H(?:[0-9]{1,9}M)?(?:[0-9]{1,10}S)?`,
  `[1-9][0-9]{0,8}M(?:[0-9]{1,10}S)?`,
  `(?:0|[1-9][0-9]{0,6})[.,][1-9][0-9]{0,2}[HM]`,
  secondsApart,
)}`;
const apart = either(
  `[1-9][0-9]{0,2}Y(?:[0-9]{1,4}M)?(?:[0-9]{1,5}W)?(?:[0-9]{1,6}D)?${maybe(timeApart)}`,
  `[1-9][0-9]{0,3}M(?:[0-9]{1,5}W)?(?:[0-9]{1,6}D)?${maybe(timeApart)}`,
  `[1-9][0-9]{0,4}W(?:[0-9]{1,6}D)?${maybe(timeApart)}`,
  `[1-9][0-9]{0,5}D${maybe(timeApart)}`,
  `(?:0|[1-9][0-9]{0,4})[.,][1-9][0-9]{0,2}[WD]`,
  timeApart,
);

// Timestamps

const monthAndDay = (dash: string): string =>
  either(
    `(?:0[13578]|1[02])${dash}(?:0[1-9]|[12][0-9]|3[01])`,
    `(?:0[469]|11)${dash}(?:0[1-9]|[12][0-9]|30)`,
    `02${dash}(?:0[1-9]|1[0-9]|2[0-8])`,
  );
const leapYear = '(?:[0-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:0[048]|[2468][048]|[13579][26])00)';
const dateOf = (dash: string): string =>
  either(`[0-9]{4}${dash}${monthAndDay(dash)}`, `${leapYear}${dash}02${dash}29`);
const date = either(dateOf('-'), dateOf(''));
const hour = '(?:[01][0-9]|2[0-3])';
const sixty = '[0-5][0-9]';
const timeOfDay = `${hour}${maybe(either(`:${sixty}${maybe(`:${sixty}${maybe('[.,][0-9]{1,9}')}`)}`, `${sixty}${maybe(`${sixty}${maybe('[.,][0-9]{1,9}')}`)}`))}`;
const offset = either('Z', `[+-]${hour}${maybe(`:?${sixty}`)}`);
const dateTime = `${date}${maybe(`T${either(timeOfDay, '24:00(?::00)?')}`)}${maybe(offset)}`;

export const dateTimeForm = whole(dateTime);
/** `06:00`. */
export const timeOfDayForm = whole(`${hour}:${sixty}`);
export const dayForm = whole(dateOf('-'));
/** In requests: a timestamp, in UTC without an offset, or a day. */
export const instantForm = whole(
  `${dateOf('-')}${maybe(`T${hour}:${sixty}${maybe(`:${sixty}${maybe('[.,][0-9]{1,9}')}`)}${maybe(either('Z', `[+-]${hour}:${sixty}`))}`)}`,
);

// Schedules

const goDuration =
  '(?:[1-9][0-9]{0,5}h(?:[0-9]{1,6}m)?(?:[0-9]{1,6}s)?|[1-9][0-9]{0,5}m(?:[0-9]{1,6}s)?|[1-9][0-9]{0,5}s)';
const bareDuration = either(`P${apart}`, goDuration);
/** A single run has no interval: `R1//P` means once, now. */
const once = `R[01]/${maybe(dateTime)}/P(?:0D|T(?:0S)?)?`;
/** A repeat or a duration. */
export const everyForm = whole(
  either(
    `${maybe(`R[0-9]{0,15}/${maybe(dateTime)}/`)}P${apart}`,
    goDuration,
    `R[0-9]{0,15}/${dateTime}/${dateTime}`,
    `R[0-9]{1,15}/P${apart}/${dateTime}`,
    once,
  ),
);

const anyCase = (word: string): string =>
  [...word].map((letter) => `[${letter}${letter.toLowerCase()}]`).join('');
const names = (words: string): string => words.split(' ').map(anyCase).join('|');

function cronField(value: string, special: readonly string[], whole: readonly string[] = []): string {
  const step = maybe('/[1-9][0-9]{0,8}');
  const item = either(
    `\\*${step}`,
    `${value}${maybe(`-${value}`)}${step}`,
    `[Hh]${maybe('\\([0-9]{1,2}-[0-9]{1,2}\\)')}${step}`,
    ...special,
  );
  return either(list(item), ...whole);
}

const minuteValue = '(?:[0-5]?[0-9])';
const hourValue = '(?:[01]?[0-9]|2[0-3])';
const dayValue = '(?:0?[1-9]|[12][0-9]|3[01])';
const monthValue = `(?:0?[1-9]|1[0-2]|${names('JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC')})`;
const weekdayName = names('SUN MON TUE WED THU FRI SAT');
const weekdayValue = `(?:0?[0-7]|${weekdayName})`;
const weekdaySingle = `(?:[0-7]|${weekdayName})`;

const seconds = cronField(minuteValue, []);
const cronFields = [
  cronField(minuteValue, []),
  cronField(hourValue, []),
  cronField(dayValue, ['[Ll][Ww]', `[Ll]${maybe('-(?:[1-9]|[12][0-9]|30)')}`, `${dayValue}[Ww]`], ['\\?']),
  cronField(monthValue, []),
  cronField(weekdayValue, [`${weekdaySingle}[Ll]`, `${weekdaySingle}#[1-5]`], ['\\?']),
];
const macros = [
  'yearly',
  'annually',
  'monthly',
  'weekly',
  'daily',
  'midnight',
  'hourly',
  'minutely',
  'secondly',
];
const macro = `@${either(...macros.map((word) => anyCase(word.toUpperCase())))}`;
export const cronForm = whole(
  either(
    `${maybe(`${seconds}[ \\t]+`)}${cronFields.join('[ \\t]+')}`,
    macro,
    `@${anyCase('EVERY')}[ \\t]+${bareDuration}`,
  ),
);

// Containers

/** Fewer digits for larger units: bytes are counted exactly. */
const sizeIn = (digits: number, unit: string): string =>
  `(?:[1-9][0-9]{0,${digits - 1}}(?:\\.[0-9]{1,6})?|0\\.[1-9][0-9]{0,5}) ?[${unit}](?:[Ii]?[Bb])?`;
/** Bytes, or a number with a unit. Not zero. */
export const sizeForm = whole(
  either('[1-9][0-9]{0,14} ?[Bb]?', sizeIn(12, 'Kk'), sizeIn(9, 'Mm'), sizeIn(6, 'Gg'), sizeIn(3, 'Tt')),
);
const port = '(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';
const portAddress = '(?:[0-9.]+|\\[[0-9A-Fa-f:.]+\\])';
export const portForm = whole(
  `${maybe(`${maybe(`${portAddress}:`)}${maybe(port)}:`)}${port}${maybe('/(?:tcp|udp)')}`,
);
const folder = '[^:/\\u0000]{1,255}';
const folders = `${folder}(?:/+${folder})*/?`;
export const volumeForm = whole(`(?:/?${folders}|/+):/+(?:${folders})?(?::(?:ro|rw))?`);
/** An absolute path in a container, without `..`. */
const inner = '(?:[^.:/\\u0000][^:/\\u0000]{0,99}|\\.[^.:/\\u0000][^:/\\u0000]{0,98})';
export const mountForm = whole(`(?:/${inner})+`);
/** A file in a folder. */
export const mountedFileForm = whole(`(?:/${inner}){2,}`);
export const addressForm = '^(?:[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*|host-gateway)$';
export const fetchAddressForm = '^(?:https?://[^\\s/\\u0000]|file:///|/)[^\\s\\u0000]*$';
const below = '(?:[^./\\u0000][^/\\u0000]{0,254}|\\.[^./\\u0000][^/\\u0000]{0,253}|\\.\\.[^/\\u0000]{1,253})';
/** The path of a file below a folder, without `..`. */
export const outputForm = whole(`(?:\\./+)*${below}(?:/+(?:\\./+)*${below})*`);
