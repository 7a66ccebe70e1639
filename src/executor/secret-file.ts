/** Secrets as files: read at launch, bounded, and never in a message. */

import { open } from 'node:fs/promises';
import { CarillonError } from '../errors.ts';
import type { SecretRef } from '../scheduler/spec.ts';

/** Keys and certificates fit; a mistaken path to a database does not. */
const maxSecretBytes = 1024 * 1024;

/** The text without its last line end. LAUNCH_REFUSED with `field` when it can't be read. */
export async function readSecretFile(field: string, { file }: SecretRef): Promise<string> {
  const refuse = (problem: string): CarillonError =>
    new CarillonError('LAUNCH_REFUSED', `The secret ${field} can not be used: ${file} ${problem}`, {
      field,
      value: file,
      allowed: `a readable file of at most ${maxSecretBytes} bytes without NUL`,
    });
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    throw refuse(`can not be opened (${error.code ?? 'unknown error'})`);
  });
  try {
    if (!(await handle.stat()).isFile()) throw refuse('is not a file');
    const buffer = Buffer.alloc(maxSecretBytes + 1);
    let size = 0;
    for (let count = 1; count > 0 && size < buffer.length; size += count) {
      count = (await handle.read(buffer, size, buffer.length - size, null)).bytesRead;
    }
    if (size > maxSecretBytes) throw refuse('is too long');
    const text = buffer.toString('utf8', 0, size).replace(/\r?\n$/, '');
    if (text.includes('\0')) throw refuse('holds a NUL byte');
    return text;
  } finally {
    await handle.close();
  }
}
