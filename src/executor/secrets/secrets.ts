/**
 * The secrets of jobs: read from their source when a job is launched, and never kept, logged or shown. All engines read them
 * here. A file is read with the rights of its job's user. Of the scheduler's variables, of commands and of servers, jobs may
 * use what the settings name.
 */

import { secretRef } from '../../scheduler/job/container-spec.ts';
import type { RunDefinition } from '../../scheduler/job/definition.ts';
import type { Inability } from '../../scheduler/job/engine-abilities.ts';
import type { SecretRef, VaultKey } from '../../scheduler/job/spec.ts';
import type { Clock } from '../../scheduler/ports.ts';
import { type Bare, SecretCommands } from './command.ts';
import { readSecretFile, type SecretAccess } from './file.ts';
import { secretRefused } from './refusal.ts';

export interface Secrets {
  /**
   * The unchanged content. LAUNCH_REFUSED naming `field`; ENGINE_UNAVAILABLE while the server that has it cannot answer.
   * `access`: for files. Default: that of the scheduler's user.
   */
  read(field: string, ref: SecretRef, access?: SecretAccess): Promise<Buffer>;
  /** Sources that the settings do not open to jobs, for the check of a job when it is submitted. */
  readonly inabilities: readonly Inability[];
  /** Ends connections to servers. */
  close(): void;
}

/** A server that keeps secrets. */
export interface SecretServer {
  read(field: string, key: VaultKey): Promise<Buffer>;
  /** Patterns of paths that jobs may name. */
  readonly paths: readonly string[];
  close(): void;
}

export interface SecretsParts {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Patterns of variables that jobs may name: a `*` at the end stands for any text. */
  readonly variables: readonly string[];
  /** Paths of programs that jobs may name. */
  readonly programs: readonly string[];
  /** Null: none is set. */
  readonly server: SecretServer | null;
  readonly bare: Bare;
}

/** What jobs may name of one kind of source. */
interface Rule {
  readonly why: string;
  readonly allowed: string;
  /** What a job names beyond it. Undefined: nothing. */
  readonly beyond: (ref: SecretRef) => string | undefined;
}

export function createSecrets(parts: SecretsParts): Secrets {
  const { clock, environment, variables, programs, server, bare } = parts;
  const commands = new SecretCommands({ clock, environment, bare });
  const rules = [
    rule('variables of the scheduler', '--secret-env', variables, (ref) => ('env' in ref ? ref.env : null)),
    rule('commands', '--secret-exec', programs, (ref) => ('exec' in ref ? (ref.exec[0] ?? '') : null)),
    rule('paths in Vault', '--vault-file', server?.paths ?? [], (ref) =>
      'vault' in ref ? ref.vault.path : null,
    ),
  ];
  return {
    close: () => server?.close(),
    inabilities: rules.map(({ why, beyond }) => ({ field: 'secrets', why, asked: firstIn(beyond) })),
    async read(field, ref, access) {
      for (const { why, allowed, beyond } of rules) {
        const value = beyond(ref);
        if (value !== undefined) throw secretRefused(field, why, { value, allowed });
      }
      if ('env' in ref) return Buffer.from(variable(environment, field, ref.env));
      if ('exec' in ref) return commands.run(field, ref.exec);
      // Without a server, no path is allowed.
      if ('vault' in ref) return server!.read(field, ref.vault);
      return readSecretFile(field, ref.file, access);
    },
  };
}

/** The secrets that are environment variables, by name. LAUNCH_REFUSED, ENGINE_UNAVAILABLE. */
export async function readSecretVariables(
  secrets: Secrets,
  refs: Readonly<Record<string, SecretRef>>,
  access?: SecretAccess,
): Promise<Record<string, string>> {
  const read = async ([name, ref]: [string, SecretRef]) =>
    [name, await readSecretText(secrets, `run.secrets.${name}`, ref, access)] as const;
  return Object.fromEntries(await Promise.all(Object.entries(refs).map(read)));
}

/** The text without its last line break. LAUNCH_REFUSED, ENGINE_UNAVAILABLE. */
export async function readSecretText(
  secrets: Secrets,
  field: string,
  ref: SecretRef,
  access?: SecretAccess,
): Promise<string> {
  const text = (await secrets.read(field, ref, access)).toString('utf8').replace(/\r?\n$/, '');
  if (!text.includes('\0')) return text;
  throw secretRefused(field, 'it contains a NUL byte', { allowed: 'a text without NUL' });
}

function rule(
  what: string,
  setting: string,
  patterns: readonly string[],
  named: (ref: SecretRef) => string | null,
): Rule {
  const allowed = patterns.length === 0 ? `none, because ${setting} is not set` : patterns.join(', ');
  const isAllowed = (name: string): boolean =>
    patterns.some((pattern) =>
      pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
    );
  return {
    why: `of ${what}, jobs may use ${patterns.length === 0 ? allowed : `${allowed} (${setting})`}`,
    allowed,
    beyond: (ref) => {
      const name = named(ref);
      return name === null || isAllowed(name) ? undefined : name;
    },
  };
}

const firstIn =
  (beyond: Rule['beyond']): Inability['asked'] =>
  ({ secrets = {}, registry }: RunDefinition) => {
    const all = [...Object.values(secrets), ...(registry === undefined ? [] : [registry.secret])];
    return all.map((secret) => beyond(secretRef(secret))).find((name) => name !== undefined);
  };

function variable(environment: SecretsParts['environment'], field: string, name: string): string {
  const value = environment[name];
  if (value !== undefined) return value;
  throw secretRefused(field, `the scheduler has no variable ${name}`, {
    value: name,
    allowed: 'a variable of the scheduler’s environment',
  });
}
