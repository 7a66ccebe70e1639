/**
 * Templates in a job's fields: outputs (`{{ … }}`) with filters, of what is known of a run. There are no tags, so no loops and no
 * files; filters are those listed here. All names and filters are checked when the job is put, and every template is rendered
 * then with a run that is made up. Size and work are bounded. Nothing here reads the clock.
 */

/// <reference path="./template/liquid.d.ts" />

import {
  analyzeSync,
  Liquid,
  LiquidError,
  type Output,
  type Template,
} from 'liquidjs/dist/liquid.browser.mjs';
import { CarillonError } from '../../errors.ts';
import { offsetAt, zoneOf } from '../schedule/zone.ts';
import type { JobDefinition } from './definition.ts';
import { shorten } from './schema/explain.ts';
import { filterNames, registerFilters } from './template/filters.ts';
import { timezoneOf } from './time-schedule.ts';

/** What a template can name. */
export interface TemplateRun {
  readonly due: number;
  readonly interval?: { readonly from: number; readonly to: number } | undefined;
  /** Without secrets. */
  readonly params: Readonly<Record<string, string | number | boolean>>;
  readonly run: { readonly id: string; readonly job: string; readonly attempt: number };
  /** In which the filter `date` shows times. */
  readonly timezone: string;
}

/** A field with a template, and where it is in the definition. */
export interface TemplateField {
  readonly field: string;
  readonly path: readonly (string | number)[];
  readonly text: string;
}

/** Outputs and filters of one job. */
const MAX_PARTS = 256;
/** Characters of the templates of one field. */
const MAX_TEMPLATE = 16_384;
/** Characters that one field may become: what the system allows for an argument or a variable is a little more. */
const MAX_RENDERED = 65_536;

const engine = new Liquid({
  strictVariables: true,
  strictFilters: true,
  // A name without a value may stand before `default`.
  lenientIf: true,
  ownPropertyOnly: true,
  cache: false,
  locale: 'en-US',
  timezoneOffset: 0,
  parseLimit: 4 * MAX_TEMPLATE,
  memoryLimit: 2 * MAX_RENDERED,
  // No text of a job has a NUL, so nothing is a tag.
  tagDelimiterLeft: '\0{%',
  tagDelimiterRight: '%}\0',
});
for (const name of Object.keys(engine.tags)) delete engine.tags[name];
registerFilters(engine);

const opening = '{{';

/** The fields of a definition in which a template may be, with their texts. */
function* templateTexts({ run, labels, runIf }: JobDefinition): Iterable<TemplateField> {
  if (runIf !== undefined) yield { field: 'runIf', path: ['runIf'], text: runIf };
  for (const name of ['image', 'workdir', 'network'] as const) {
    const text = run?.[name];
    if (text !== undefined) yield { field: `run.${name}`, path: ['run', name], text };
  }
  for (const name of ['argv', 'args'] as const)
    for (const [i, text] of (run?.[name] ?? []).entries())
      yield { field: `run.${name}[${i}]`, path: ['run', name, i], text };
  for (const [name, text] of Object.entries(run?.env ?? {}))
    yield { field: `run.env.${name}`, path: ['run', 'env', name], text };
  for (const [name, text] of Object.entries(labels ?? {}))
    yield { field: `labels.${name}`, path: ['labels', name], text };
}

/** Fields with templates. The job of a Chronos client has none: what looks like one is a text of its command. */
export function templateFields(definition: JobDefinition): TemplateField[] {
  if (definition.chronos !== undefined) return [];
  const fields: TemplateField[] = [];
  for (const each of templateTexts(definition))
    if (each.field === 'runIf' || each.text.includes(opening)) fields.push(each);
  return fields;
}

export function hasTemplates(definition: JobDefinition): boolean {
  if (definition.chronos !== undefined) return false;
  for (const { field, text } of templateTexts(definition))
    if (field === 'runIf' || text.includes(opening)) return true;
  return false;
}

/** INVALID_TEMPLATE for each field whose template is wrong, with its place. */
export function templateProblems(definition: JobDefinition): CarillonError[] {
  const problems: CarillonError[] = [];
  let parts = 0;
  for (const field of templateFields(definition)) {
    try {
      const templates = parsed(field);
      checkNames(field, templates, definition);
      parts += templates.reduce((sum, each) => sum + partsOf(each), 0);
      if (parts > MAX_PARTS)
        throw invalid(field, `the templates of the job have more than ${MAX_PARTS} outputs and filters`);
      const text = rendered(field, templates, sampleRun(definition));
      if (field.field === 'runIf') isTrue(field, text);
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      problems.push(error);
    }
  }
  return problems;
}

