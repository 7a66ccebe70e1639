/**
 * A second way to know what a cron expression means, for comparison: expressions are generated together
 * with a predicate for each field, so nothing is parsed, and instants are found by looking at every minute
 * (or second) of a stretch with the wall clock that Intl shows, so nothing is searched.
 */

import fc from 'fast-check';

/** What a wall clock shows. */
export interface Wall {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

export interface Part {
  readonly text: string;
  readonly star: boolean;
  readonly matches: (wall: Wall) => boolean;
}

export interface Expression {
  readonly text: string;
  readonly second: Part;
  readonly minute: Part;
  readonly hour: Part;
  readonly day: Part;
  readonly month: Part;
  readonly weekday: Part;
}

/** `portable`: only forms that every scheduler reads, and reads alike. */
export interface Dialect {
  readonly portable: boolean;
  readonly seconds: boolean;
  /** Hours are drawn from here, so that they fall on clock changes often. */
  readonly hours: readonly number[];
}

type Unit = 'second' | 'minute' | 'hour' | 'month';

interface Values {
  readonly text: string;
  readonly values: readonly number[];
}

export function expression(dialect: Dialect): fc.Arbitrary<Expression> {
  const zero: Part = { text: '0', star: false, matches: (wall) => wall.second === 0 };
  const hours = fc.oneof(
    { weight: 3, arbitrary: fc.subarray([...dialect.hours], { minLength: 1 }).map(listOf) },
    { weight: 1, arbitrary: items(0, 23, dialect) },
  );
  return fc
    .record({
      second: dialect.seconds ? part('second', items(0, 59, dialect), 59) : fc.constant(zero),
      minute: part('minute', items(0, 59, dialect), 59),
      hour: part('hour', hours, 23),
      month: part('month', items(1, 12, dialect), 12, 4),
      days: days(dialect),
    })
    .map(({ days: [day, weekday], ...parts }) => {
      const fields = [parts.minute, parts.hour, day, parts.month, weekday].map((field) => field.text);
      if (dialect.seconds) fields.unshift(parts.second.text);
      return { ...parts, day, weekday, text: fields.join(' ') };
    });
}

/** True for what the date and the time of a wall clock have to be. */
export function matches(cron: Expression, wall: Wall): boolean {
  if (!cron.second.matches(wall) || !cron.minute.matches(wall) || !cron.hour.matches(wall)) return false;
  if (!cron.month.matches(wall)) return false;
  const [day, weekday] = [cron.day.matches(wall), cron.weekday.matches(wall)];
  return cron.day.star || cron.weekday.star ? day && weekday : day || weekday;
}

export function isWildcard(cron: Expression): boolean {
  return cron.second.star || cron.minute.star || cron.hour.star;
}

const listOf = (values: readonly number[]): Values => ({ text: values.join(), values });

/** A list of values, ranges and stepped ranges, without a star. */
function items(min: number, max: number, dialect: Dialect): fc.Arbitrary<Values> {
  const value = fc.integer({ min, max });
  const size = max - min + 1;
  const single = value.map((from) => listOf([from]));
  const range = fc
    .tuple(value, value, fc.integer({ min: 1, max: dialect.portable ? 1 : 10 }))
    .map(([a, b, step]) => {
      const [from, to] = dialect.portable ? [Math.min(a, b), Math.max(a, b)] : [a, b];
      const length = to >= from ? to - from : to + size - from;
      const values: number[] = [];
      for (let offset = 0; offset <= length; offset += step)
        values.push(min + ((from - min + offset) % size));
      return { text: from === to ? `${from}` : `${from}-${to}${step === 1 ? '' : `/${step}`}`, values };
    });
  if (dialect.portable)
    return fc.oneof(fc.uniqueArray(value, { minLength: 1, maxLength: 4 }).map(listOf), range);
  const open = fc.tuple(value, fc.integer({ min: 1, max: 12 })).map(([from, step]) => {
    const values: number[] = [];
    for (let next = from; next <= max; next += step) values.push(next);
    return { text: `${from}/${step}`, values };
  });
  return fc.array(fc.oneof(single, range, open), { minLength: 1, maxLength: 3 }).map((parts) => ({
    text: parts.map((each) => each.text).join(),
    values: parts.flatMap((each) => each.values),
  }));
}

function part(unit: Unit, listed: fc.Arbitrary<Values>, max: number, starWeight = 1): fc.Arbitrary<Part> {
  const first = unit === 'month' ? 1 : 0;
  const star: Part = { text: '*', star: true, matches: () => true };
  return fc.oneof(
    { weight: starWeight, arbitrary: fc.constant(star) },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 2, max: Math.ceil(max / 2) }).map((step) => ({
        text: `*/${step}`,
        star: true,
        matches: (wall: Wall) => (wall[unit] - first) % step === 0,
      })),
    },
    {
      weight: 3,
      arbitrary: listed.map(({ text, values }) => ({
        text,
        star: false,
        matches: (wall: Wall) => values.includes(wall[unit]),
      })),
    },
  );
}

