/**
 * A job's definition as one of its runs gets it: templates rendered, with the secrets that its parameters refer to. What the
 * templates became is checked like what is put, because a parameter may have made it anything.
 */

import { CarillonError } from '../../../errors.ts';
import { launchProblems } from '../../job/check/check.ts';
import type { JobDefinition } from '../../job/definition.ts';
import { secretsIn } from '../../job/params.ts';
import { meetsCondition, renderedDefinition, type TemplateRun, typedParams } from '../../job/template.ts';
import { timezoneOf } from '../../job/time-schedule.ts';
import type { Job, Run } from '../../model/model.ts';
import type { Reason } from '../../model/reason.ts';

/** What a launch, and the templates of its job, are made of. */
export type GivenRun = Pick<Run, 'id' | 'job' | 'due' | 'params' | 'interval'>;
type GivenJob = Pick<Job, 'definition' | 'templates'>;

/** The same definition if the run changes nothing of it. Throws what is wrong with what its templates became. */
export function launchedDefinition(job: GivenJob, run: GivenRun, attempt: number): JobDefinition {
  let { definition } = job;
  if (job.templates === true) {
    definition = renderedDefinition(definition, templateRun(definition, run, attempt));
    const [problem] = launchProblems(definition, 'templates');
    if (problem !== undefined) throw problem;
  }
  const secrets = secretsIn(definition.params, run.params);
  if (definition.run === undefined || Object.keys(secrets).length === 0) return definition;
  const all = { ...definition.run.secrets, ...secrets } as NonNullable<typeof definition.run.secrets>;
  return { ...definition, run: { ...definition.run, secrets: all } };
}

/** The next launch of a run, or why there is none. */
export function tryLaunched(
  job: GivenJob,
  run: Run,
): { readonly definition: JobDefinition } | { readonly failure: Reason } {
  try {
    return { definition: launchedDefinition(job, run, run.attempts.length + 1) };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

/** Why a new run does not start. Null: it may. */
export function unmetCondition(
  { definition, templates }: GivenJob,
  run: GivenRun,
): { readonly end: 'skipped' | 'failed'; readonly reason: Reason } | null {
  const { runIf } = definition;
  if (runIf === undefined || templates !== true) return null;
  try {
    if (meetsCondition(definition, templateRun(definition, run, 1))) return null;
  } catch (error) {
    return { end: 'failed', reason: failureOf(error) };
  }
  return { end: 'skipped', reason: { code: 'condition-false', condition: shownCondition(runIf) } };
}

/** Of a condition in a reason. */
const MAX_CONDITION = 200;
const shownCondition = (text: string): string =>
  text.length > MAX_CONDITION ? `${text.slice(0, MAX_CONDITION)}…` : text.trim();

function failureOf(error: unknown): Reason {
  if (!(error instanceof CarillonError)) throw error;
  // A reason stands in parentheses.
  return {
    code: 'cannot-render',
    field: error.details.field ?? 'run',
    text: error.message.replace(/\.$/, ''),
  };
}

/** What the templates of the job can name of this run. */
export function templateRun(definition: JobDefinition, run: GivenRun, attempt: number): TemplateRun {
  return {
    due: run.due,
    interval: run.interval,
    params: typedParams(definition, run.params),
    run: { id: run.id, job: run.job, attempt },
    timezone: timezoneOf(definition.schedule),
  };
}

/** Parameters of the run that become environment variables: all except the references to secrets. */
export function plainParams(definition: JobDefinition, { params }: Pick<Run, 'params'>): Run['params'] {
  const secrets = secretsIn(definition.params, params);
  if (Object.keys(secrets).length === 0) return params;
  return Object.fromEntries(Object.entries(params).filter(([name]) => !Object.hasOwn(secrets, name)));
}
