/**
 * Explains why a schema rejected a value: each problem names the field, the value and what is allowed.
 * Supports exactly the JSON Schema keywords that `definition.ts` uses; a property test compares its verdict
 * with the compiled schema. Only runs for rejected values.
 */

import { CarillonError, type ErrorCode, type ErrorDetails } from '../../../errors.ts';
import { shownInMessage } from '../masked.ts';
import { nearest } from './nearest.ts';

/** The subset of JSON Schema used by definitions. */
export interface Shape {
  readonly type?: string;
  /** Example texts for a value that users often write as a number. */
  readonly examples?: readonly string[];
  readonly description?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly maxProperties?: number;
  readonly items?: Shape;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

/** What was probably meant, in words that complete a question. Null: no suggestion. */
export interface Hints {
  /** For a value whose type the field does not accept. */
  value(field: string, value: unknown): string | null;
  /** For an unknown field that resembles no known one. */
  field(field: string, value: unknown): string | null;
}

/** Collects problems up to a limit. */
export class Findings {
  readonly problems: CarillonError[] = [];
  readonly #source: string;
  readonly #most: number;
  readonly hints: Hints | null;

  constructor(source: string, most: number, hints: Hints | null = null) {
    this.#source = source;
    this.#most = most;
    this.hints = hints;
  }

  get full(): boolean {
    return this.problems.length >= this.#most;
  }

