/**
 * The logins of this host for registries: the config.json of Docker's own client, and the helper programs that
 * it names. Read anew for each pull, so that a login or a rotated token counts at once. What a file or a helper
 * says is never quoted; only their names and how they failed are.
 */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { CarillonError } from '../../errors.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { Clock } from '../../scheduler/ports.ts';
import { readSecretFile } from '../secret-file.ts';
import { helperLogin, registryAuth, registryEntry, registryOf } from './registry.ts';
import type { Login, RegistryAuth } from './transport.ts';

/** Helpers ask key stores and clouds; one that waits for a person never ends. */
const helperTimeoutMs = 15_000;
/** A login is some kilobytes at most, even with a token. */
const maxAnswerBytes = 64 * 1024;
/** What helpers say, by their protocol on the standard output, when they have no login: they have no code for it. */
const notFound = 'credentials not found in native keychain';
/** They are programs on the path, and nothing else. */
const helperName = /^[A-Za-z0-9_.-]{1,64}$/;

/** The login for the registry of an image; null: none is needed, as far as this host knows. */
export type FindCredentials = (image: string) => Promise<RegistryAuth | null>;

/** A host that looks for no logins. */
export const noCredentials: FindCredentials = async () => null;

/** The login that the job itself brings, or null. LAUNCH_REFUSED when it can't be read. */
export async function ownCredentials(
  { registrySecret }: LaunchSpec,
  image: string,
): Promise<RegistryAuth | null> {
  if (registrySecret === null) return null;
  return registryAuth(image, await readSecretFile('run.registry.secret', registrySecret));
}

export interface CredentialOptions {
  /** Null: there is none. */
  readonly configFile: string | null;
  /** For the helpers, which need at least PATH and HOME. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** The command line by which a helper gets its three streams and nothing else that is open here. */
  readonly bare?: (argv: readonly [string, ...string[]]) => readonly [string, ...string[]];
}

/** The finder ends by LAUNCH_REFUSED where a login was to be had and could not be read. */
export function createCredentials(options: CredentialOptions): FindCredentials {
  return async (image) => {
    const { configFile } = options;
    if (configFile === null) return null;
    const registry = registryOf(image);
    const text = await readFile(configFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw refused(`${configFile} can not be read (${error.code ?? 'unknown error'})`, configFile);
    });
    const entry = registryEntry(text, registry);
    if (entry === null) throw refused(`${configFile} is not a JSON object`, configFile);
    const login =
      (entry.helper === null ? null : await askHelper(entry.helper, registry, options)) ?? entry.login;
    return login === null ? null : { ...login, serveraddress: registry };
  };
}

/** Null when it knows none. */
async function askHelper(name: string, registry: string, options: CredentialOptions): Promise<Login | null> {
  const program = `docker-credential-${name}`;
  if (!helperName.test(name)) throw refused('the name of its credential helper is none', name);
  const { failure, answer } = await runHelper(program, registry, options);
  if (failure !== null && answer.trim() === notFound) return null;
  const login = failure === null ? helperLogin(answer) : null;
  if (login === null) throw refused(`${program} ${failure ?? 'gave no login'} for ${registry}`, program);
  return login;
}

/** `failure` says how it ended if not well, in words that hold nothing of its output. */
function runHelper(
  program: string,
  registry: string,
  { environment, clock, bare = (argv) => argv }: CredentialOptions,
): Promise<{ failure: string | null; answer: string }> {
  const bounds = { maxBuffer: maxAnswerBytes, killSignal: 'SIGKILL', env: { ...environment } } as const;
  return new Promise((resolve) => {
    const [first, ...args] = bare([program, 'get']);
    const child = execFile(first, args, bounds, (error, answer) => {
      cancel();
      // Shells and the like have this code for a program that is not there.
      const code = error?.code === 127 ? 'ENOENT' : error?.code;
      resolve({ failure: error === null ? null : `failed (${code ?? error.signal})`, answer });
    });
    const cancel = clock.after(helperTimeoutMs, () => {
      child.kill('SIGKILL');
      child.stdout?.destroy();
      // What it has started itself may hold on to its output: that is not waited for.
      resolve({ failure: `gave no answer within ${helperTimeoutMs / 1000} s`, answer: '' });
    });
    // It may end, or not exist, without having read.
    child.stdin?.on('error', () => {});
    child.stdin?.end(registry);
  });
}

function refused(problem: string, value: string): CarillonError {
  return new CarillonError('LAUNCH_REFUSED', `The registry login can not be used: ${problem}`, {
    field: 'docker-config',
    value,
    allowed: 'a config.json as docker login writes it, whose helpers answer',
  });
}
