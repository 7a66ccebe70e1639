/** The file of hosts: a list in YAML or JSON, one entry for each. It is read again when it has changed. */

import { isAbsolute } from 'node:path';
import { CarillonError } from '../../errors.ts';
import { parseJobFile } from '../../job-file/read.ts';
import { labelName, labelValue } from '../../scheduler/job/node-choice.ts';

export interface Host {
  readonly name: string;
  readonly address: string;
  readonly user: string | null;
  readonly port: number | null;
  readonly identityFile: string | null;
  readonly knownHosts: string | null;
  /** A configuration of the client in place of the user's. */
  readonly config: string | null;
  /** Where launches are on the host. Null: below the user's state folder. */
  readonly folder: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Maximum concurrent attempts. */
  readonly concurrency: number;
}

export const hostsFileLimits = { bytes: 1024 * 1024, hosts: 500, labels: 64 } as const;
const defaultConcurrency = 16;

interface Field {
  readonly allowed: string;
  readonly isGood: (value: unknown) => boolean;
}

const matching = (pattern: RegExp, allowed: string): Field => ({
  allowed,
  isGood: (value) => typeof value === 'string' && pattern.test(value),
});
const whole = (most: number): Field => ({
  allowed: `a whole number from 1 to ${most}`,
  isGood: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most,
});
/** The client splits some paths at spaces and replaces what follows a %. */
const path: Field = {
  allowed: 'an absolute path of letters, digits and . _ / @ + -',
  isGood: (value) => typeof value === 'string' && isAbsolute(value) && /^[\w./@+-]{1,1024}$/.test(value),
};

const nameField = matching(
  /^(?!(?:all|any|leader)$)[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
  'up to 63 letters, digits and . _ -, the first a letter or digit; not all, any or leader',
);
const fields: Readonly<Record<Exclude<keyof Host, 'labels'>, Field>> = {
  name: nameField,
  address: matching(
    /^[A-Za-z0-9:][A-Za-z0-9.:_%-]{0,252}$/,
    'a host name, an IP address, or a name of the client’s configuration',
  ),
  user: matching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/, 'the name of a user on the host'),
  port: whole(65_535),
  identityFile: path,
  knownHosts: path,
  config: path,
  folder: path,
  concurrency: whole(10_000),
};

export const isHostName = (text: string): boolean => nameField.isGood(text);

/** INVALID_FIELD with the place in the file, the value and what is allowed. `source`: the path of the file. */
export function parseHosts(text: string, source: string): readonly Host[] {
  if (text.length > hostsFileLimits.bytes)
    throw invalid(source, 'hosts', text.length, `at most ${hostsFileLimits.bytes} characters`);
  const found = new Map<string, Host>();
  for (const { definition, source: place, placeOf } of parseJobFile(text, source)) {
    const host = hostOf(definition, (field) => placeOf?.(field) ?? place);
    if (found.has(host.name)) throw invalid(place, 'name', host.name, 'each name once');
    found.set(host.name, host);
    if (found.size > hostsFileLimits.hosts)
      throw invalid(place, 'hosts', found.size, `at most ${hostsFileLimits.hosts} hosts`);
  }
  return [...found.values()];
}

function hostOf(entry: unknown, placeOf: (field: string) => string): Host {
  const given = Object(entry) as Record<string, unknown>;
  const known = [...Object.keys(fields), 'labels'];
  if (typeof entry !== 'object' || Array.isArray(entry))
    throw invalid(placeOf('name'), 'host', entry, `fields: ${known.join(', ')}`);
  for (const name of Object.keys(given))
    if (!known.includes(name)) throw invalid(placeOf(name), name, given[name], `only ${known.join(', ')}`);
  for (const [name, { allowed, isGood }] of Object.entries(fields)) {
    const value = given[name];
    if ((value !== undefined || name === 'name') && !isGood(value))
      throw invalid(placeOf(name), name, value, allowed);
  }
  const {
    name,
    address = name,
    concurrency = defaultConcurrency,
  } = given as { name: string } & Partial<Host>;
  const {
    user = null,
    port = null,
    identityFile = null,
    knownHosts = null,
    config = null,
    folder = null,
  } = given as Partial<Host>;
  const labels = labelsOf(given.labels, placeOf('labels'));
  return { name, address, user, port, identityFile, knownHosts, config, folder, labels, concurrency };
}

function labelsOf(given: unknown, place: string): Readonly<Record<string, string>> {
  if (given === undefined) return {};
  const entries = Object.entries(Object(given) as Record<string, unknown>);
  const isMap = typeof given === 'object' && given !== null && !Array.isArray(given);
  if (!isMap || entries.length > hostsFileLimits.labels)
    throw invalid(
      place,
      'labels',
      given,
      `a map of at most ${hostsFileLimits.labels} labels, such as zone: a`,
    );
  for (const [name, value] of entries) {
    const isGood = typeof value === 'string' && labelName.test(name) && labelValue.test(value);
    if (!isGood)
      throw invalid(place, `labels.${name}`, value, 'names and values of letters, digits and . _ / -');
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

function invalid(source: string, field: string, value: unknown, allowed: string): CarillonError {
  const shown = JSON.stringify(value)?.slice(0, 100) ?? 'nothing';
  return new CarillonError('INVALID_FIELD', `${source}: ${field} is ${shown}. Allowed: ${allowed}.`, {
    field,
    value,
    source,
    allowed,
  });
}
