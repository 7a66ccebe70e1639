/**
 * Turns a launch spec into what a process needs: program, environment, directory, user. Everything that could
 * make the start fail is checked here, before anything exists, and reported as LAUNCH_REFUSED with the
 * field's name. Secrets are read here and only go into the environment of the job.
 */

import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { CarillonError } from '../../errors.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { Owner } from '../owner.ts';
import { masksOf } from '../secrets/mask.ts';
import { readSecretVariables, type Secrets } from '../secrets/secrets.ts';
import { overtimeOf } from '../supervised/overtime.ts';
import { refused } from '../supervised/refusal.ts';
import { systemLimits } from '../supervised/system-limits.ts';
import type { JobStart } from '../supervisor/start.ts';
import { type Account, findAccount } from './account.ts';
import { fetchFirst } from './fetch.ts';
import { findProgram } from './program-file.ts';

/**
 * What a job inherits of the scheduler's environment. Everything else, such as tokens, stays with the
 * scheduler.
 */
const inherited = {
  always: ['LANG', 'TZ'],
  /** Set for every user by a login. */
  byOwnUser: ['PATH', 'HOME', 'USER'],
} as const;
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface ProcessRequest extends Command, Pick<JobStart, 'masks' | 'systemLimits' | 'overtime'> {
  readonly env: Readonly<Record<string, string>>;
  /** Null: the launch's own. */
  readonly cwd: string | null;
  /** Null: the scheduler's user. */
  readonly owner: Owner | null;
}

interface Command {
  readonly argv: readonly string[];
  /** Standard input. Null: none. */
  readonly input: string | null;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface RequestParts {
  readonly environment: Environment;
  readonly secrets: Secrets;
  /** The supervisor's program. Null: there is none. */
  readonly supervisor: string | null;
  /** Folders with secrets for jobs of all users. Default: none. */
  readonly secretFolders?: readonly string[];
}

/** LAUNCH_REFUSED or UNSUPPORTED_BY_ENGINE, naming the problem. `found`: the path of the job's program, if it was searched before. */
export async function processRequest(
  spec: LaunchSpec,
  { environment, secrets, supervisor, secretFolders = [] }: RequestParts,
  found?: string,
): Promise<ProcessRequest> {
  refuseUnsupported(spec);
  const account = spec.user === null ? null : await findAccount(spec.user, supervisor);
  if (spec.workdir !== null) await checkWorkdir(spec.workdir);
  const owner = account?.owner ?? null;
  const access = { owner, folders: secretFolders, supervisor };
  const values = await readSecretVariables(secrets, spec.secrets, access);
  const env = { ...beginning(environment, account), ...spec.env, ...values };
  return {
    ...(await commandLine(spec, env.PATH ?? defaultPath, owner, found)),
    env,
    cwd: spec.workdir,
    owner,
    masks: masksOf(Object.values(values)),
    systemLimits: systemLimits(spec.ulimits),
    overtime: overtimeOf(spec),
  };
}

/** The environment before the job's own variables: another user gets nothing of the scheduler's. */
function beginning(environment: Environment, account: Account | null): Record<string, string> {
  const own = account?.owner ? [] : inherited.byOwnUser;
  return { PATH: defaultPath, ...pick(environment, [...inherited.always, ...own]), ...account?.env };
}

/** The program may be one of the downloads: then only its start shows whether it exists. */
async function commandLine(
  { argv, fetch = [], workdir }: LaunchSpec,
  path: string,
  owner: Owner | null,
  found: string | undefined,
): Promise<Command> {
  const [program = '', ...rest] = argv ?? [];
  if (fetch.length > 0) return fetchFirst(fetch, [program, ...rest]);
  return { argv: [found ?? (await findProgram({ program, path, workdir, owner })), ...rest], input: null };
}

/** Settings that need a container are refused when a job is submitted; this is the last line of defence. */
function refuseUnsupported(spec: LaunchSpec): void {
  const wanted: readonly (readonly [field: string, value: unknown, isSet: boolean])[] = [
    ['run.image', spec.image, spec.image !== null],
    ['run.resources.gpus', spec.gpus, (spec.gpus ?? 0) !== 0],
    ['run.constraints', spec.constraints, spec.constraints.length > 0],
    ['run.networks', spec.container.networks, spec.container.networks.length > 0],
    ['run.volumes', spec.volumes, spec.volumes.length > 0],
  ];
  for (const [field, value, isSet] of wanted) {
    if (!isSet) continue;
    throw new CarillonError('UNSUPPORTED_BY_ENGINE', `The process engine does not support ${field}`, {
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
  const problem = found ? 'is not a directory given as an absolute path' : 'does not exist';
  throw refused(
    'run.workdir',
    workdir,
    `The working directory ${workdir} ${problem}`,
    'a directory on the scheduler’s host',
  );
}

function pick(environment: Environment, names: readonly string[]): Record<string, string> {
  const found = names.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(found);
}
