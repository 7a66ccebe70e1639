/**
 * Configuration: flags, environment and file become one frozen value, once, before anything else is built. A
 * flag overrides a variable, a variable overrides the file, the file overrides the default. Unknown settings
 * are errors: a misspelt one would otherwise silently mean the default. No other code reads the environment.
 */

import { readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { CarillonError, invariant } from '../errors.ts';
import { nearest } from '../scheduler/job/schema/nearest.ts';
import { flagOf, type Setting, type ValuesOf, variableOf } from '../setting.ts';
import { nodeSettings, settings } from './settings.ts';
import { refuseOpenDoors } from './tls/doors.ts';

/** All settings by name. Durations are in milliseconds, sizes in bytes. */
export interface Config extends ValuesOf<typeof nodeSettings> {
  /** Settings of the engines, by engine. */
  readonly engines: Readonly<Record<string, unknown>>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What an API client takes from the environment. */
export interface ClientConfig {
  readonly url: string | null;
  /** A file of authorities. */
  readonly ca: string | null;
  readonly color: boolean;
  readonly spoolDir: string;
  /** Where this program keeps its state of the user: credentials. */
  readonly stateDir: string;
  readonly token: string | null;
}

const names = Object.keys(settings);
/** Variables set for jobs or read by the client. A scheduler started in such an environment ignores them. */
const othersVariables = ['URL', 'CA', 'TOKEN', 'JOB', 'RUN', 'DUE', 'ATTEMPT', 'PARENTS'].map(
  (name) => `CARILLON_${name}`,
);

/** A setting as given. `source` is `--port`, `CARILLON_PORT` or `carillon.yaml:3`. */
interface RawSetting {
  readonly raw: unknown;
  readonly source: string;
}
type RawSettings = Record<string, RawSetting>;

/**
 * Reads the whole configuration. `args` has only the flags. UNKNOWN_SETTING and INVALID_FIELD name the flag,
 * variable or line in `details.source`.
 */
export function loadConfig(args: readonly string[], environment: Environment): Config {
  const flags = readFlags(args);
  const variables = readVariables(environment);
  const file = flags.file ?? variables.file;
  const found = {
    ...readSharedVariables(environment),
    ...(file && readFile(file)),
    ...variables.found,
    ...flags.found,
  };
  const valuesOf = (wanted: (name: string) => boolean) =>
    Object.freeze(Object.fromEntries(names.filter(wanted).map((name) => [name, resolve(name, found[name])])));
  const isOfNode = (name: string): boolean => Object.hasOwn(nodeSettings, name);
  const config = {
    ...(valuesOf(isOfNode) as ValuesOf<typeof nodeSettings>),
    engines: valuesOf((name) => !isOfNode(name)),
  };
  refuseOpenDoors(config, (name) => found[name]?.source ?? flagOf(name));
  return Object.freeze(config);
}

/** Reads `CARILLON_URL`, `CARILLON_CA` and `CARILLON_TOKEN`, the common `NO_COLOR`, and where programs keep state. */
export function loadClientConfig(environment: Environment): ClientConfig {
  const state = environment.XDG_STATE_HOME || join(homedir(), '.local', 'state');
  return Object.freeze({
    url: environment.CARILLON_URL || null,
    ca: environment.CARILLON_CA || null,
    color: !environment.NO_COLOR,
    spoolDir: join(state, 'carillon', 'spool'),
    stateDir: join(state, 'carillon'),
    token: environment.CARILLON_TOKEN || null,
  });
}

function resolve(name: string, found: RawSetting | undefined): unknown {
  const { kind, default: byDefault, detect } = rowOf(name);
  if (found === undefined) return detect?.() ?? byDefault;
  try {
    const value = kind.read(found.raw);
    if (value !== undefined) return value;
  } catch (error) {
    if (!(error instanceof CarillonError)) throw error;
  }
  throw refused(name, found, kind.allowed);
}

function refused(name: string, { raw, source }: RawSetting, allowed: string): CarillonError {
  const value = typeof raw === 'object' ? JSON.stringify(raw) : String(raw ?? '');
  const what = value === '' ? 'has no value' : `is ${JSON.stringify(value)}`;
  return new CarillonError('INVALID_FIELD', `${source} ${what}. Allowed: ${allowed}.`, {
    field: name,
    value,
    allowed,
    source,
  });
}

/** True if it stands for all addresses of this host. */
export const isWildcard = (host: string): boolean => ['0.0.0.0', '::', '[::]'].includes(host);

/** Host names of this server besides loopback names, without ports. */
export function hostsOf({ host, advertiseUrl, allowedHost }: Config): string[] {
  const advertised = advertiseUrl === null ? [] : [new URL(advertiseUrl).hostname];
  return [isWildcard(host) ? hostname() : host, ...advertised, ...allowedHost];
}

function readFlags(args: readonly string[]): { found: RawSettings; file: RawSetting | undefined } {
  const byFlag = new Map<string, string>([[flagOf('config'), 'config']]);
  for (const name of names) byFlag.set(flagOf(name), name);
  const options: Record<string, { type: 'string' | 'boolean' }> = {};
  for (const [flag, name] of byFlag) {
    const needsValue = name === 'config' || rowOf(name).kind.placeholder !== '';
    options[flag.slice(2)] = { type: needsValue ? 'string' : 'boolean' };
  }
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const found: RawSettings = {};
  let file: RawSetting | undefined;
  for (const token of tokens) {
    if (token.kind !== 'option') {
      const value = token.kind === 'positional' ? token.value : '--';
      throw unknown('argument', value, value, [...byFlag.keys()]);
    }
    const source = token.rawName;
    const name = byFlag.get(source);
    if (name === undefined) throw unknown('flag', source, source, [...byFlag.keys()]);
    // A flag in the position of a value means that the value was forgotten.
    const forgotten = token.inlineValue === false && token.value.startsWith('--');
    const isSwitch = name !== 'config' && rowOf(name).kind.placeholder === '';
    const raw = forgotten ? '' : (token.value ?? (isSwitch ? true : ''));
    if (name === 'config') file = { raw, source };
    else found[name] = { raw: isRepeated(name) ? together(found[name], raw) : raw, source };
  }
  return { found, file };
}

const isRepeated = (name: string): boolean => 'repeated' in rowOf(name).kind;

/** Joins the values of a repeated flag. A repeat without a value leaves an empty item, which is refused. */
const together = (before: RawSetting | undefined, raw: unknown): unknown =>
  before === undefined ? raw : `${before.raw},${raw}`;

function readVariables(environment: Environment): { found: RawSettings; file: RawSetting | undefined } {
  const byVariable = new Map(names.map((name) => [variableOf(name), name]));
  const known = [...byVariable.keys(), variableOf('config')];
  const found: RawSettings = {};
  let file: RawSetting | undefined;
  for (const [variable, raw] of Object.entries(environment)) {
    // Compose files and shells express "not set" as an empty value.
    if (!variable.startsWith('CARILLON_') || raw === undefined || raw === '') continue;
    const name = byVariable.get(variable);
    if (name !== undefined) found[name] = { raw, source: variable };
    else if (variable === variableOf('config')) file = { raw, source: variable };
    else if (!othersVariables.includes(variable)) throw unknown('variable', variable, variable, known);
  }
  return { found, file };
}

function readSharedVariables(environment: Environment): RawSettings {
  const found: RawSettings = {};
  for (const name of names) {
    const source = rowOf(name).sharedVariable;
    const raw = source === undefined ? undefined : environment[source];
    if (source !== undefined && raw !== undefined && raw !== '') found[name] = { raw, source };
  }
  return found;
}

function readFile({ raw: path, source }: RawSetting): RawSettings {
  const text = readText(String(path), source);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const at = (offset: number | undefined) => `${path}:${lines.linePos(offset ?? 0).line}`;
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem) {
    throw new CarillonError('INVALID_BODY', `${at(problem.pos[0])}: ${problem.message}`, {
      source: at(problem.pos[0]),
      allowed: 'settings as YAML or JSON',
    });
  }
  const root = document.contents;
  if (root === null) return {};
  if (!isMap(root)) throw refused('config', { raw: path, source }, 'settings, one `name: value` per line');
  const values = document.toJS() as Record<string, unknown>;
  const found: RawSettings = {};
  for (const { key } of root.items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    const line = at(key.range?.[0]);
    if (!isSetting(name)) throw unknown('key', name, line, names);
    found[name] = { raw: values[name], source: line };
  }
  return found;
}

const isSetting = (name: string): boolean => Object.hasOwn(settings, name);

function rowOf(name: string): Setting<unknown> {
  const row = settings[name];
  invariant(row !== undefined, `the setting ${name} is in the table`);
  return row;
}

function readText(path: string, source: string): string {
  if (path === '') throw refused('config', { raw: path, source }, 'a YAML or JSON file');
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw refused('config', { raw: path, source }, 'a readable YAML or JSON file');
  }
}

