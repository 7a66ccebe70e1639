/**
 * Configuration: flags, environment and file become one frozen value, once, before anything else is built.
 * A flag wins over a variable, a variable over the file, the file over the default. Nothing unknown is
 * passed over: a misspelt setting would otherwise be a default in disguise. Nobody else reads the
 * environment.
 */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { CarillonError, invariant } from '../errors.ts';
import { nearest } from '../scheduler/job/schema/nearest.ts';
import { flagOf, type Setting, type ValuesOf, variableOf } from '../setting.ts';
import { nodeSettings, settings } from './settings.ts';

/** Every setting by its name in the table. Durations are milliseconds, sizes are bytes. */
export interface Config extends ValuesOf<typeof nodeSettings> {
  /** Those of the engines, each of which knows its own. */
  readonly engines: Readonly<Record<string, unknown>>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a client of the API takes from the environment. */
export interface ClientConfig {
  readonly url: string | null;
  readonly color: boolean;
}

const names = Object.keys(settings);
/** Set for jobs, or read by the client: a scheduler started from there finds them and needs not mind. */
const othersVariables = ['URL', 'JOB', 'RUN', 'DUE', 'ATTEMPT', 'PARENTS'].map((name) => `CARILLON_${name}`);

/** A setting as found: `source` is `--port`, `CARILLON_PORT` or `carillon.yaml:3`. */
interface Found {
  readonly raw: unknown;
  readonly source: string;
}
type FoundSettings = Record<string, Found>;

/**
 * Reads everything. `args` are the flags alone. UNKNOWN_SETTING and INVALID_FIELD say in `details.source`
 * which flag, variable or line of which file is meant.
 */
export function loadConfig(args: readonly string[], environment: Environment): Config {
  const flags = readFlags(args);
  const variables = readVariables(environment);
  const file = flags.file ?? variables.file;
  const found = { ...(file && readFile(file)), ...variables.found, ...flags.found };
  const valuesOf = (wanted: (name: string) => boolean) =>
    Object.freeze(Object.fromEntries(names.filter(wanted).map((name) => [name, settle(name, found[name])])));
  const isOfNode = (name: string): boolean => Object.hasOwn(nodeSettings, name);
  const config = {
    ...(valuesOf(isOfNode) as ValuesOf<typeof nodeSettings>),
    engines: valuesOf((name) => !isOfNode(name)),
  };
  refuseOpenDoor(config, found.host);
  return Object.freeze(config);
}

/** `CARILLON_URL`, and the customary `NO_COLOR`. */
export function loadClientConfig(environment: Environment): ClientConfig {
  return Object.freeze({ url: environment.CARILLON_URL || null, color: !environment.NO_COLOR });
}

function settle(name: string, found: Found | undefined): unknown {
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

function refused(name: string, { raw, source }: Found, allowed: string): CarillonError {
  const value = typeof raw === 'object' ? JSON.stringify(raw) : String(raw ?? '');
  const what = value === '' ? 'has no value' : `can't be ${JSON.stringify(value)}`;
  return new CarillonError('INVALID_FIELD', `${source} ${what}. Allowed: ${allowed}.`, {
    field: name,
    value,
    allowed,
    source,
  });
}

/** There is no log-in yet, and whoever reaches the port can run commands on this host. */
function refuseOpenDoor(config: Config, found: Found | undefined): void {
  const loopback = /^(localhost|::1|127(\.\d{1,3}){3})$/.test(config.host);
  if (loopback || config.insecure) return;
  const reason = 'Whoever can reach that address could run commands here, as there is no log-in yet';
  throw new CarillonError('INVALID_FIELD', `${reason}. Say --insecure if that is meant.`, {
    field: 'host',
    value: config.host,
    allowed: 'a loopback address (127.0.0.1, ::1, localhost), or any with --insecure',
    source: found?.source ?? flagOf('host'),
  });
}

/** Stands for every address of this host. */
export const isWildcard = (host: string): boolean => ['0.0.0.0', '::', '[::]'].includes(host);

/** The names by which the server is reached, besides those of loopback: without ports. */
export function hostsOf({ host, advertiseUrl, allowedHost }: Config): string[] {
  const advertised = advertiseUrl === null ? [] : [new URL(advertiseUrl).hostname];
  return [isWildcard(host) ? hostname() : host, ...advertised, ...allowedHost];
}

function readFlags(args: readonly string[]): { found: FoundSettings; file: Found | undefined } {
  const byFlag = new Map<string, string>([[flagOf('config'), 'config']]);
  for (const name of names) byFlag.set(flagOf(name), name);
  const options: Record<string, { type: 'string' | 'boolean' }> = {};
  for (const [flag, name] of byFlag) {
    const needsValue = name === 'config' || rowOf(name).kind.placeholder !== '';
    options[flag.slice(2)] = { type: needsValue ? 'string' : 'boolean' };
  }
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const found: FoundSettings = {};
  let file: Found | undefined;
  for (const token of tokens) {
    if (token.kind !== 'option') {
      const value = token.kind === 'positional' ? token.value : '--';
      throw unknown('argument', value, value, [...byFlag.keys()]);
    }
    const source = token.rawName;
    const name = byFlag.get(source);
    if (name === undefined) throw unknown('flag', source, source, [...byFlag.keys()]);
    // A flag in the place of a value is a value that was forgotten.
    const forgotten = token.inlineValue === false && token.value.startsWith('--');
    const isSwitch = name !== 'config' && rowOf(name).kind.placeholder === '';
    const raw = forgotten ? '' : (token.value ?? (isSwitch ? true : ''));
    if (name === 'config') file = { raw, source };
    else found[name] = { raw: isRepeated(name) ? together(found[name], raw) : raw, source };
  }
  return { found, file };
}

const isRepeated = (name: string): boolean => 'repeated' in rowOf(name).kind;

/** One value out of a flag given several times; one of them without a value leaves a gap, which is refused. */
const together = (before: Found | undefined, raw: unknown): unknown =>
  before === undefined ? raw : `${before.raw},${raw}`;

function readVariables(environment: Environment): { found: FoundSettings; file: Found | undefined } {
  const byVariable = new Map(names.map((name) => [variableOf(name), name]));
  const known = [...byVariable.keys(), variableOf('config')];
  const found: FoundSettings = {};
  let file: Found | undefined;
  for (const [variable, raw] of Object.entries(environment)) {
    // Set to nothing is how compose files and shells say "not set".
    if (!variable.startsWith('CARILLON_') || raw === undefined || raw === '') continue;
    const name = byVariable.get(variable);
    if (name !== undefined) found[name] = { raw, source: variable };
    else if (variable === variableOf('config')) file = { raw, source: variable };
    else if (!othersVariables.includes(variable)) throw unknown('variable', variable, variable, known);
  }
  return { found, file };
}

function readFile({ raw: path, source }: Found): FoundSettings {
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
  if (!isMap(root))
    throw refused('config', { raw: path, source }, 'a file of settings, one `name: value` a line');
  const values = document.toJS() as Record<string, unknown>;
  const found: FoundSettings = {};
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
    throw refused('config', { raw: path, source }, 'a YAML or JSON file that can be read');
  }
}

function unknown(what: string, name: string, source: string, known: readonly string[]): CarillonError {
  const meant = nearest(name, known);
  const hint = meant ? ` Did you mean ${meant}?` : '';
  const allowed = meant ? [meant, ...known.filter((each) => each !== meant)] : known;
  return new CarillonError('UNKNOWN_SETTING', `The ${what} ${name} is not known.${hint}`, {
    field: name,
    allowed,
    source,
  });
}

/** The settings for a help text: a flag a line, with its meaning and default. */
export function describeSettings(): string {
  const rows = names.map((name) => {
    const { kind, default: byDefault, help } = rowOf(name);
    const flag = kind.placeholder ? `${flagOf(name)} <${kind.placeholder}>` : flagOf(name);
    const shown = typeof byDefault === 'string' || name.match(/port|Concurrency/) ? ` (${byDefault})` : '';
    return [flag, help + shown] as const;
  });
  rows.push(['--config <file>', 'YAML or JSON file of the same settings: `dataDir: /var/lib/carillon`.']);
  const width = Math.max(...rows.map(([flag]) => flag.length));
  const lines = rows.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`);
  return [
    ...lines,
    '',
    `Each is also a variable (${variableOf('dataDir')}) and a key in the file (dataDir).`,
    'A flag wins over a variable, a variable over the file.',
  ].join('\n');
}
