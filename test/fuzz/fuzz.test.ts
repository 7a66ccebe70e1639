/** A bounded number of cases of every target; `npm run fuzz` tries as many as wished. */

import fc from 'fast-check';
import { afterAll, describe, test } from 'vitest';
import { closeWorld } from './requests.ts';
import { targets } from './targets.ts';

afterAll(closeWorld);

describe('whatever is sent is answered or refused', () => {
  test.each(Object.keys(targets))('%s', async (name) => {
    const { input, hold } = targets[name]!;
    await fc.assert(
      fc.asyncProperty(input, async (given) => hold(given)),
      { numRuns: 300 },
    );
  });
});