/** Settings of earlier releases, in all their spellings, and what became of them. */
const renamed: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({ insecure: 'insecureHttp' }).flatMap(([before, now]) =>
    [flagOf, variableOf, (name: string) => name].map((spelt) => [spelt(before), spelt(now)]),
  ),
);

function unknown(what: string, name: string, source: string, known: readonly string[]): CarillonError {
  const now = renamed[name];
  const meant = now ?? nearest(name, known);
  const hint = now ? ` It is ${now} now.` : meant ? ` Did you mean ${meant}?` : '';
  const allowed = meant ? [meant, ...known.filter((each) => each !== meant)] : known;
  return new CarillonError('UNKNOWN_SETTING', `Unknown ${what} ${name}.${hint}`, {
    field: name,
    allowed,
    source,
  });
}

/** The settings for the help: one flag per line, with meaning and default. */
export function describeSettings(): string {
  const rows = names.map((name) => {
    const { kind, default: byDefault, help } = rowOf(name);
    const flag = kind.placeholder ? `${flagOf(name)} <${kind.placeholder}>` : flagOf(name);
    const shown = typeof byDefault === 'string' || name.match(/port|Concurrency/) ? ` (${byDefault})` : '';
    return [flag, help + shown] as const;
  });
  rows.push([
    '--config <file>',
    'YAML or JSON file with the same settings, such as `dataDir: /var/lib/carillon`.',
  ]);
  const width = Math.max(...rows.map(([flag]) => flag.length));
  const lines = rows.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`);
  return [
    ...lines,
    '',
    `Each setting is also a variable (${variableOf('dataDir')}) and a key in the file (dataDir).`,
    'A flag overrides a variable, and a variable overrides the file.',
  ].join('\n');
}
