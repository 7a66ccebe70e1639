/** What `exec` keeps of an output: all of a short one, both ends of a long one. */

import { expect, test } from 'vitest';
import { KeptOutput } from '../../../src/cli/exec/kept-output.ts';

const kept = (...chunks: Buffer[]): Buffer => {
  const output = new KeptOutput();
  for (const chunk of chunks) output.add(chunk);
  return output.bytes();
};

/** Each byte differs from its neighbours. */
const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, (_, i) => (i * 7) % 251));

test.each([0, 1, 16 * 1024, 16 * 1024 + 1, 64 * 1024])(
  '%i bytes are kept as they are, in any pieces',
  (count) => {
    const whole = bytes(count);
    expect(kept(whole).equals(whole)).toBe(true);
    const pieces = Array.from({ length: Math.ceil(count / 999) }, (_, i) =>
      whole.subarray(i * 999, (i + 1) * 999),
    );
    expect(kept(...pieces).equals(whole)).toBe(true);
  },
);

test('of more bytes, the first 16 KiB and the last 48 KiB are kept, with the number of the others', () => {
  const whole = bytes(1_000_000);
  const gap = Buffer.from('\n[934464 bytes left out]\n');
  const expected = Buffer.concat([whole.subarray(0, 16_384), gap, whole.subarray(-49_152)]);
  expect(kept(whole).equals(expected)).toBe(true);
  const pieces = Array.from({ length: 1_000 }, (_, i) => whole.subarray(i * 1_000, (i + 1) * 1_000));
  expect(kept(...pieces).equals(expected)).toBe(true);
});
