/** The files of an authority and its nodes in a folder: `ca.pem`, `ca.key`, and two for each node. */

import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CarillonError } from '../../errors.ts';
import { writing } from '../job-files.ts';
import { isPair, type Pair } from './make.ts';

export const authorityName = 'ca';

export interface PairFiles {
  readonly cert: string;
  readonly key: string;
}

export const filesOf = (dir: string, name: string): PairFiles => ({
  cert: join(dir, `${name}.pem`),
  key: join(dir, `${name}.key`),
});

/** INVALID_FIELD if one of the files exists and `force` is not given. The key can only be read by its owner. */
export function writePair(dir: string, name: string, pair: Pair, force: boolean): PairFiles {
  const files = filesOf(dir, name);
  for (const path of Object.values(files)) if (!force) refuseExisting(path, name);
  writing(dir, () => mkdirSync(dir, { recursive: true, mode: 0o755 }));
  replace(files.key, pair.key, 0o600);
  replace(files.cert, pair.cert, 0o644);
  return files;
}

/** Whole at any time, for a server that reads it again when it changes. */
function replace(path: string, text: string, mode: number): void {
  const partial = `${path}.partial`;
  writing(path, () => {
    rmSync(partial, { force: true });
    writeFileSync(partial, text, { mode, flag: 'wx' });
    renameSync(partial, path);
  });
}

function refuseExisting(path: string, name: string): void {
  if (!existsSync(path)) return;
  const what =
    name === authorityName
      ? 'All certificates of nodes depend on it: use another folder, or remove it first.'
      : 'To renew it, pass --force.';
  throw new CarillonError('INVALID_FIELD', `${path} already exists. ${what}`, {
    field: 'file',
    value: path,
    allowed: 'a file that does not exist',
  });
}

/** INVALID_FIELD if there is no authority. */
export function readAuthority(dir: string): Pair {
  const files = filesOf(dir, authorityName);
  try {
    const pair = { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
    if (isPair(pair)) return pair;
  } catch {
    // Said below.
  }
  throw new CarillonError('INVALID_FIELD', `${dir} has no authority: ${files.cert} with ${files.key}.`, {
    field: 'in',
    value: dir,
    allowed: 'a folder in which carillon certs init made one',
  });
}

export interface Shown {
  readonly file: string;
  readonly name: string;
  readonly hosts: readonly string[];
  readonly ends: string;
  /** Its authority, as it calls itself. */
  readonly by: string;
}

/** All certificates in a folder, in order of name; what cannot be read is left out. */
export function certificatesIn(dir: string): Shown[] {
  const names = writing(dir, () => readdirSync(dir)).filter((name) => name.endsWith('.pem'));
  return names.sort().flatMap((name) => {
    const file = join(dir, name);
    try {
      return [shownOf(file, new X509Certificate(readFileSync(file)))];
    } catch {
      return [];
    }
  });
}

function shownOf(file: string, { subject, issuer, subjectAltName = '', validTo }: X509Certificate): Shown {
  const hosts = subjectAltName.split(', ').map((each) => each.replace(/^(DNS|IP Address):/, ''));
  return {
    file,
    name: commonName(subject),
    hosts: hosts.filter((host) => host !== ''),
    ends: new Date(validTo).toISOString(),
    by: commonName(issuer),
  };
}

const commonName = (subject: string): string => /^CN=(.*)$/m.exec(subject)?.[1] ?? subject;
