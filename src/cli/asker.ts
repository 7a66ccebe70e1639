/** The user of the command line, as servers record it with a change. */

import { hostname, userInfo } from 'node:os';

/**
 * `ann@laptop`, or the numeric id of a user without an account on this system, which is common in containers.
 */
export const askedBy = (): string => `${accountName()}@${hostname()}`;

/** Encodes a name for a header: headers carry bytes, so its UTF-8 is sent byte by byte. */
export const nameInHeader = (name: string): string => Buffer.from(name).toString('latin1');

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
