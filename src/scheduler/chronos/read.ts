/**
 * Parses Chronos' JSON as its clients send it: unknown fields are ignored, null means absent, a number may be
 * text and a text a number. Other invalid values are refused with their field, unless Chronos accepted them;
 * those are interpreted as in Chronos, with a warning.
 */

import { CarillonError } from '../../errors.ts';
import { shorten } from '../job/schema/explain.ts';
import { faultIn } from '../job/texts.ts';
import type { ChronosContainer, ChronosFetch, ChronosField, ChronosJob } from './job.ts';
import { chronosDefaults } from './job.ts';

/**
 * The job, the fields that were sent, and warnings about values that were reinterpreted. INVALID_BODY,
 * INVALID_FIELD, MISSING_FIELD.
 */
export interface Sent {
  readonly job: ChronosJob;
  readonly given: ReadonlySet<ChronosField>;
  readonly taken: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

export function readChronosJob(body: unknown): Sent {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new CarillonError('INVALID_BODY', 'The body must be a job: a JSON object.', {
      field: 'body',
      value: shorten(body),
      allowed: 'a JSON object',
    });
  }
  const given = new Set<ChronosField>();
  const taken: string[] = [];
  const job: Record<string, unknown> = { ...chronosDefaults };
  for (const [field, read] of Object.entries(readers)) {
    const value = (body as Json)[field];
    if (value === undefined || value === null) continue;
    job[field] = read(value, field);
    given.add(field as ChronosField);
    if (read === flag) taken.push(...takenAsFalse({ [field]: value }));
    if (read === container) taken.push(...(job[field] === null ? [withoutImage] : takenAsFalse(value)));
    if (field === 'fetch' && Array.isArray(value)) taken.push(...value.flatMap(takenAsFalse));
  }
  if (job.name === '') {
    throw new CarillonError('MISSING_FIELD', 'The job has no name.', { field: 'name', allowed: 'a name' });
  }
  // Zero means the default.
  for (const field of ['cpus', 'disk', 'mem'] as const) {
    if (job[field] === 0) job[field] = chronosDefaults[field];
  }
  if (job.runAsUser === '') job.runAsUser = chronosDefaults.runAsUser;
  return { job: job as unknown as ChronosJob, given, taken };
}

/**
 * The stored Chronos fields of a definition, as a client reads them back, and problems with the others.
 * Unknown fields are dropped.
 */
export function readKept(chronos: Json): { fields: Partial<ChronosJob>; problems: CarillonError[] } {
  const fields: Record<string, unknown> = {};
  const problems: CarillonError[] = [];
  for (const [field, value] of Object.entries(chronos)) {
    if (!isChronosField(field)) continue;
    try {
      const absent = value === null && chronosDefaults[field] === null;
      fields[field] = absent ? null : readers[field](value, `chronos.${field}`);
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      problems.push(error);
    }
  }
  return { fields: fields as Partial<ChronosJob>, problems };
}

const isChronosField = (field: string): field is ChronosField => Object.hasOwn(readers, field);

type Reader = (value: unknown, field: string) => unknown;

function refuse(field: string, value: unknown, allowed: string): CarillonError {
  return new CarillonError(
    'INVALID_FIELD',
    `${field} is ${JSON.stringify(shorten(value))}. Allowed: ${allowed}.`,
    { field, value: shorten(value), allowed },
  );
}

function text(value: unknown, field: string): string {
  if (typeof value === 'string') {
    const fault = faultIn(value);
    if (fault === null) return value;
    throw new CarillonError('INVALID_FIELD', `${field} ${fault}. Allowed: text without it.`, {
      field,
      value: shorten(value),
      allowed: 'text without it',
    });
  }
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw refuse(field, value, 'text');
}

function flag(value: unknown, field: string): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  // Jackson, Chronos' JSON parser, accepts only one word for true.
  if (typeof value === 'string') return word(value) === 'true';
  throw refuse(field, value, 'true or false');
}

const word = (text: string): string => text.trim().toLowerCase();
const flagWords = new Set(['true', 'false', '']);
const flags = [
  'shell',
  'async',
  'disabled',
  'softError',
  'dataProcessingJobType',
  'highPriority',
  'concurrent',
  'forcePullImage',
  'executable',
  'cache',
  'extract',
];

/** Warnings about flags with a text other than true and false. */
const takenAsFalse = (json: object): string[] =>
  Object.entries(json)
    .filter(([field, value]) => flags.includes(field) && typeof value === 'string')
    .filter(([, value]) => !flagWords.has(word(value)))
    .map(
      ([field, value]) =>
        `${field} ${JSON.stringify(shorten(value))} is taken as false, as every word but true`,
    );

const withoutImage = 'container has no image and is ignored: the command runs as a process';

/** Negative numbers are accepted too; each field decides what they mean. */
export function number(value: unknown, field: string): number {
  if (value === '') return 0;
  if (typeof value === 'boolean') return value ? 1 : 0;
  const read = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof read === 'number' && Number.isFinite(read)) return read;
  throw refuse(field, value, 'a number');
}

const whole: Reader = (value, field) => Math.trunc(number(value, field));

const list =
  <T>(read: (value: unknown, field: string) => T): ((value: unknown, field: string) => T[]) =>
  (value, field) => {
    if (value === '') return [];
    if (!Array.isArray(value)) throw refuse(field, value, 'a list');
    return value.map((each, index) => read(each, `${field}[${index}]`));
  };

function object(value: unknown, field: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw refuse(field, value, 'an object');
}

/** A required text. */
function needed(json: Json, name: string, field: string): string {
  const value = json[name];
  if (value !== undefined && value !== null) return text(value, `${field}.${name}`);
  throw new CarillonError('MISSING_FIELD', `${field} has no ${name}`, { field: `${field}.${name}` });
}

