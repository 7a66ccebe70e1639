/**
 * Dozens of simulated clusters, and proof that the simulation can fail: parts that are broken on purpose are
 * found. A failing seed names the command that repeats it.
 */

import { describe, expect, test } from 'vitest';
import { type FaultKind, faultKinds } from './faults.ts';
import { type Mutant, simulate } from './simulate.ts';

const CHUNK = 25;
const CHUNKS = 3;
/** Lower seeds find no more, and take twice as long. `npm run sim` goes through as many as wished. */
const FIRST = 101;
/** Most faults that a seed finds show within minutes: more seeds find more than longer ones. */
const HOURS = 0.3;
/** A broken part shows only where several faults meet: in one seed of a hundred, for the rarest. */
const MUTANT_SEEDS = 200;

describe('clusters under faults', () => {
  test.each(Array.from({ length: CHUNKS }, (_, i) => FIRST + i * CHUNK))(
    `seeds from %i, ${CHUNK} of them`,
    async (first) => {
      const wrong: string[] = [];
      for (let seed = first; seed < first + CHUNK; seed++) {
        const result = await simulate({ seed, hours: HOURS });
        if (result.wrong !== null)
          wrong.push(`npm run sim -- --seed ${seed} --hours ${HOURS}: ${result.wrong}`);
      }
      expect(wrong).toEqual([]);
    },
    360_000,
  );
});

test('the same seed is the same run', async () => {
  const [one, other] = [await simulate({ seed: 7, hours: 0.3 }), await simulate({ seed: 7, hours: 0.3 })];
  expect(other).toEqual(one);
  expect((await simulate({ seed: 8, hours: 0.3 })).hash).not.toBe(one.hash);
});

/** A wall clock that is set has nothing to do with a lease, and takes the turn of the faults that have. */
const ofLeases = faultKinds.filter((kind) => !kind.startsWith('clock'));

describe('a part that is broken on purpose is found', () => {
  // Rare ones are looked for from a seed on that comes shortly before one that shows them: any change moves that.
  test.each<[Mutant, RegExp, readonly FaultKind[], hours: number, first?: number]>([
    // A write that was sent by the lease, and arrives late.
    [
      'store-does-not-fence',
      /was applied after one of term/,
      ['slow-network', 'cut-store', 'pause-between'],
      0.3,
      375,
    ],
    [
      'engine-starts-twice',
      /is started 2 times|is taken for forgotten, and the engine has it/,
      faultKinds,
      0.2,
    ],
    ['always-fresh', /though its lease ran out/, ofLeases, 0.5],
    ['starts-early', /is started \d+ ms before it is due/, ofLeases, 0.2],
    ['drops-notices', /says store\.change-missed/, faultKinds, 0.2],
    // A crash between the two would lose a step, or run one that is counted.
    ['counts-ahead', /step \d+ of the backfill \w+ is \w+, and its run is/, ['crash'], 0.2],
    // A node that was stopped hears what was asked of it long ago, of runs that were given up.
    ['lends-to-anyone', /is started after its end/, ['pause'], 0.2, 261],
  ])(
    '%s',
    async (mutant, words, kinds, hours, first = 1) => {
      for (let seed = first; seed < first + MUTANT_SEEDS; seed++) {
        const { wrong } = await simulate({ seed, hours, kinds, mutant });
        if (wrong !== null && words.test(wrong)) return;
      }
      expect.fail(`nothing of the kind was found in ${MUTANT_SEEDS} seeds`);
    },
    360_000,
  );
});
