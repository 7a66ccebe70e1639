/** The lines of a search in the output of runs: one for each hit, and an end that says what was searched. */

import { type Static, Type } from 'typebox';
import { oneOf } from '../../scheduler/job/definition.ts';
import { count, instant, orNull, ref } from './shape.ts';

const contextLines = (where: string) =>
  Type.Array(Type.String(), {
    description: `The lines of the same stream ${where} it, oldest first, each up to a bound. Only with context.`,
  });

export const WireLogHit = Type.Object(
  {
    kind: Type.Literal('hit'),
    run: Type.String({ description: 'Run id.' }),
    attempt: Type.Integer({ minimum: 1 }),
    stream: oneOf(['stdout', 'stderr']),
    line: Type.Integer({
      minimum: 1,
      description:
        'Number of the line in what is kept of this stream. A line in the place of dropped output counts.',
    }),
    time: orNull(instant(), {
      description: 'When the line began, with nanoseconds. Null if the engine does not know.',
    }),
    text: Type.String({ description: 'The line, or of a very long one the part around the first match.' }),
    from: count('Where text begins in the line, in UTF-16 code units.'),
    length: count('Length of the whole line, in UTF-16 code units.'),
    before: contextLines('before'),
    after: contextLines('after'),
  },
  { $id: 'LogHit' },
);
export type WireLogHit = Static<typeof WireLogHit>;

/** What ends a search early. */
export const searchBounds = ['limit', 'bytes', 'runs'] as const;

export const WireLogSearchEnd = Type.Object(
  {
    kind: Type.Literal('end'),
    hits: count('Lines found.'),
    runs: count('Runs whose output was asked for.'),
    attempts: count('Attempts whose output was searched.'),
    bytes: count('Bytes of output searched.'),
    reached: orNull(oneOf(searchBounds), {
      description: 'The bound that ended the search, so there may be more hits. Null if all was searched.',
    }),
    gone: count('Attempts whose output no node keeps any more.'),
    failed: count('Attempts whose output could not be read to its end at the moment.'),
    failure: orNull(Type.String(), { description: 'Why the first of them could not be read.' }),
  },
  { $id: 'LogSearchEnd' },
);
export type WireLogSearchEnd = Static<typeof WireLogSearchEnd>;

export const WireLogFinding = Type.Union([ref(WireLogHit), ref(WireLogSearchEnd)], {
  $id: 'LogFinding',
  description: 'One line of a search: a hit, or the end, which is the last line.',
});
export type WireLogFinding = Static<typeof WireLogFinding>;
