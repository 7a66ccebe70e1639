/**
 * Registry logins of this host: the config.json of Docker's own client, and the credential helpers that it
 * names. Read again for each pull, so that a new login or a rotated token counts at once. The content of a
 * file or the output of a helper is never quoted, only their names and how they failed.
 */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { CarillonError } from '../../errors.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { Clock } from '../../scheduler/ports.ts';
import { readSecretText, type Secrets } from '../secrets/secrets.ts';
import { helperLogin, registryAuth, registryEntry, registryOf } from './registry.ts';
import type { Login, RegistryAuth } from './transport.ts';

/** Helpers query key stores and clouds; one that waits for a person never ends. */
const helperTimeoutMs = 15_000;
/** A login has a few kilobytes at most, even with a token. */
const maxAnswerBytes = 64 * 1024;
/** The output of helpers that have no login: their protocol has no code for it. */
const notFound = 'credentials not found in native keychain';
/** Helpers are programs on the path. */
const helperName = /^[A-Za-z0-9_.-]{1,64}$/;

/** Finds the login for the registry of an image. Null: this host has none. */
export type FindCredentials = (image: string) => Promise<RegistryAuth | null>;

/** Finds no logins. */
export const noCredentials: FindCredentials = async () => null;

/** The login of the job itself, or null. LAUNCH_REFUSED if it cannot be read. */
export async function ownCredentials(
  { registrySecret }: LaunchSpec,
  image: string,
  secrets: Secrets,
): Promise<RegistryAuth | null> {
  if (registrySecret === null) return null;
  return registryAuth(image, await readSecretText(secrets, 'run.registry.secret', registrySecret));
}

export interface CredentialParts {
  /** Null: there is none. */
  readonly configFile: string | null;
  /** For the helpers, which need at least PATH and HOME. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Returns a command line that passes only the three standard streams to a helper. */
  readonly bare?: (argv: readonly [string, ...string[]]) => readonly [string, ...string[]];
}

/** The returned function fails with LAUNCH_REFUSED if an existing login cannot be read. */
export function createCredentials(parts: CredentialParts): FindCredentials {
  return async (image) => {
    const { configFile } = parts;
    if (configFile === null) return null;
    const registry = registryOf(image);
    const text = await readFile(configFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw refused(`${configFile} cannot be read (${error.code ?? 'unknown error'})`, configFile);
    });
    const entry = registryEntry(text, registry);
    if (entry === null) throw refused(`${configFile} is not a JSON object`, configFile);
    const login =
      (entry.helper === null ? null : await askHelper(entry.helper, registry, parts)) ?? entry.login;
    return login === null ? null : { ...login, serveraddress: registry };
  };
}

/** Null if the helper has no login. */
async function askHelper(name: string, registry: string, parts: CredentialParts): Promise<Login | null> {
  const program = `docker-credential-${name}`;
  if (!helperName.test(name)) throw refused('the name of its credential helper is invalid', name);
  const { failure, answer } = await runHelper(program, registry, parts);
  if (failure !== null && answer.trim() === notFound) return null;
  const login = failure === null ? helperLogin(answer) : null;
  if (login === null) throw refused(`${program} ${failure ?? 'returned no login'} for ${registry}`, program);
  return login;
}

/** `failure` describes an unsuccessful end, without any of its output. */
function runHelper(
  program: string,
  registry: string,
  { environment, clock, bare = (argv) => argv }: CredentialParts,
): Promise<{ failure: string | null; answer: string }> {
  const bounds = { maxBuffer: maxAnswerBytes, killSignal: 'SIGKILL', env: { ...environment } } as const;
  return new Promise((resolve) => {
    const [first, ...args] = bare([program, 'get']);
    const child = execFile(first, args, bounds, (error, answer) => {
      cancel();
      // Shells and similar programs use this code for a missing program.
      const code = error?.code === 127 ? 'ENOENT' : error?.code;
      resolve({ failure: error === null ? null : `failed (${code ?? error.signal})`, answer });
    });
    const cancel = clock.after(helperTimeoutMs, () => {
      child.kill('SIGKILL');
      child.stdout?.destroy();
      // Its child processes may keep its output open, so do not wait for that.
      resolve({ failure: `did not respond within ${helperTimeoutMs / 1000} s`, answer: '' });
    });
    // It may end, or not exist, without having read.
    child.stdin?.on('error', () => {});
    child.stdin?.end(registry);
  });
}

function refused(problem: string, value: string): CarillonError {
  return new CarillonError('LAUNCH_REFUSED', `The registry login cannot be used: ${problem}`, {
    field: 'docker-config',
    value,
    allowed: 'a config.json as written by docker login, with working helpers',
  });
}
