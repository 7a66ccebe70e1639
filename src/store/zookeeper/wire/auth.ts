/** ZooKeeper credentials, read from a file so that a password is never on a command line. */

import { readFileSync } from 'node:fs';
import { CarillonError } from '../../../errors.ts';

/** `user:password` on the first line. INVALID_FIELD, without the content of the file. */
export function readZooKeeperAuth(file: string): { readonly user: string; readonly password: string } {
  const refuse = (problem: string): CarillonError =>
    new CarillonError('INVALID_FIELD', `The ZooKeeper credentials in ${file} ${problem}.`, {
      field: 'zkAuthFile',
      value: file,
      allowed: 'a readable file whose first line is user:password',
    });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw refuse(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
  const [line = ''] = text.split(/\r?\n/, 1);
  const colon = line.indexOf(':');
  if (colon < 1 || colon === line.length - 1) throw refuse('are not user:password');
  return { user: line.slice(0, colon), password: line.slice(colon + 1) };
}
