/**
 * Who owns the other end of a connection of this host, by the tables of the system (`/proc/net/tcp`, `tcp6`). They have
 * a line for each end of a connection, with the user of the program that opened it.
 *
 * An end that its program has closed has no owner any more, and the system writes 0 for it, as for root. So only a
 * line of an established connection with an inode counts.
 */

import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';

/** One end of a connection, as sockets name it. */
export interface End {
  readonly address: string;
  readonly port: number;
}

export interface Owners {
  /** The user id. Null: it cannot be told. `near` is our end, `far` that of the client. */
  ownerOf(far: End, near: End): Promise<number | null>;
}

const established = '01';
/** Columns of a line, between spaces. */
const [stateColumn, userColumn, inodeColumn] = [3, 7, 9];

const readTables = (): Promise<readonly Buffer[]> =>
  Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path).catch(() => Buffer.alloc(0))));

/** The tables take milliseconds with thousands of connections: all that ask at the same time share one read. */
export class ConnectionTable implements Owners {
  readonly #read: () => Promise<readonly Buffer[]>;
  /** Not begun yet, so that it has the connections of all that ask until then. */
  #next: Promise<readonly Buffer[]> | null = null;
  #current: Promise<unknown> = Promise.resolve();

  constructor(read = readTables) {
    this.#read = read;
  }

  async ownerOf(far: End, near: End): Promise<number | null> {
    const forms = formsOf(far).flatMap((from, i) => {
      const to = formsOf(near)[i];
      return to === undefined ? [] : [`${from} ${to} `];
    });
    for (const table of await this.#fresh()) {
      for (const form of forms) {
        const owner = ownerIn(table, form);
        if (owner !== null) return owner;
      }
    }
    return null;
  }

  #fresh(): Promise<readonly Buffer[]> {
    this.#next ??= this.#current.then(() => {
      this.#next = null;
      const reading = this.#read();
      this.#current = reading.catch(() => undefined);
      return reading;
    });
    return this.#next;
  }
}

function ownerIn(table: Buffer, form: string): number | null {
  const at = table.indexOf(form, 0, 'latin1');
  if (at < 0) return null;
  const start = table.lastIndexOf(10, at) + 1;
  const end = table.indexOf(10, at);
  const columns = table
    .toString('latin1', start, end < 0 ? table.length : end)
    .trim()
    .split(/\s+/);
  const [state, user, inode] = [stateColumn, userColumn, inodeColumn].map((column) => columns[column]);
  return state === established && inode !== '0' && /^\d+$/.test(user ?? '') ? Number(user) : null;
}

/** As the tables write it: words of 32 bits in the byte order of the machine. IPv4 also as IPv6 holds it. */
function formsOf({ address, port }: End): readonly string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const plain = address.replace(/^::ffff:(?=\d)/i, '');
  if (plain === '::1') return [`${'0'.repeat(24)}${word([0, 0, 0, 1])}${end}`];
  const bytes = plain.split('.').map(Number);
  if (bytes.length !== 4 || !bytes.every((byte) => byte >= 0 && byte <= 255)) return [];
  return [`${word(bytes)}${end}`, `${'0'.repeat(16)}${word([0, 0, 255, 255])}${word(bytes)}${end}`];
}

const word = (bytes: readonly number[]): string =>
  (endianness() === 'LE' ? bytes.toReversed() : bytes)
    .map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
    .join('');
