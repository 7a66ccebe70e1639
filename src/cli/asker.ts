/** Who uses the command line, as servers keep it beside what was changed. */

import { hostname, userInfo } from 'node:os';

/** `ann@laptop`; the number of a user whom this system has no account for, as containers are often started. */
export const askedBy = (): string => `${accountName()}@${hostname()}`;

/** A name as a header can carry it: headers hold bytes, so its UTF-8 goes byte by byte. */
export const nameInHeader = (name: string): string => Buffer.from(name).toString('latin1');

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