const isOutput = (template: Template): template is Output => 'value' in template;

const partsOf = (template: Template): number => (isOutput(template) ? 1 + template.value.filters.length : 0);

/** Definitions are values: what they became stays with them. */
const known = new WeakMap<JobDefinition, readonly (readonly [TemplateField, Template[]])[]>();

function templatesOf(definition: JobDefinition): readonly (readonly [TemplateField, Template[]])[] {
  let all = known.get(definition);
  if (all === undefined) {
    all = templateFields(definition).map((field) => [field, parsed(field)] as const);
    known.set(definition, all);
  }
  return all;
}

/** INVALID_TEMPLATE if a template cannot be read. */
export const parseTemplates = (definition: JobDefinition): void => void templatesOf(definition);

/** What each template becomes, or why it becomes nothing. */
export function tryRendered(
  definition: JobDefinition,
  run: TemplateRun,
): (TemplateField & { readonly value: string | null; readonly problem: string | null })[] {
  return templateFields(definition).map((field) => {
    try {
      return { ...field, value: rendered(field, parsed(field), run), problem: null };
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      return { ...field, value: null, problem: error.message };
    }
  });
}

/** The definition of one run. Its condition is left out: `meetsCondition` asks it. */
export function renderedDefinition(definition: JobDefinition, run: TemplateRun): JobDefinition {
  const copy = structuredCopy(definition);
  for (const [field, templates] of templatesOf(definition)) {
    if (field.field === 'runIf') continue;
    const value = rendered(field, templates, run);
    const last = field.path.at(-1) as string | number;
    let place = copy as unknown as Record<string | number, unknown>;
    for (const step of field.path.slice(0, -1)) place = place[step] as typeof place;
    Object.defineProperty(place, last, { value, enumerable: true, writable: true, configurable: true });
  }
  return copy;
}

/** A copy of the parts that templates change. */
const structuredCopy = (definition: JobDefinition): JobDefinition => {
  const { run, labels } = definition;
  return {
    ...definition,
    ...(labels !== undefined && { labels: { ...labels } }),
    ...(run !== undefined && {
      run: {
        ...run,
        ...(run.argv !== undefined && { argv: [...run.argv] }),
        ...(run.args !== undefined && { args: [...run.args] }),
        ...(run.env !== undefined && { env: { ...run.env } }),
      },
    }),
  };
};

/** Whether the run meets `runIf`. INVALID_TEMPLATE if it says neither true nor false. */
export function meetsCondition(definition: JobDefinition, run: TemplateRun): boolean {
  const condition = templatesOf(definition).find(([{ field }]) => field === 'runIf');
  if (condition === undefined) return true;
  const [field, templates] = condition;
  return isTrue(field, rendered(field, templates, run));
}

function isTrue(field: TemplateField, text: string): boolean {
  const word = text.trim();
  if (word === 'true' || word === 'false') return word === 'true';
  throw invalid(field, `it becomes ${JSON.stringify(shorten(word))}, and must become true or false`);
}

/** The definition of a run that is made up. For a job whose templates are right. */
export const sampled = (definition: JobDefinition): JobDefinition =>
  hasTemplates(definition) ? renderedDefinition(definition, sampleRun(definition)) : definition;

/** A run that is made up, to try the templates of a job and to check what they become. */
export function sampleRun({ name, params = {}, schedule }: JobDefinition): TemplateRun {
  const due = Date.UTC(2026, 0, 2);
  const samples = Object.entries(params).flatMap(([each, param]) =>
    param.type === 'secret'
      ? []
      : [[each, param.default ?? param.values?.[0] ?? sampleOf(param.type, param.minimum)] as const],
  );
  return {
    due,
    interval: { from: due - 86_400_000, to: due },
    params: typedParams({ params }, Object.fromEntries(samples)),
    run: { id: `${name}.20260102T000000Z`, job: name, attempt: 1 },
    timezone: timezoneOf(schedule),
  };
}

type Param = NonNullable<JobDefinition['params']>[string];

