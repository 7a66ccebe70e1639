/** Checks the parameters that a job declares. The shape has already been validated. Pure. */

import type { JobDefinition } from '../definition.ts';
import { allowedNames, argumentsParameter, isAsked, isParamName, readParam, readParams } from '../params.ts';
import { describe, type Findings, shorten } from '../schema/explain.ts';
import type { ParamDefinition, ParamValue } from '../schema/params.ts';

/** Adds problems to the findings. */
export function checkDeclared(definition: JobDefinition, findings: Findings): void {
  const { params = {}, run: { env = {}, secrets = {} } = {}, schedule } = definition;
  for (const [name, param] of Object.entries(params)) {
    const field = `params.${name}`;
    const refuse = (message: string, allowed: string): void =>
      findings.add('INVALID_FIELD', message, { field, value: shorten(name), allowed });
    if (!isParamName(name)) {
      refuse(`${JSON.stringify(shorten(name))} is not a valid name of a parameter.`, allowedNames);
      continue;
    }
    if (name === argumentsParameter) refuse(`${name} is what Chronos' clients give.`, 'another name');
    for (const [map, names] of Object.entries({ env, secrets }))
      if (Object.hasOwn(names, name))
        refuse(`${name} is in both params and run.${map}.`, 'each name in one of them');
    checkParam(param, field, findings);
    if (isAsked(param) && schedule !== undefined && schedule.any === undefined) {
      const who = schedule.after === undefined ? 'the schedule' : 'the parents';
      refuse(
        `${field} is required, but the runs of ${who} are given no value.`,
        'a default, required: false, or a job without a schedule',
      );
    }
  }
}

/** What each of several schedules gives its runs. */
export function checkGiven({ params, schedule }: JobDefinition, findings: Findings): void {
  for (const [i, member] of (schedule?.any ?? []).entries())
    findings.attempt(() => readParams(params, member.params ?? {}, `schedule.any[${i}].params`));
}

function checkParam(param: ParamDefinition, field: string, findings: Findings): void {
  const { type = 'string', values, minimum, maximum } = param;
  const { values: _, ...bounds } = param;
  const isScalar = (value: unknown, at: string): value is ParamValue => {
    if (['string', 'number', 'boolean'].includes(typeof value)) return true;
    const allowed = 'text, a number, true or false';
    findings.add('INVALID_FIELD', `${at} is ${describe(value)}. Allowed: ${allowed}.`, {
      field: at,
      value: shorten(value),
      allowed,
    });
    return false;
  };
  for (const [name, bound] of Object.entries({ minimum, maximum })) {
    if (bound === undefined || type === 'integer' || type === 'number') continue;
    findings.add('INVALID_FIELD', `${field}.${name} has no effect on the type ${type}.`, {
      field: `${field}.${name}`,
      value: bound,
      allowed: 'with the types integer and number',
    });
  }
  if (values !== undefined && (type === 'boolean' || type === 'secret')) {
    findings.add('INVALID_FIELD', `${field}.values has no effect on the type ${type}.`, {
      field: `${field}.values`,
      allowed: 'with the other types',
    });
    return;
  }
  let isSound = true;
  for (const [i, value] of (values ?? []).entries()) {
    const at = `${field}.values[${i}]`;
    if (!isScalar(value, at)) isSound = false;
    else if (findings.attempt(() => readParam(bounds, at, value)) === null) isSound = false;
  }
  const { default: otherwise } = param;
  if (otherwise === undefined || !isScalar(otherwise, `${field}.default`)) return;
  findings.attempt(() => readParam(isSound ? param : bounds, `${field}.default`, otherwise));
}
