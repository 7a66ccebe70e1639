/**
 * What stands in a definition for what whoever reads it may not see. A definition that has it is not accepted, so that
 * nobody replaces a value by its stand-in.
 */

import type { JobDefinition, RunDefinition } from './definition.ts';
import { parentName, parentNames } from './parents.ts';
import type { ParamDefinition, ParamsDefinition } from './schema/params.ts';

const mark = '***';
const markedFile = `/${mark}`;
/** The form of a reference to a secret. */
const markedDefault = `file:${markedFile}`;
/** The form of a name of a job. */
const markedParent = '___';
/** Also the names are hidden. */
const markedSecrets = { hidden: { file: markedFile } } as const;

export interface Hidden {
  readonly env: boolean;
  readonly secrets: boolean;
}

/** The same definition if nothing of it is to be hidden. */
export function withoutHidden(definition: JobDefinition, { env, secrets }: Hidden): JobDefinition {
  const { run } = definition;
  const fields: { -readonly [F in keyof RunDefinition]?: RunDefinition[F] } = {};
  if (env && run?.env !== undefined)
    fields.env = Object.fromEntries(Object.keys(run.env).map((name) => [name, mark]));
  if (secrets && run?.secrets !== undefined) fields.secrets = markedSecrets;
  if (secrets && run?.registry?.secret !== undefined) fields.registry = { secret: { file: markedFile } };
  const variables = env ? definition.chronos?.environmentVariables : undefined;
  const marked = Array.isArray(variables)
    ? variables.map((each) => ({ ...(each as object), value: mark }))
    : undefined;
  const params = secrets ? withoutSecretDefaults(definition.params) : undefined;
  if (Object.keys(fields).length === 0 && marked === undefined && params === undefined) return definition;
  return {
    ...definition,
    ...(params !== undefined && { params }),
    ...(run !== undefined && { run: { ...run, ...fields } }),
    ...(marked !== undefined && { chronos: { ...definition.chronos, environmentVariables: marked } }),
  };
}

/** Undefined: there are none. */
function withoutSecretDefaults(params: ParamsDefinition = {}): ParamsDefinition | undefined {
  const isHidden = ({ type, default: otherwise }: ParamDefinition): boolean =>
    type === 'secret' && otherwise !== undefined;
  if (!Object.values(params).some(isHidden)) return undefined;
  return Object.fromEntries(
    Object.entries(params).map(([name, param]) => [
      name,
      isHidden(param) ? { ...param, default: markedDefault } : param,
    ]),
  );
}

/** Without the parents that are not seen. */
export function withoutParents(definition: JobDefinition, sees: (name: string) => boolean): JobDefinition {
  const { schedule } = definition;
  if (schedule?.after === undefined) return definition;
  const seen = schedule.after.parents.filter((parent) => sees(parentName(parent)));
  if (seen.length === schedule.after.parents.length) return definition;
  return {
    ...definition,
    schedule: { ...schedule, after: { ...schedule.after, parents: [...seen, markedParent] } },
  };
}

/** Paths of what is hidden in a definition. */
export function hiddenIn({ run, schedule, chronos, params = {} }: JobDefinition): string[] {
  const paths = Object.entries(run?.env ?? {}).flatMap(([name, value]) =>
    value === mark ? [`run.env.${name}`] : [],
  );
  if (Object.values(run?.secrets ?? {}).some((secret) => isMarked(secret))) paths.push('run.secrets');
  if (parentNames(schedule?.after).includes(markedParent)) paths.push('schedule.after.parents');
  if (isMarked(run?.registry?.secret)) paths.push('run.registry.secret');
  for (const [name, { default: otherwise }] of Object.entries(params))
    if (otherwise === markedDefault) paths.push(`params.${name}.default`);
  const variables = chronos?.environmentVariables;
  if (Array.isArray(variables) && variables.some((each) => (each as { value?: unknown })?.value === mark))
    paths.push('chronos.environmentVariables');
  return paths;
}

const isMarked = (secret: object | undefined): boolean =>
  secret !== undefined && 'file' in secret && secret.file === markedFile;