function sampleOf(type: Param['type'], least = 1): string | number {
  const samples = { date: '2026-01-02', time: '06:30', duration: 'PT1H', boolean: 'false' } as const;
  if (type === 'integer' || type === 'number') return least;
  return type === undefined || type === 'string' || type === 'secret' ? 'x' : samples[type];
}

/** Numbers as numbers and booleans as booleans, so that they compare as such. */
export function typedParams(
  { params: declared = {} }: Pick<JobDefinition, 'params'>,
  given: Readonly<Record<string, string | number | boolean>>,
): TemplateRun['params'] {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      const type = Object.hasOwn(declared, name) ? declared[name]?.type : 'string';
      if (type === 'secret') return [];
      if (type === 'integer' || type === 'number') return [[name, Number(value)]];
      return [[name, type === 'boolean' ? String(value) === 'true' : value]];
    }),
  );
}

function parsed(field: TemplateField): Template[] {
  const { text } = field;
  if (text.length > MAX_TEMPLATE)
    throw invalid(field, `a template has at most ${MAX_TEMPLATE} characters, and this has ${text.length}`);
  if (!text.includes(opening)) throw invalid(field, 'there is no {{ … }} in it');
  return place(field, () => engine.parse(text));
}

/** Only what is known of a run: a misspelt name must not be found at night. */
function checkNames(field: TemplateField, templates: Template[], definition: JobDefinition): void {
  const declared = Object.entries(definition.params ?? {}).flatMap(([name, { type }]) =>
    type === 'secret' ? [] : [`params.${name}`],
  );
  const ofRun = ['run.id', 'run.job', ...(field.field === 'runIf' ? [] : ['run.attempt'])];
  const names = ['due', 'interval.start', 'interval.end', ...ofRun, ...declared];
  const { globals } = place(field, () => analyzeSync(templates, { partials: false }));
  for (const variable of Object.values(globals).flat()) {
    const name = variable.segments.every((segment) => typeof segment === 'string')
      ? variable.segments.join('.')
      : null;
    if (name !== null && names.includes(name)) continue;
    const { row, col } = variable.location;
    const what = name === null ? 'a name in brackets' : name === '' ? 'a name' : name;
    throw invalid(field, `unknown name ${JSON.stringify(shorten(what))}`, [row, col], names);
  }
}

function rendered(field: TemplateField, templates: Template[], given: TemplateRun): string {
  const { due, interval, params, run, timezone } = given;
  const scope = {
    due: new Date(due).toISOString(),
    ...(interval !== undefined && {
      interval: {
        start: new Date(interval.from).toISOString(),
        end: new Date(interval.to).toISOString(),
      },
    }),
    params,
    run,
  };
  const zone = zoneOf(timezone);
  const offsetMsAt = (instantMs: number): number => offsetAt(zone, instantMs);
  const text = place(field, () => engine.renderSync(templates, scope, { globals: { offsetMsAt } })) as string;
  if (text.length > MAX_RENDERED) throw invalid(field, `it becomes more than ${MAX_RENDERED} characters`);
  // In a list or a variable, nothing is a value too.
  if (text.trim() === '' && field.path.length === 2 && field.path[0] === 'run')
    throw invalid(field, 'it becomes nothing');
  return text;
}

/** Errors of the library become ours, with their place. */
function place<T>(field: TemplateField, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!LiquidError.is(error)) throw error;
    const original = (error as { originalError?: unknown }).originalError;
    const message = original instanceof Error ? original.message : error.message;
    const words = message.replace(/, line:\d+, col:\d+$/, '');
    const [row, col] = error.token.getPosition();
    throw invalid(field, words, [row ?? 1, col ?? 1]);
  }
}

function invalid(
  { field, text }: TemplateField,
  problem: string,
  [row, col]: readonly [number, number] = [1, 1],
  allowed?: readonly string[],
): CarillonError {
  const isFilterName = /^undefined filter: (.*)$/.exec(problem);
  const names = allowed ?? (isFilterName === null ? undefined : filterNames);
  const more = names === undefined ? '' : ` Known: ${names.join(', ')}.`;
  const hint = /\{\{-?\s*[.$]/.test(text) ? ' For {{ itself, write {{ "{{" }}.' : '';
  return new CarillonError(
    'INVALID_TEMPLATE',
    `${field}, line ${row}, column ${col}: ${problem}.${more}${hint}`,
    { field, value: shorten(text), ...(names !== undefined && { allowed: names }) },
  );
}
