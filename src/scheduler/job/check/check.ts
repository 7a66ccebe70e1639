/**
 * Validates definitions. An accepted definition has the shape of the schema, and everything that can be
 * checked by itself makes sense. What needs other jobs, configuration or time (parents, pools, engines,
 * whether a schedule has due times) is checked elsewhere. Called for thousands of jobs per request, so the
 * schema is compiled once, and messages are only composed for refused definitions.
 */

import { Compile } from 'typebox/compile';
import type { CarillonError, ErrorCode } from '../../../errors.ts';
import { firstOf, invariant } from '../../../errors.ts';
import { readKept } from '../../chronos/read.ts';
import { keptWarnings } from '../../chronos/warnings.ts';
import type { ScheduleInput } from '../../schedule/model.ts';
import { JobDefinition, type RunDefinition } from '../definition.ts';
import { hiddenIn } from '../hidden.ts';
import { parentNames } from '../parents.ts';
import { policyFor } from '../policy.ts';
import { checkDuration, remindersOf } from '../reminders.ts';
import { shellVariableForm, variableForm, volumeForm } from '../schema/container-forms.ts';
import { explain, Findings, type Shape, shorten } from '../schema/explain.ts';
import { checkFetch } from '../schema/fetch.ts';
import { memoryBytes } from '../size.ts';
import { isObject } from '../stored-form.ts';
import { sampled, templateProblems } from '../template.ts';
import { timeSchedule } from '../time-schedule.ts';
import { checkAfter } from './after.ts';
import { checkContainer } from './container.ts';
import { jobHints } from './meant-field.ts';
import { checkDeclared, checkGiven } from './params.ts';
import { checkKinds } from './schedule.ts';
import { checkSecrets } from './secrets.ts';
import { checkTexts } from './texts.ts';

/** More than a person fixes in one go. Keeps the response to a nonsensical file small. */
export const maxProblems = 20;

const compiled = Compile(JobDefinition);
const compiledSchedule = Compile(JobDefinition.properties.schedule);

/** Returns the typed definition, with warnings. Throws the first of `findProblems`, carrying the others. */
export function checkDefinition(
  raw: unknown,
  source: string,
): { definition: JobDefinition; warnings: string[] } {
  const problem = firstOf(findProblems(raw, source));
  if (problem !== null) throw problem;
  const definition = raw as JobDefinition;
  return { definition, warnings: findWarnings(definition) };
}

/**
 * All problems of a definition, at most `maxProblems`: unknown fields first, because a misspelt field also
 * looks missing, then missing fields, then values. `source` is added to the details.
 */
export function findProblems(raw: unknown, source: string): CarillonError[] {
  const findings = new Findings(source, maxProblems, jobHints);
  if (compiled.Check(raw)) {
    if (!checkTexts(raw, findings)) return findings.problems;
    checkSchedule(raw, findings);
    checkDeclared(raw, findings);
    if (findings.problems.length === 0) checkGiven(raw, findings);
    if (raw.run === undefined) checkExternal(raw, findings);
    else if (checkTemplates(raw, findings)) checkRun(sampled(raw).run ?? raw.run, findings);
    refuseHidden(raw, findings);
    checkPolicy(raw, findings);
    checkChronos(raw, findings);
    return findings.problems;
  }
  explain(JobDefinition as object as Shape, raw, '', findings);
  if (hasSoundSchedule(raw)) checkSchedule(raw, findings);
  if (isObject(raw) && !Array.isArray(raw) && !('run' in raw) && !('schedule' in raw))
    refuseWithoutRun('without a schedule', findings);
  invariant(findings.problems.length > 0, 'a refused definition has a problem');
  return findings.problems.sort((a, b) => urgency(a.code) - urgency(b.code));
}

/** Whether the schedule is well-formed, whatever else is wrong with the job. */
function hasSoundSchedule(raw: unknown): raw is Pick<JobDefinition, 'name' | 'schedule'> {
  if (typeof raw !== 'object' || raw === null || !('schedule' in raw)) return false;
  return compiledSchedule.Check(raw.schedule);
}

/** The schedule of a job that may have other problems. Null if it has none, or an unusable one. */
export function timeScheduleOf(raw: unknown): ScheduleInput | null {
  if (!hasSoundSchedule(raw) || raw.schedule === undefined) return null;
  const findings = new Findings('', 1, jobHints);
  checkSchedule(raw, findings);
  return findings.problems.length === 0 ? timeSchedule(raw.schedule) : null;
}

const urgency = (code: ErrorCode) => (code === 'UNKNOWN_FIELD' ? 0 : code === 'MISSING_FIELD' ? 1 : 2);

