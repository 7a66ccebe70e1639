/** Parses amounts of memory: `128MiB`, `1GB`, `1.5 GiB`, `134217728`. */

import { CarillonError } from '../../errors.ts';
import { shorten } from './schema/explain.ts';

const form = /^(\d{1,16}(?:\.\d{1,6})?) ?([A-Za-z]{0,3})$/;

/** Powers of 1000 for plain letters, of 1024 with an `i`. Single letters are as in Docker (k = 1024). */
const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1000,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1000 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1000 ** 3,
  gib: 1024 ** 3,
  t: 1024 ** 4,
  tb: 1000 ** 4,
  tib: 1024 ** 4,
};

/** A whole number of bytes, at least one. INVALID_FIELD naming `field` otherwise. */
export function memoryBytes(text: string, field: string): number {
  const match = form.exec(text.trim());
  const unit = match && unitBytes[match[2]!.toLowerCase()];
  const bytes = match && unit ? Math.round(Number(match[1]) * unit) : Number.NaN;
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new CarillonError(
    'INVALID_FIELD',
    `${field} is ${JSON.stringify(shorten(text))}, which is not an amount of memory`,
    {
      field,
      value: shorten(text),
      allowed: 'bytes, or a number with a unit such as 128MiB, 1GB or 512k',
    },
  );
}
