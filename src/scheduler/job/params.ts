/**
 * Parameters of runs. One function checks them, whoever gives them: a request, a schedule, the command line. They are kept
 * as texts, because they become environment variables; a declared one has one text per value (`007` is `7`).
 */

import { CarillonError, firstOf } from '../../errors.ts';
import { durationMs } from '../schedule/period.ts';
import { describe, shorten } from './schema/explain.ts';
import { dayForm, filePathForm, variableForm, vaultPathForm } from './schema/forms.ts';
import { nearest } from './schema/nearest.ts';
import {
  MAX_PARAM_BYTES,
  MAX_PARAMS,
  type ParamDefinition,
  type ParamsDefinition,
  type ParamType,
  type ParamValue,
} from './schema/params.ts';
import type { SecretRef } from './spec.ts';
import { faultIn, utf8Length } from './texts.ts';

/** As they are given. */
export type GivenParams = Readonly<Record<string, ParamValue>>;
/** As a run has them. */
export type Params = Readonly<Record<string, string>>;

/** The run parameter that contains the arguments of Chronos, which no job declares. */
export const argumentsParameter = 'CHRONOS_ARGUMENTS';

/**
 * The parameters of a run that is given these: checked, without the defaults. INVALID_FIELD, UNKNOWN_FIELD, MISSING_FIELD or
 * LIMIT_EXCEEDED, the first carrying the others. `field`: where they were given.
 */
export function readParams(
  declared: ParamsDefinition | undefined,
  given: GivenParams,
  field = 'params',
): Params {
  const problems: CarillonError[] = [];
  const names = Object.keys(given);
  if (names.length > MAX_PARAMS) {
    throw new CarillonError(
      'LIMIT_EXCEEDED',
      `The run has ${names.length} parameters, but the maximum is ${MAX_PARAMS}.`,
      { field, allowed: `at most ${MAX_PARAMS} parameters` },
    );
  }
  const read: [name: string, text: string][] = [];
  const attempt = (name: string, parse: () => string): void => {
    try {
      read.push([name, parse()]);
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      problems.push(error);
    }
  };
  for (const name of names) {
    const value = given[name] as ParamValue;
    if (declared === undefined || name === argumentsParameter)
      attempt(name, () => freeText(name, value, field));
    else if (Object.hasOwn(declared, name))
      attempt(name, () => readParam(declared[name] as ParamDefinition, `${field}.${name}`, value));
    else problems.push(unknownParam(name, value, Object.keys(declared), field));
  }
  for (const [name, param] of Object.entries(declared ?? {}))
    if (isAsked(param) && !Object.hasOwn(given, name)) problems.push(missingParam(param, `${field}.${name}`));
  const problem = firstOf(problems);
  if (problem !== null) throw problem;
  return Object.fromEntries(read);
}

/** A run must be given a value. */
export const isAsked = ({ required = false, default: otherwise }: ParamDefinition): boolean =>
  required && otherwise === undefined;

/** With the defaults of those that are not given. */
export function withDefaults(declared: ParamsDefinition | undefined, params: Params): Params {
  if (declared === undefined) return params;
  const defaults = Object.entries(declared).flatMap(([name, param]) =>
    param.default === undefined ? [] : [[name, readParam(param, `params.${name}`, param.default)] as const],
  );
  return defaults.length === 0 ? params : { ...Object.fromEntries(defaults), ...params };
}