const daysIn = (wall: Wall) => new Date(Date.UTC(wall.year, wall.month, 0)).getUTCDate();
const anyDay: Part = { text: '*', star: true, matches: () => true };

function days(dialect: Dialect): fc.Arbitrary<[Part, Part]> {
  // Other schedulers throw when a day past the 28th meets a month that lacks it.
  const plainDay = items(1, dialect.portable ? 28 : 31, dialect).map(({ text, values }) => {
    return { text, star: false, matches: (wall: Wall) => values.includes(wall.day) };
  });
  const plainWeekday = items(0, 6, { ...dialect, portable: true }).map(({ text, values }) => {
    return { text, star: false, matches: (wall: Wall) => values.includes(wall.weekday) };
  });
  const portable = fc.oneof(
    { weight: 4, arbitrary: fc.constant<[Part, Part]>([anyDay, anyDay]) },
    plainDay.map((day): [Part, Part] => [day, anyDay]),
    plainWeekday.map((weekday): [Part, Part] => [anyDay, weekday]),
    fc.tuple(plainDay, plainWeekday),
  );
  if (dialect.portable) return portable;
  const stepped = fc.integer({ min: 2, max: 7 });
  const steppedDay = stepped.map((step) => {
    return { text: `*/${step}`, star: true, matches: (wall: Wall) => (wall.day - 1) % step === 0 };
  });
  const steppedWeekday = stepped.map((step) => {
    return { text: `*/${step}`, star: true, matches: (wall: Wall) => wall.weekday % step === 0 };
  });
  return fc.oneof(
    { weight: 2, arbitrary: portable },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.oneof(fc.constant(anyDay), plainDay, steppedDay, specialDay),
        fc.oneof(fc.constant(anyDay), plainWeekday, steppedWeekday, specialWeekday),
      ),
    },
  );
}

const specialDay: fc.Arbitrary<Part> = fc.oneof(
  fc.constant({ text: 'L', star: false, matches: (wall: Wall) => wall.day === daysIn(wall) }),
  fc.integer({ min: 1, max: 20 }).map((n) => {
    return { text: `L-${n}`, star: false, matches: (wall: Wall) => wall.day === daysIn(wall) - n };
  }),
  fc.constant({
    text: 'LW',
    star: false,
    matches: (wall: Wall) => wall.day === nearestWorkday(wall, daysIn(wall)),
  }),
  fc.integer({ min: 1, max: 28 }).map((n) => {
    return { text: `${n}W`, star: false, matches: (wall: Wall) => wall.day === nearestWorkday(wall, n) };
  }),
);

const specialWeekday: fc.Arbitrary<Part> = fc.oneof(
  fc.integer({ min: 0, max: 7 }).map((n) => {
    const last = (wall: Wall) => wall.weekday === n % 7 && wall.day + 7 > daysIn(wall);
    return { text: `${n}L`, star: false, matches: last };
  }),
  fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 1, max: 4 })).map(([n, k]) => {
    const nth = (wall: Wall) => wall.weekday === n % 7 && Math.ceil(wall.day / 7) === k;
    return { text: `${n}#${k}`, star: false, matches: nth };
  }),
);

/** Of all workdays of the month the one with the smallest distance. */
function nearestWorkday(wall: Wall, target: number): number {
  let nearest = 0;
  for (let day = 1; day <= daysIn(wall); day += 1) {
    const weekday = new Date(Date.UTC(wall.year, wall.month - 1, day)).getUTCDay();
    const workday = weekday >= 1 && weekday <= 5;
    if (workday && (nearest === 0 || Math.abs(day - target) < Math.abs(nearest - target))) nearest = day;
  }
  return nearest;
}
