/**
 * From a launch spec to what a process needs: program, environment, directory, user. Everything that could
 * make the start fail is found out here, before anything exists, and told as LAUNCH_REFUSED with the field's
 * name. Secrets are read here and go nowhere but into the environment of the job.
 */

import { execFile } from 'node:child_process';
import { access, constants, readFile, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { CarillonError } from '../errors.ts';
import type { LaunchSpec } from '../scheduler/spec.ts';
import { fetchFirst } from './fetch.ts';
import type { Owner } from './launch-directory.ts';
import { readSecretVariables } from './secret-file.ts';
import { onlyDescriptors } from './supervisor-file.ts';

/** What a job sees of the scheduler's own environment. All else, tokens among it, stays with the scheduler. */
const inherited = ['PATH', 'HOME', 'LANG', 'TZ', 'USER'] as const;
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface ProcessRequest {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Null: the launch's own. */
  readonly cwd: string | null;
  /** Null: as the scheduler itself. */
  readonly owner: Owner | null;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** LAUNCH_REFUSED or UNSUPPORTED_BY_ENGINE, naming what is wrong. `supervisor`: its program, if there is one. */
export async function processRequest(
  spec: LaunchSpec,
  environment: Environment,
  supervisor: string | null = null,
): Promise<ProcessRequest> {
  refuseUnsupported(spec);
  const account = spec.user === null ? null : await findAccount(spec.user, supervisor);
  if (spec.workdir !== null) await checkWorkdir(spec.workdir);
  const env: Record<string, string> = { PATH: defaultPath, ...pick(environment) };
  if (account?.name) env.USER = account.name;
  if (account?.home) env.HOME = account.home;
  Object.assign(env, spec.env, await readSecretVariables(spec.secrets));
  return {
    argv: await commandLine(spec, env.PATH ?? defaultPath),
    env,
    cwd: spec.workdir,
    owner: account?.owner ?? null,
  };
}

/** The program may be one of the downloads: then only its start tells whether it is there. */
async function commandLine(
  { argv, fetch = [], workdir }: LaunchSpec,
  path: string,
): Promise<readonly string[]> {
  const [program = '', ...rest] = argv ?? [];
  if (fetch.length > 0) return fetchFirst(fetch, [program, ...rest]);
  return [await findProgram(program, path, workdir), ...rest];
}

export function refused(field: string, value: unknown, message: string, allowed: string): CarillonError {
  return new CarillonError('LAUNCH_REFUSED', message, { field, value, allowed });
}

/** What would need a container is refused when a job is submitted; this is the last line of defence. */
function refuseUnsupported(spec: LaunchSpec): void {
  const wanted: readonly (readonly [field: string, value: unknown, isSet: boolean])[] = [
    ['run.image', spec.image, spec.image !== null],
    ['run.resources.cpus', spec.cpus, spec.cpus !== null],
    ['run.resources.memory', spec.memoryBytes, spec.memoryBytes !== null],
    ['run.resources.gpus', spec.gpus, (spec.gpus ?? 0) !== 0],
    ['run.constraints', spec.constraints, spec.constraints.length > 0],
    ['run.networks', spec.container.networks, spec.container.networks.length > 0],
    ['run.volumes', spec.volumes, spec.volumes.length > 0],
  ];
  for (const [field, value, isSet] of wanted) {
    if (!isSet) continue;
    throw new CarillonError('UNSUPPORTED_BY_ENGINE', `The process engine can not honour ${field}`, {
      field,
      value,
      allowed: 'a container engine, or the job without it',
    });
  }
  if (!spec.argv?.[0]) {
    throw refused('run.command', spec.argv, 'There is no command to run', 'run.command or run.argv');
  }
}

async function checkWorkdir(workdir: string): Promise<void> {
  const found = await stat(workdir).catch(() => null);
  if (found?.isDirectory() && isAbsolute(workdir)) return;
  const problem = found ? 'is not a directory given by its full path' : 'does not exist';
  throw refused(
    'run.workdir',
    workdir,
    `The working directory ${workdir} ${problem}`,
    'a directory on the scheduler’s host',
  );
}

/** The program as a path with a slash, as a shell in the job's directory would find it. */
async function findProgram(program: string, path: string, workdir: string | null): Promise<string> {
  const candidates = program.includes('/')
    ? [resolve(workdir ?? '/', program)]
    : path
        .split(delimiter)
        .filter(isAbsolute)
        .map((directory) => join(directory, program));
  for (const candidate of candidates) {
    const found = await stat(candidate).catch(() => null);
    if (!found?.isFile()) continue;
    const executable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return candidate;
  }
  const where = program.includes('/') ? candidates[0] : `PATH ${path}`;
  throw refused(
    'run.argv.0',
    program,
    `There is no program ${program} to execute (${where})`,
    'an executable file on the scheduler’s host',
  );
}

interface Account {
  /** Null: the scheduler's own, nothing to change. */
  readonly owner: Owner | null;
  readonly name: string | null;
  readonly home: string | null;
}

/** `name`, `uid` or `uid:gid`. Supplementary groups are dropped. */
async function findAccount(user: string, supervisor: string | null): Promise<Account> {
  const allowed = 'a user of the scheduler’s host, as name, uid or uid:gid';
  const [, uid, , gid] = /^(\d{1,10})(:(\d{1,10}))?$/.exec(user) ?? [];
  const entry = await findPasswdEntry(uid ?? user, supervisor);
  if (!entry && !(uid && gid)) throw refused('run.user', user, `There is no user ${user} here`, allowed);
  const owner = { uid: entry?.uid ?? Number(uid), gid: gid ? Number(gid) : entry!.gid };
  const self = { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 };
  const same = owner.uid === self.uid && owner.gid === self.gid;
  if (!same && self.uid !== 0) {
    const message = `Only a scheduler that runs as root can start a job as ${user}`;
    throw refused('run.user', user, message, 'no user, or the scheduler’s own');
  }
  return { owner: same ? null : owner, name: entry?.name ?? null, home: entry?.home ?? null };
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** By name or number: /etc/passwd first, then whatever directory the system asks. */
async function findPasswdEntry(key: string, supervisor: string | null): Promise<PasswdEntry | null> {
  const local = findEntry(await readFile('/etc/passwd', 'utf8').catch(() => ''), key);
  if (local || !/^[A-Za-z0-9_][A-Za-z0-9_.@\\-]*\$?$/.test(key)) return local;
  const [program, ...args] = onlyDescriptors(supervisor, 3, ['getent', 'passwd', key]);
  const answer = await promisify(execFile)(program, args).catch(() => null);
  return answer ? findEntry(answer.stdout, key) : null;
}

function findEntry(text: string, key: string): PasswdEntry | null {
  for (const line of text.split('\n')) {
    const [name, , uid, gid, , home] = line.split(':');
    if (!name || !uid || !gid || (name !== key && uid !== key)) continue;
    return { name, uid: Number(uid), gid: Number(gid), home: home ?? '/' };
  }
  return null;
}

function pick(environment: Environment): Record<string, string> {
  const found = inherited.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(found);
}