const optional = (json: Json, name: string, field: string): Record<string, string> => {
  const value = json[name];
  return value === undefined || value === null ? {} : { [name]: text(value, `${field}.${name}`) };
};

const flagOr = (value: unknown, field: string, otherwise: boolean): boolean =>
  value === undefined || value === null ? otherwise : flag(value, field);

function variable(value: unknown, field: string): { name: string; value: string } {
  const json = object(value, field);
  return {
    name: needed(json, 'name', field),
    value: json.value == null ? '' : text(json.value, `${field}.value`),
  };
}

function fetch(value: unknown, field: string): ChronosFetch {
  const json = object(value, field);
  return {
    uri: needed(json, 'uri', field),
    ...optional(json, 'output_file', field),
    executable: flagOr(json.executable, `${field}.executable`, false),
    cache: flagOr(json.cache, `${field}.cache`, false),
    extract: flagOr(json.extract, `${field}.extract`, true),
  };
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null || value === '';

/** Null: Chronos ignores a container without an image. */
function container(value: unknown, field: string): ChronosContainer | null {
  const json = object(value, field);
  if (isAbsent(json.image)) return null;
  const type = isAbsent(json.type) ? 'DOCKER' : text(json.type, `${field}.type`).toUpperCase();
  if (type !== 'DOCKER' && type !== 'MESOS') throw refuse(`${field}.type`, json.type, 'DOCKER or MESOS');
  const network = isAbsent(json.network) ? 'HOST' : text(json.network, `${field}.network`).toUpperCase();
  if (!['BRIDGE', 'HOST', 'USER', 'NONE'].includes(network)) {
    throw refuse(`${field}.network`, json.network, 'BRIDGE, HOST or USER');
  }
  return {
    type,
    image: text(json.image, `${field}.image`),
    network,
    ...optional(json, 'networkName', field),
    networkInfos: list(networkInfo)(json.networkInfos ?? [], `${field}.networkInfos`),
    volumes: list(volume)(json.volumes ?? [], `${field}.volumes`),
    forcePullImage: flagOr(json.forcePullImage, `${field}.forcePullImage`, false),
    parameters: list(parameter)(json.parameters ?? [], `${field}.parameters`),
  };
}

function networkInfo(value: unknown, field: string): { name: string } {
  const json = object(value, field);
  return {
    name: needed(json, 'name', field),
    ...optional(json, 'protocol', field),
    ...(json.labels != null && { labels: list(parameter)(json.labels, `${field}.labels`) }),
    ...(json.portMappings != null && {
      portMappings: list(portMapping)(json.portMappings, `${field}.portMappings`),
    }),
  };
}

/** Chronos prints ports as text. */
function portMapping(value: unknown, field: string): Record<string, string> {
  const json = object(value, field);
  return {
    hostPort: needed(json, 'hostPort', field),
    containerPort: needed(json, 'containerPort', field),
    ...optional(json, 'protocol', field),
  };
}

function volume(value: unknown, field: string): { containerPath: string } {
  const json = object(value, field);
  const mode = isAbsent(json.mode) ? {} : { mode: text(json.mode, `${field}.mode`).toUpperCase() };
  if (mode.mode !== undefined && mode.mode !== 'RW' && mode.mode !== 'RO') {
    throw refuse(`${field}.mode`, json.mode, 'RW or RO');
  }
  return {
    containerPath: needed(json, 'containerPath', field),
    ...optional(json, 'hostPath', field),
    ...mode,
    ...(json.external != null && { external: object(json.external, `${field}.external`) }),
  };
}

function parameter(value: unknown, field: string): { key: string; value: string } {
  const json = object(value, field);
  return { key: needed(json, 'key', field), value: needed(json, 'value', field) };
}

/** Other operators are stored unchanged, with any further elements. */
const operators = new Set(['EQUALS', 'LIKE', 'UNLIKE']);

function constraint(value: unknown, field: string): string[] {
  const [attribute, operator, ...rest] = list(text)(value, field);
  const upper = operator?.toUpperCase() ?? '';
  const known = operators.has(upper);
  // Others, such as Marathon's UNIQUE, may have no value.
  if (attribute === undefined || operator === undefined || (known && rest.length === 0))
    throw refuse(field, value, '[attribute, operator, value]');
  return [attribute, known ? upper : operator, ...rest];
}

const readers: { readonly [field in ChronosField]: Reader } = {
  name: (value, field) => text(value, field).trim(),
  command: text,
  shell: flag,
  epsilon: text,
  executor: text,
  executorFlags: text,
  taskInfoData: text,
  retries: whole,
  // Some clients send a list instead of a comma-separated text.
  owner: (value, field) => (Array.isArray(value) ? list(text)(value, field).join(',') : text(value, field)),
  ownerName: text,
  description: text,
  async: flag,
  successCount: whole,
  errorCount: whole,
  lastSuccess: text,
  lastError: text,
  cpus: number,
  disk: number,
  mem: number,
  disabled: flag,
  softError: flag,
  dataProcessingJobType: flag,
  errorsSinceLastSuccess: whole,
  fetch: list(fetch),
  uris: list(text),
  environmentVariables: list(variable),
  arguments: list(text),
  highPriority: flag,
  runAsUser: text,
  concurrent: flag,
  maxCompletionTime: whole,
  container,
  constraints: list(constraint),
  // A set: duplicates count once.
  parents: (value, field) => [...new Set(list(text)(value, field))],
  schedule: (value, field) => text(value, field).trim(),
  scheduleTimeZone: (value, field) => text(value, field).trim(),
};
