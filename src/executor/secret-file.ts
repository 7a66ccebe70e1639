/** Secrets as files: read at launch, bounded, and never in a message. */

import { open } from 'node:fs/promises';
import { CarillonError } from '../errors.ts';
import type { SecretRef } from '../scheduler/spec.ts';

/** Keys and certificates fit; a mistaken path to a database does not. */
const maxSecretBytes = 1024 * 1024;

/** As an environment variable can hold it: the text without its last line end. LAUNCH_REFUSED with `field`. */
export async function readSecretFile(field: string, ref: SecretRef): Promise<string> {
  const text = (await readSecretBytes(field, ref)).toString('utf8').replace(/\r?\n$/, '');
  if (text.includes('\0')) throw refused(field, ref, 'holds a NUL byte');
  return text;
}

/** The secrets of a job that are variables of its environment, by name. LAUNCH_REFUSED for what can't be read. */
export async function readSecretVariables(
  secrets: Readonly<Record<string, SecretRef>>,
): Promise<Record<string, string>> {
  const read = async ([name, ref]: [string, SecretRef]) =>
    [name, await readSecretFile(`run.secrets.${name}`, ref)] as const;
  return Object.fromEntries(await Promise.all(Object.entries(secrets).map(read)));
}

/** As it is. LAUNCH_REFUSED with `field` when it can't be read. */
export async function readSecretBytes(field: string, ref: SecretRef): Promise<Buffer> {
  const handle = await open(ref.file, 'r').catch((error: NodeJS.ErrnoException) => {
    throw refused(field, ref, `can not be opened (${error.code ?? 'unknown error'})`);
  });
  try {
    if (!(await handle.stat()).isFile()) throw refused(field, ref, 'is not a file');
    const buffer = Buffer.alloc(maxSecretBytes + 1);
    let size = 0;
    for (let count = 1; count > 0 && size < buffer.length; size += count) {
      count = (await handle.read(buffer, size, buffer.length - size, null)).bytesRead;
    }
    if (size > maxSecretBytes) throw refused(field, ref, 'is too long');
    return buffer.subarray(0, size);
  } finally {
    await handle.close();
  }
}

function refused(field: string, { file }: SecretRef, problem: string): CarillonError {
  return new CarillonError('LAUNCH_REFUSED', `The secret ${field} can not be used: ${file} ${problem}`, {
    field,
    value: file,
    allowed: `a readable file of at most ${maxSecretBytes} bytes, without NUL in a variable`,
  });
}
