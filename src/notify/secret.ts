/** Secrets are the first lines of files, and are read for each delivery, so that a new one counts at once. */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { CarillonError } from '../errors.ts';

const maxSecretBytes = 4 * 1024;
/** Never waits for the other end of a pipe. */
const readOnly = constants.O_RDONLY | constants.O_NONBLOCK;

/** NOTIFICATION_FAILED with the file and the reason, and nothing of its content. */
export async function readSecret(file: string): Promise<string> {
  const line = await firstLine(file).catch((error: NodeJS.ErrnoException) => {
    throw unusable(
      file,
      `it cannot be read (${error.code ?? error.message})`,
      'a file that the scheduler may read',
    );
  });
  // Also what a header may have.
  if (/^[ -~]+$/.test(line)) return line;
  throw unusable(
    file,
    'its first line is empty, too long or not plain',
    `a file with a secret of printable ASCII characters in its first line, at most ${maxSecretBytes} bytes`,
  );
}

/** The URL in a file. */
export async function readUrl(file: string): Promise<string> {
  const text = await readSecret(file);
  if (isUrl(text)) return text;
  throw unusable(file, 'it has no URL', 'a file with one http or https URL');
}

export const isUrl = (text: string): boolean => /^https?:\/\/[!-~]+$/i.test(text) && URL.canParse(text);

async function firstLine(path: string): Promise<string> {
  const file = await open(path, readOnly);
  try {
    if (!(await file.stat()).isFile()) throw new Error('it is not a file');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxSecretBytes + 1), 0, maxSecretBytes + 1, 0);
    const text = buffer.toString('utf8', 0, bytesRead);
    const [line = ''] = text.split('\n', 1);
    return Buffer.byteLength(line) > maxSecretBytes ? '' : line.trim();
  } finally {
    await file.close();
  }
}

function unusable(file: string, problem: string, allowed: string): CarillonError {
  return new CarillonError('NOTIFICATION_FAILED', `${file}: ${problem}. Allowed: ${allowed}.`, {
    value: file,
    allowed,
  });
}
