/**
 * With what the command line proves who asks: a token that is given (`--token-file`, CARILLON_TOKEN), else the kept log-in for
 * the server, else, for a server on this host, the token of its own user. Without any, a server on this host may know the
 * user by the connection.
 */

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { CarillonError } from '../errors.ts';
import { isLoopbackHost } from '../who-asks/loopback.ts';
import type { Fetch } from './trust.ts';

export interface CredentialOptions {
  /** `--token-file`. */
  readonly file: string | null;
  /** CARILLON_TOKEN. */
  readonly token: string | null;
  /** Where the user keeps the state of programs. Null: nothing is kept. */
  readonly stateDir: string | null;
}

/** Log-ins by origin of the server. */
type Kept = Readonly<Record<string, string>>;

const keptFile = 'log-ins.json';

/** Adds the credential for the server to each request. INVALID_FIELD if the file of the token cannot be read. */
export function fetchAs(fetch: Fetch, options: CredentialOptions): Fetch {
  const given = options.file === null ? options.token : tokenIn(options.file);
  return (input, init) => {
    const credential = given ?? foundFor(String(input), options.stateDir);
    if (credential === null) return fetch(input, init);
    const headers = { ...(init?.headers as Record<string, string>), authorization: `Bearer ${credential}` };
    return fetch(input, { ...init, headers });
  };
}

/** Keeps the log-in for a server where only this user reads it. Null: forgets it. */
export function keepLogIn(stateDir: string, url: string, session: string | null): void {
  const { [new URL(url).origin]: _, ...others } = keptIn(stateDir);
  const kept: Kept = session === null ? others : { ...others, [new URL(url).origin]: session };
  const path = join(stateDir, keptFile);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(temporary, path);
}

function foundFor(url: string, stateDir: string | null): string | null {
  if (stateDir === null || !URL.canParse(url)) return null;
  const { origin, hostname, port, protocol } = new URL(url);
  const kept = keptIn(stateDir)[origin];
  if (kept !== undefined) return kept;
  const at = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
  return isThisHost(hostname) ? firstLine(join(stateDir, `server-${at}.token`)) : null;
}

/** A loopback name, or an address of this host. Other names could lead to another host. */
function isThisHost(hostname: string): boolean {
  if (isLoopbackHost(hostname)) return true;
  const own = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  return own.some(({ address }) => address === hostname || `[${address}]` === hostname);
}

function keptIn(stateDir: string): Kept {
  try {
    const kept: unknown = JSON.parse(readFileSync(join(stateDir, keptFile), 'utf8'));
    return typeof kept === 'object' && kept !== null ? (kept as Kept) : {};
  } catch {
    return {};
  }
}

function tokenIn(path: string): string {
  const token = firstLine(path);
  if (token !== null && /^[!-~]+$/.test(token)) return token;
  const allowed = 'a readable file with a token in its first line';
  throw new CarillonError('INVALID_FIELD', `${path} has no token that can be read. Allowed: ${allowed}.`, {
    ...{ field: 'tokenFile', value: path, allowed, source: '--token-file' },
  });
}

function firstLine(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').split('\n', 1)[0]?.trim() || null;
  } catch {
    return null;
  }
}