  add(code: ErrorCode, message: string, details: ErrorDetails): void {
    if (this.full) return;
    this.problems.push(new CarillonError(code, message, { ...details, source: this.#source }));
  }

  /** Runs a parser that throws, and keeps its problem. */
  attempt<T>(parse: () => T): T | null {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      this.add(error.code, error.message, error.details);
      return null;
    }
  }
}

/** Adds every way in which `value` violates `shape`; `field` is empty for the whole. */
export function explain(shape: Shape, value: unknown, field: string, findings: Findings): void {
  if (findings.full || isAnything(shape)) return;
  if (shape.anyOf) explainAny(shape.anyOf, value, field, findings);
  else if (!isOfType(shape.type, value)) explainType(shape, value, field, findings);
  else if (typeof value === 'string') explainText(shape, value, field, findings);
  else if (typeof value === 'number') explainNumber(shape, value, field, findings);
  else if (Array.isArray(value)) explainList(shape, value, field, findings);
  else if (typeof value === 'object') explainObject(shape, value as object, field, findings);
}

/** Whether the value has the form that further checks need. If not, the findings say why. */
export function hasForm(shape: object, value: unknown, field: string, findings: Findings): boolean {
  const before = findings.problems.length;
  explain(shape, value, field, findings);
  return findings.problems.length === before;
}

const isAnything = ({ type, anyOf }: Shape): boolean => type === undefined && anyOf === undefined;

function explainType({ type, examples }: Shape, value: unknown, field: string, findings: Findings): void {
  const allowed = typeInWords(type);
  const given = value === null ? 'empty' : describe(value);
  const scalar = typeof value === 'number' || typeof value === 'boolean';
  const meant = findings.hints?.value(field, value) ?? null;
  const hint =
    meant !== null
      ? ` Did you mean ${meant}?`
      : examples !== undefined && typeof value === 'number'
        ? ` It needs a unit, as in ${examples.join(' or ')}.`
        : type === 'string' && scalar
          ? // Not as printed here: YAML reads `010` as 10.
            ' Put quotes around it.'
          : '';
  findings.add('INVALID_FIELD', `${field || 'A job'} is ${given}, but must be ${allowed}.${hint}`, {
    ...(field && { field }),
    value: shorten(value),
    allowed,
  });
}

function explainObject(shape: Shape, value: object, field: string, findings: Findings): void {
  const properties = shape.properties ?? {};
  const known = Object.keys(properties);
  const every = Object.values(shape.patternProperties ?? {})[0];
  const given = Object.entries(value);
  if (shape.maxProperties !== undefined && given.length > shape.maxProperties) {
    refuse(findings, field, given.length, `at most ${entries(shape.maxProperties)}`);
  }
  for (const name of shape.required ?? []) {
    if (Object.hasOwn(value, name)) continue;
    const path = join(field, name);
    const allowed = properties[name]?.description ?? typeInWords(properties[name]?.type);
    findings.add('MISSING_FIELD', `${path} is missing.`, { field: path, allowed });
  }
  for (const [name, entry] of given) {
    if (findings.full) return;
    if (Object.hasOwn(properties, name)) explain(properties[name]!, entry, join(field, name), findings);
    else if (every) explain(every, entry, join(field, name), findings);
    else unknownField(field, name, known, entry, findings);
  }
}

function unknownField(
  parent: string,
  name: string,
  known: readonly string[],
  value: unknown,
  findings: Findings,
) {
  const field = join(parent, name);
  const near = nearest(name, known);
  const meant = near === null ? (findings.hints?.field(field, value) ?? null) : join(parent, near);
  const where = parent ? ` in ${parent}` : '';
  const message = meant
    ? `Unknown field ${field}. Did you mean ${meant}?`
    : `Unknown field ${field}. Known${where}: ${known.join(', ')}.`;
  const allowed = near ? [near, ...known.filter((other) => other !== near)] : known;
  findings.add('UNKNOWN_FIELD', message, { field, value: shorten(value), allowed });
}

/** One of several values, or one of several types. */
function explainAny(shapes: readonly Shape[], value: unknown, field: string, findings: Findings): void {
  if (shapes.every((shape) => shape.const !== undefined)) {
    explainChoice(shapes, value, field, findings);
    return;
  }
  const fit = shapes.find(({ type }) => isOfType(type, value));
  if (fit !== undefined) explain(fit, value, field, findings);
  else {
    const allowed = shapes.map(({ type }) => typeInWords(type)).join(' or ');
    const message = `${field} is ${describe(value)}, but must be ${allowed}.`;
    findings.add('INVALID_FIELD', message, { field, value: shorten(value), allowed });
  }
}

function explainChoice(choices: readonly Shape[], value: unknown, field: string, findings: Findings): void {
  const allowed = choices.map((choice) => String(choice.const));
  if (choices.some((choice) => choice.const === value)) return;
  const meant = typeof value === 'string' ? nearest(value, allowed) : null;
  const hint = meant ? ` Did you mean ${meant}?` : '';
  findings.add(
    'INVALID_FIELD',
    `${field} is ${describe(value)}. Allowed: one of ${allowed.join(', ')}.${hint}`,
    {
      field,
      value: shorten(value),
      allowed,
    },
  );
}

function explainText(shape: Shape, value: string, field: string, findings: Findings): void {
  // JSON Schema counts characters, not UTF-16 units; only a text near the limit needs the slow count.
  const length = () => [...value].length;
  if (shape.maxLength !== undefined && value.length > shape.maxLength && length() > shape.maxLength) {
    refuse(findings, field, value, `at most ${characters(shape.maxLength)}`);
  } else if (shape.minLength !== undefined && length() < shape.minLength) {
    refuse(findings, field, value, `at least ${characters(shape.minLength)}`);
  } else if (shape.pattern !== undefined && !new RegExp(shape.pattern, 'u').test(value)) {
    refuse(findings, field, value, shape.description ?? shape.pattern);
  }
}

function explainNumber(shape: Shape, value: number, field: string, findings: Findings): void {
  const { minimum, maximum, exclusiveMinimum } = shape;
  const fits =
    value >= (minimum ?? value) &&
    value <= (maximum ?? value) &&
    (exclusiveMinimum === undefined || value > exclusiveMinimum);
  if (fits) return;
  const least = exclusiveMinimum === undefined ? `from ${minimum}` : `more than ${exclusiveMinimum}`;
  refuse(
    findings,
    field,
    value,
    `${shape.type === 'integer' ? 'a whole number' : 'a number'} ${least} up to ${maximum}`,
  );
}

function explainList(shape: Shape, value: readonly unknown[], field: string, findings: Findings): void {
  if (shape.maxItems !== undefined && value.length > shape.maxItems) {
    refuse(findings, field, value, `at most ${entries(shape.maxItems)}`);
    return;
  }
  if (value.length < (shape.minItems ?? 0)) {
    refuse(findings, field, value, `at least ${entries(shape.minItems ?? 0)}`);
  }
  const items = shape.items;
  if (items) value.forEach((entry, index) => void explain(items, entry, `${field}[${index}]`, findings));
  if (!shape.uniqueItems) return;
  const twice = value.find((entry, index) => value.indexOf(entry) < index);
  if (twice !== undefined) refuse(findings, field, twice, 'each entry once');
}

const entries = (count: number): string => (count === 1 ? '1 entry' : `${count} entries`);
const characters = (count: number): string => (count === 1 ? '1 character' : `${count} characters`);

function refuse(findings: Findings, field: string, value: unknown, allowed: string): void {
  const words = allowed.replace(/\.$/, '');
  findings.add('INVALID_FIELD', `${field} is ${describe(value)}. Allowed: ${words}.`, {
    field,
    value: shorten(value),
    allowed: words,
  });
}

function isOfType(type: string | undefined, value: unknown): boolean {
  if (type === undefined) return true;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'number') return Number.isFinite(value);
  // All other JSON Schema types match those of typeof.
  return typeof value === type;
}

function typeInWords(type: string | undefined): string {
  if (type === 'string') return 'text';
  if (type === 'integer') return 'a whole number';
  if (type === 'boolean') return 'true or false';
  if (type === 'array') return 'a list';
  return type === 'object' ? 'a mapping of fields' : `a ${type}`;
}

const join = (parent: string, name: string) => (parent ? `${parent}.${name}` : name);

/** Long enough to recognise the value, short enough for one line. */
const shownLength = 80;

/** The value as part of a sentence. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'a mapping of fields';
  return typeof value === 'string' ? JSON.stringify(shorten(value)) : String(value);
}

/** The value for `details.value`: texts are shortened and masked, structures are named. */
export function shorten(value: unknown): unknown {
  if (typeof value === 'string') {
    const text = shownInMessage(value);
    return text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
  }
  return typeof value === 'object' && value !== null ? describe(value) : value;
}
