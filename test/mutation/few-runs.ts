/** With each mutant, a property is tried with a tenth of its inputs, and always with the same ones. */

import type fastCheck from 'fast-check';
import { vi } from 'vitest';

vi.mock('fast-check', async (original) => {
  const { default: fc } = await original<{ default: typeof fastCheck }>();
  const assert = (
    property: fastCheck.IRawProperty<unknown>,
    parameters: fastCheck.Parameters<unknown> = {},
  ): unknown =>
    fc.assert(property, {
      ...parameters,
      seed: 1,
      endOnFailure: true,
      numRuns: Math.ceil((parameters.numRuns ?? 100) / 10),
    });
  return { ...fc, default: { ...fc, assert } };
});
