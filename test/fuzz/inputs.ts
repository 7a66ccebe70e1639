/** What a stranger may send: texts made of a form's own words and of everything that breaks readers, and values. */

import fc from 'fast-check';

/** Texts that have broken some program somewhere. */
export const odd = [
  '',
  ' ',
  '\0',
  '\ud800',
  '\udfff',
  '\ufeff',
  '\u202e',
  '\u001b[31m',
  '\u0085',
  '\u2028',
  '\r',
  '\n',
  '\t',
  '__proto__',
  'constructor',
  'toString',
  '<<',
  'null',
  'NaN',
  '-0',
  '1e999',
  '99999999999999999999',
  '../..',
  '.',
  '..',
  '%00',
  '%',
  '+',
  '🔔',
  'a'.repeat(300),
  'é'.repeat(200),
] as const;

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...odd),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ maxLength: 20 }),
);

/** A text of these words in any order, with something odd among them now and then. */
export const textOf = (words: readonly string[], maxLength = 24): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof(
        { weight: 12, arbitrary: fc.constantFrom(...words) },
        { weight: 2, arbitrary: fc.nat(100).map(String) },
        { weight: 1, arbitrary: hostileText },
      ),
      { maxLength },
    )
    .map((parts) => parts.join(''));

/** A JSON value of any form: odd keys, odd texts, deep and wide now and then. */
export const anyJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    hostileText,
    fc.constantFrom<unknown>(null, true, false, 0, -0, 1, -1, 1.5, 1e21, 1e-7, Number.MAX_SAFE_INTEGER),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.oneof(hostileText, fc.string({ maxLength: 6 })), tie('value')), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries)),
    fc.nat(40).map((depth) => nested(depth)),
  ),
})).value;

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/** A good value with some of its parts taken away, renamed, or replaced by something else. */
export const broken = <T extends object>(good: readonly T[]): fc.Arbitrary<unknown> =>
  fc
    .tuple(
      fc.constantFrom(...good),
      fc.array(fc.tuple(fc.nat(), fc.nat(5), fc.oneof(anyJson, hostileText)), { maxLength: 4 }),
    )
    .map(([value, breaks]) => {
      const copy = structuredClone(value);
      for (const [place, how, by] of breaks) breakAt(copy, place, how, structuredClone(by));
      // Lists without holes, numbers that JSON has.
      return JSON.parse(JSON.stringify(copy)) as unknown;
    });

type Part = Record<string, unknown>;

function breakAt(root: object, place: number, how: number, by: unknown): void {
  const places: [Part, string][] = [];
  const walk = (at: Part): void => {
    for (const [key, inner] of Object.entries(at)) {
      places.push([at, key]);
      if (typeof inner === 'object' && inner !== null) walk(inner as Part);
    }
  };
  walk(root as Part);
  const [parent, key] = places[place % places.length] ?? [root as Part, 'name'];
  if (how === 0) delete parent[key];
  else if (how === 1) define(parent, `${key}x`, by);
  else if (how === 2 && typeof by === 'string') define(parent, by, parent[key]);
  else define(parent, key, by);
}

/** As JSON has it: `__proto__` is a name like any other. */
function define(parent: Part, key: string, value: unknown): void {
  // No list in JSON has a field of that name, and this one cannot be defined anew.
  if (Array.isArray(parent) && key === 'length') return;
  Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}
