/**
 * A run as a Chronos task: its id, the environment variables of its command, and the arguments of the user
 * who triggered it.
 */

import type { JobDefinition, RunDefinition } from '../job/definition.ts';
import { argumentsParameter } from '../job/params.ts';
import type { Attempt, Run } from '../model/model.ts';
import { isGivenAtLaunch, isVariable } from './aspects.ts';
import { settledFields } from './mapping.ts';
import { shownName } from './names.ts';

/** `ct:<due>:<attempt>:<job>:<arguments>`; attempts start at 0. */
export function taskIdOf(run: Pick<Run, 'due' | 'job' | 'params'>, attempt: number): string {
  return `ct:${run.due}:${attempt - 1}:${run.job}:${run.params[argumentsParameter] ?? ''}`;
}

const taskIdForm = /^ct:(\d{1,15}):(\d{1,6}):([\w.-]+):?(.*)$/s;

/** Null for an invalid task id. */
export function readTaskId(id: string): { due: number; attempt: number; job: string } | null {
  const match = taskIdForm.exec(id);
  return match && { due: Number(match[1]), attempt: Number(match[2]) + 1, job: match[3]! };
}

/** The environment variables under the names that Chronos uses. */
export function chronosNames(
  definition: JobDefinition,
  run: Run,
  { number, host }: Attempt,
): Record<string, string> {
  const id = taskIdOf(run, number);
  return {
    mesos_task_id: id,
    MESOS_TASK_ID: id,
    CHRONOS_JOB_OWNER: definition.owner ?? '',
    CHRONOS_JOB_NAME: shownName(definition),
    CHRONOS_JOB_RUN_TIME: String(run.due),
    CHRONOS_JOB_RUN_ATTEMPT: String(number - 1),
    ...(host !== null && { HOST: host }),
    ...(definition.chronos !== undefined && settledNames(definition)),
  };
}

/** As a Chronos client reads them. */
function settledNames(definition: JobDefinition): Record<string, string> {
  const { cpus, mem, disk, environmentVariables, container } = settledFields(definition);
  const odd = environmentVariables.filter(
    (each) => isVariable(each) && isGivenAtLaunch(each.name, container),
  );
  return {
    ...Object.fromEntries(odd.map(({ name, value }) => [name, value])),
    CHRONOS_RESOURCE_CPU: String(cpus),
    CHRONOS_RESOURCE_MEM: String(mem),
    CHRONOS_RESOURCE_DISK: String(disk),
  };
}

/** The arguments of the run are appended to the command, as in Chronos. */
export function withArguments({ run: given = {} }: JobDefinition, { params }: Run): RunDefinition {
  const words = params[argumentsParameter] ?? '';
  if (words === '') return given;
  if (given.command !== undefined) return { ...given, command: `${given.command} ${words}` };
  const split = words.split(/\s+/).filter((word) => word !== '');
  if (given.argv !== undefined) return { ...given, argv: [...given.argv, ...split] };
  return { ...given, args: [...(given.args ?? []), ...split] };
}