/** Problems of the form of a schedule: which fields it has together. */
function checkSchedule(
  { name, schedule }: Pick<JobDefinition, 'name' | 'schedule'>,
  findings: Findings,
): void {
  if (schedule === undefined) return;
  checkKinds(schedule, findings);
  if (schedule.after !== undefined) checkAfter(schedule.after, findings);
  if (parentNames(schedule.after).includes(name)) {
    findings.add('DEPENDENCY_CYCLE', `${name} depends on itself.`, {
      field: 'schedule.after.parents',
      value: name,
      allowed: 'other jobs',
      names: [name, name],
    });
  }
}

/** Fields of `policy` that say something about what somebody else does. */
const externalPolicy: readonly (keyof NonNullable<JobDefinition['policy']>)[] = [
  'startWithin',
  'timeout',
  'catchUpLimit',
  'onFailure',
];

/** A job without `run`. */
function checkExternal({ schedule, policy = {}, params, runIf }: JobDefinition, findings: Findings): void {
  if (schedule === undefined || schedule.after !== undefined) {
    refuseWithoutRun(schedule === undefined ? 'without a schedule' : 'that runs after its parents', findings);
    return;
  }
  for (const [field, value] of Object.entries({ 'schedule.jitter': schedule.jitter, params, runIf })) {
    if (value === undefined) continue;
    findings.add(
      'INVALID_FIELD',
      `${field} has no effect on a job without run, because somebody else runs it. Allowed: with run.`,
      { field, ...(typeof value === 'string' && { value }), allowed: 'with run' },
    );
  }
  for (const field of Object.keys(policy) as (keyof typeof policy)[]) {
    if (externalPolicy.includes(field)) continue;
    findings.add(
      'INVALID_FIELD',
      `policy.${field} has no effect on a job without run, because somebody else runs it. Allowed: ${externalPolicy.join(', ')}.`,
      { field: `policy.${field}`, value: policy[field], allowed: externalPolicy },
    );
  }
}

function refuseWithoutRun(what: string, findings: Findings): void {
  findings.add(
    'MISSING_FIELD',
    `run is missing. A job ${what} needs it. With cron, every or at it can be left out: then somebody else runs the job, and reports to POST /api/v1/heartbeats/{name}.`,
    { field: 'run', allowed: 'command (run by /bin/sh -c), argv (without a shell) or image' },
  );
}

function checkRun(run: RunDefinition, findings: Findings): void {
  const { image, command, argv, entrypoint } = run;
  if ([image, command, argv, entrypoint].every((way) => way === undefined)) {
    findings.add('MISSING_FIELD', 'run has neither command nor argv, and no image with a program.', {
      field: 'run.command',
      allowed: 'command (run by /bin/sh -c) or argv (without a shell), or an image',
    });
  }
  checkContainer(run, findings);
  checkEnvironment(run, findings);
  checkSecrets(run, findings);
  checkFetch(run.fetch ?? [], findings);
  const memory = run.resources?.memory;
  if (memory !== undefined) findings.attempt(() => memoryBytes(memory, 'run.resources.memory'));
  run.volumes?.forEach((volume, index) => {
    if (volumeForm.test(volume)) return;
    findings.add('INVALID_FIELD', `run.volumes[${index}] is ${JSON.stringify(shorten(volume))}.`, {
      field: `run.volumes[${index}]`,
      value: shorten(volume),
      allowed: 'source:target or source:target:ro, the target an absolute path',
    });
  });
}

/** Adds problems. False: what the templates become cannot be checked. */
function checkTemplates(definition: JobDefinition, findings: Findings): boolean {
  const problems = templateProblems(definition);
  for (const { code, message, details } of problems) findings.add(code, message, details);
  return problems.length === 0;
}

/** What is wrong with what the templates of a job became for a run. */
export function launchProblems(definition: JobDefinition, source: string): CarillonError[] {
  const findings = new Findings(source, maxProblems, jobHints);
  if (checkTexts(definition, findings) && definition.run !== undefined) checkRun(definition.run, findings);
  return findings.problems;
}

/** Otherwise the stand-in would replace the value. */
function refuseHidden(definition: JobDefinition, findings: Findings): void {
  for (const field of hiddenIn(definition)) {
    const allowed = 'a definition as somebody reads it who may see all of it';
    findings.add('INVALID_FIELD', `${field} is hidden in this copy of the job. Allowed: ${allowed}.`, {
      field,
      value: '***',
      allowed,
    });
  }
}

