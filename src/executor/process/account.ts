/** The user that a job runs as: its ids on this host, and the environment that a login would set. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Owner } from '../owner.ts';
import { refused } from '../supervised/refusal.ts';
import { onlyDescriptors } from '../supervisor/file.ts';

/** Longer than a working directory service takes. */
const withinMs = 15_000;
/** The next number means "unchanged" in system calls, and larger ones are truncated. */
const maxId = 2 ** 32 - 2;

export interface Account {
  /** Null: the scheduler's own user. */
  readonly owner: Owner | null;
  /**
   * The environment of a login: PATH (unless it is the scheduler's own user), HOME, USER, LOGNAME and SHELL.
   */
  readonly env: Readonly<Record<string, string>>;
}

/** `name`, `uid` or `uid:gid`. Supplementary groups are dropped. LAUNCH_REFUSED for an unknown user. */
export async function findAccount(user: string, supervisor: string | null): Promise<Account> {
  const allowed = 'a user of the scheduler’s host, as name, uid or uid:gid';
  const [, uid, , gid] = /^(\d{1,10})(:(\d{1,10}))?$/.exec(user) ?? [];
  const entry = await findPasswdEntry(uid ?? user, supervisor);
  if (!entry && !(uid && gid))
    throw refused('run.user', user, `There is no user ${user} on this host`, allowed);
  const owner = { uid: entry?.uid ?? Number(uid), gid: gid ? Number(gid) : entry!.gid };
  for (const id of [owner.uid, owner.gid]) {
    if (id <= maxId) continue;
    throw refused(
      'run.user',
      user,
      `The number ${id} in ${user} is not a valid user or group`,
      `0 to ${maxId}`,
    );
  }
  const self = { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 };
  const same = owner.uid === self.uid && owner.gid === self.gid;
  if (!same && self.uid !== 0) {
    const message = `Only a scheduler that runs as root can start a job as ${user}`;
    throw refused('run.user', user, message, 'no user, or the scheduler’s own');
  }
  const known = entry === null ? { HOME: '/' } : environmentOf(entry);
  if (same) return { owner: null, env: known };
  const definitions = await readFile('/etc/login.defs', 'utf8').catch(() => '');
  return { owner, env: { PATH: loginPath(definitions, owner.uid), ...known } };
}

const environmentOf = ({ name, home, shell }: PasswdEntry): Record<string, string> => ({
  HOME: home,
  USER: name,
  LOGNAME: name,
  SHELL: shell,
});

/** The PATH of a login: as in the text of login.defs, or login's own default. */
export function loginPath(definitions: string, uid: number): string {
  const name = uid === 0 ? 'ENV_SUPATH' : 'ENV_PATH';
  const said = new RegExp(String.raw`^[ \t]*${name}[ \t]+"?(?:PATH=)?([^"\s]+)`, 'm').exec(definitions)?.[1];
  const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  return said ?? folders.filter((folder) => uid === 0 || !folder.endsWith('sbin')).join(':');
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** Looks up a name or number: first in /etc/passwd, then in the directory services of the system. */
async function findPasswdEntry(key: string, supervisor: string | null): Promise<PasswdEntry | null> {
  const local = findEntry(await readFile('/etc/passwd', 'utf8').catch(() => ''), key);
  if (local || !/^[A-Za-z0-9_][A-Za-z0-9_.@\\-]*\$?$/.test(key)) return local;
  const [program, ...args] = onlyDescriptors(supervisor, 3, ['getent', 'passwd', key]);
  const answer = await promisify(execFile)(program, args, { timeout: withinMs }).catch(() => null);
  return answer ? findEntry(answer.stdout, key) : null;
}

function findEntry(text: string, key: string): PasswdEntry | null {
  for (const line of text.split('\n')) {
    const [name, , uid, gid, , home, shell] = line.split(':');
    if (!name || !uid || !gid || (name !== key && uid !== key)) continue;
    // Defaults for empty fields.
    return { name, uid: Number(uid), gid: Number(gid), home: home || '/', shell: shell || '/bin/sh' };
  }
  return null;
}