/** The text of a value of a declared parameter. INVALID_FIELD or LIMIT_EXCEEDED. */
export function readParam(param: ParamDefinition, field: string, value: ParamValue): string {
  const type = param.type ?? 'string';
  if (typeof value === 'string') checkText(value, field);
  const text = types[type].read(value, field);
  if (text === null) throw refused(field, value, inWords(param));
  const { values, minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = param;
  const isListed = values?.some((each) => types[type].read(each, field) === text) ?? true;
  const isNumber = type === 'integer' || type === 'number';
  if (!isListed || (isNumber && !(Number(text) >= minimum && Number(text) <= maximum)))
    throw refused(field, value, inWords(param));
  return text;
}

/** What is allowed: a list of values, or words. */
export function inWords(param: ParamDefinition): string | readonly string[] {
  const { type = 'string', values, minimum, maximum } = param;
  if (values !== undefined) return values.map(String);
  const { words } = types[type];
  if (minimum !== undefined && maximum !== undefined) return `${words} from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `${words}, ${minimum} or more`;
  return maximum === undefined ? words : `${words}, at most ${maximum}`;
}

/** Null: the value is not of the type. */
const types: Readonly<
  Record<
    ParamType,
    { readonly words: string; readonly read: (value: ParamValue, field: string) => string | null }
  >
> = {
  string: { words: 'text', read: (value) => (typeof value === 'string' ? value : null) },
  integer: { words: 'a whole number', read: (value) => numberOf(value, /^[+-]?\d{1,16}$/, true) },
  number: {
    words: 'a number',
    read: (value) => numberOf(value, /^[+-]?\d{1,16}(?:\.\d{1,16})?(?:[eE][+-]?\d{1,3})?$/, false),
  },
  boolean: {
    words: 'true or false',
    read: (value) =>
      typeof value === 'boolean' || value === 'true' || value === 'false' ? String(value) : null,
  },
  date: { words: 'a date such as 2026-11-21', read: formed(dayForm) },
  time: {
    words: 'a time of day such as 06:30 or 06:30:00',
    read: formed('^(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?$'),
  },
  duration: {
    words: 'a duration such as PT30S, PT1H, P1D, 90s or 1h30m',
    read: (value, field) => (typeof value === 'string' && isDuration(value, field) ? value : null),
  },
  secret: {
    words: 'a reference to a secret: file:/path, env:NAME or vault:path#key',
    read: (value) => (typeof value === 'string' && secretOf(value) !== null ? value : null),
  },
};

function numberOf(value: ParamValue, form: RegExp, whole: boolean): string | null {
  const number =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && form.test(value)
        ? Number(value)
        : Number.NaN;
  if (!Number.isFinite(number) || (whole && !Number.isSafeInteger(number))) return null;
  return String(number === 0 ? 0 : number);
}

function formed(pattern: string): (value: ParamValue) => string | null {
  const form = new RegExp(pattern);
  return (value) => (typeof value === 'string' && form.test(value) ? value : null);
}

function isDuration(text: string, field: string): boolean {
  try {
    durationMs(text, field);
    return true;
  } catch (error) {
    if (error instanceof CarillonError) return false;
    throw error;
  }
}

const filePath = new RegExp(filePathForm);
const variable = new RegExp(variableForm);
const vaultPath = new RegExp(vaultPathForm);

/** The secret that a parameter refers to. Null: the text is no reference. */
export function secretOf(text: string): SecretRef | null {
  const [, source = '', rest = ''] = /^(file|env|vault):(.*)$/s.exec(text) ?? [];
  if (source === 'file') return filePath.test(rest) ? { file: rest } : null;
  if (source === 'env') return variable.test(rest) ? { env: rest } : null;
  const [path = '', key = '', ...others] = rest.split('#');
  const isKey = source === 'vault' && others.length === 0 && key !== '' && vaultPath.test(path);
  return isKey ? { vault: { path, key } } : null;
}

/** The secrets among the parameters of a run. */
export function secretsIn(
  declared: ParamsDefinition | undefined,
  params: Params,
): Readonly<Record<string, SecretRef>> {
  const secrets: [name: string, secret: SecretRef][] = [];
  for (const [name, { type }] of Object.entries(declared ?? {})) {
    if (type !== 'secret' || !Object.hasOwn(params, name)) continue;
    const secret = secretOf(params[name] as string);
    if (secret !== null) secrets.push([name, secret]);
  }
  return Object.fromEntries(secrets);
}

const environmentName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The name of a parameter becomes that of an environment variable. */
export const isParamName = (name: string): boolean =>
  environmentName.test(name) && name.length <= 128 && !name.startsWith('CARILLON_');

export const allowedNames = 'letters, digits and underscores, not starting with a digit or with CARILLON_';

function freeText(name: string, value: ParamValue, parent: string): string {
  const field = `${parent}.${name}`;
  if (!environmentName.test(name) || name.startsWith('CARILLON_')) {
    throw new CarillonError('INVALID_FIELD', `'${name}' is not a valid name of a parameter.`, {
      field,
      value: name,
      allowed: allowedNames,
    });
  }
  if (typeof value !== 'string') throw refused(field, value, 'text, because the job declares no params');
  checkText(value, field);
  return value;
}

function checkText(text: string, field: string): void {
  const fault = faultIn(text);
  if (fault !== null) {
    throw new CarillonError('INVALID_FIELD', `${field} ${fault}. Allowed: text without it.`, {
      field,
      value: shorten(text),
      allowed: 'text without it',
    });
  }
  if (utf8Length(text) <= MAX_PARAM_BYTES) return;
  throw new CarillonError(
    'LIMIT_EXCEEDED',
    `The parameter ${field} is longer than ${MAX_PARAM_BYTES} bytes.`,
    {
      field,
      allowed: `at most ${MAX_PARAM_BYTES} bytes`,
    },
  );
}

function refused(field: string, value: unknown, allowed: string | readonly string[]): CarillonError {
  const words = typeof allowed === 'string' ? allowed : allowed.join(', ');
  return new CarillonError('INVALID_FIELD', `${field} is ${describe(value)}. Allowed: ${words}.`, {
    field,
    value: shorten(value),
    allowed,
  });
}

function unknownParam(
  name: string,
  value: ParamValue,
  known: readonly string[],
  parent: string,
): CarillonError {
  const near = nearest(name, known);
  const hint =
    near !== null
      ? `Did you mean ${near}?`
      : known.length === 0
        ? 'The job takes none.'
        : `Known: ${known.join(', ')}.`;
  return new CarillonError('UNKNOWN_FIELD', `The job has no parameter '${shorten(name)}'. ${hint}`, {
    field: `${parent}.${name}`,
    value: shorten(value),
    allowed: near === null ? known : [near, ...known.filter((other) => other !== near)],
  });
}

function missingParam(param: ParamDefinition, field: string): CarillonError {
  const allowed = inWords(param);
  const words = typeof allowed === 'string' ? allowed : allowed.join(', ');
  return new CarillonError('MISSING_FIELD', `${field} is missing. Allowed: ${words}.`, { field, allowed });
}