function checkEnvironment({ image, env = {}, secrets = {} }: RunDefinition, findings: Findings): void {
  const form = image === undefined ? shellVariableForm : variableForm;
  const refuse = (field: string, name: string, message: string, allowed: string) =>
    findings.add('INVALID_FIELD', message, { field, value: shorten(name), allowed });
  for (const [map, names] of [
    ['env', Object.keys(env)],
    ['secrets', Object.keys(secrets)],
  ] as const) {
    for (const name of names) {
      const field = `run.${map}.${name}`;
      if (!form.test(name)) {
        const also = image === undefined ? '' : ', dots and dashes';
        const allowed = `letters, digits, underscores${also}, beginning with a letter or an underscore`;
        refuse(
          field,
          name,
          `${JSON.stringify(shorten(name))} is not a valid name of an environment variable.`,
          allowed,
        );
      } else if (name.startsWith('CARILLON_')) {
        refuse(field, name, `${name} is set by Carillon itself.`, 'names that do not begin with CARILLON_');
      } else if (map === 'secrets' && Object.hasOwn(env, name)) {
        refuse(field, name, `${name} is in both env and secrets.`, 'each name in one of them');
      }
    }
  }
}

function checkPolicy({ policy = {}, expect = {}, alerts = {} }: JobDefinition, findings: Findings): void {
  const duration = (text: string | undefined, field: string, leastMs: number): number | null =>
    checkDuration(text, field, leastMs, findings);
  // Zero means "at once" for a delay, a grace or lateness. As a timeout it would end every attempt.
  duration(policy.startWithin, 'policy.startWithin', 0);
  duration(policy.timeout, 'policy.timeout', 1);
  checkExitCodes(policy, findings);
  duration(policy.totalTimeout, 'policy.totalTimeout', 1);
  duration(policy.killAfter, 'policy.killAfter', 0);
  const delay = duration(policy.retries?.delay, 'policy.retries.delay', 0);
  const max = duration(policy.retries?.max, 'policy.retries.max', 0);
  if (delay !== null && max !== null && delay > max) {
    findings.add('INVALID_FIELD', 'policy.retries.max is shorter than policy.retries.delay.', {
      field: 'policy.retries.max',
      value: policy.retries?.max,
      allowed: `${policy.retries?.delay} or longer`,
    });
  }
  duration(expect.startWithin, 'expect.startWithin', 0);
  remindersOf(alerts, 'alerts', findings);
  duration(expect.finishWithin, 'expect.finishWithin', 1);
  for (const field of ['finishBy', 'pipelineBy'] as const) {
    const time = expect[field];
    if (time === undefined || timeOfDay.test(time)) continue;
    findings.add('INVALID_FIELD', `expect.${field} is ${JSON.stringify(shorten(time))}.`, {
      field: `expect.${field}`,
      value: shorten(time),
      allowed: 'a local time of day, 00:00 to 23:59',
    });
  }
}

/** Each exit code has one meaning. */
function checkExitCodes(policy: NonNullable<JobDefinition['policy']>, findings: Findings): void {
  const { retries = {}, skipExitCodes = [] } = policy;
  const { onExitCodes = [], exceptExitCodes = [] } = retries;
  const lists = {
    'retries.onExitCodes': onExitCodes,
    'retries.exceptExitCodes': exceptExitCodes,
    skipExitCodes,
  };
  const first = new Map<number, string>();
  for (const [field, codes] of Object.entries(lists)) {
    for (const code of codes) {
      const other = first.get(code);
      if (other === undefined) first.set(code, field);
      else
        findings.add('INVALID_FIELD', `${code} is in both policy.${other} and policy.${field}.`, {
          field: `policy.${field}`,
          value: code,
          allowed: 'each exit code in one of them',
        });
    }
  }
}

const timeOfDay = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** Keeps the fields stored for other systems from exceeding the size of a stored node. */
const MAX_CHRONOS_LENGTH = 65_536;

function checkChronos({ chronos }: JobDefinition, findings: Findings): void {
  if (chronos === undefined) return;
  for (const { code, message, details } of readKept(chronos).problems) findings.add(code, message, details);
  const { length } = JSON.stringify(chronos);
  if (length <= MAX_CHRONOS_LENGTH) return;
  const allowed = `at most ${MAX_CHRONOS_LENGTH} characters of JSON`;
  findings.add('INVALID_FIELD', `chronos has ${length} characters. Allowed: ${allowed}.`, {
    field: 'chronos',
    value: length,
    allowed,
  });
}

/** Settings that are valid but probably a mistake, or stored without effect. */
export function findWarnings(definition: JobDefinition): string[] {
  const { policy } = definition;
  const warnings = keptWarnings(definition);
  if (policy?.catchUpLimit !== undefined && policyFor(definition).catchUp !== 'all') {
    warnings.push('policy.catchUpLimit has no effect unless policy.catchUp is all');
  }
  if (policy?.completion === 'callback' && policy.timeout === undefined) {
    warnings.push(
      'policy.completion is callback without a timeout: a run whose result is never reported never ends',
    );
  }
  return warnings;
}
