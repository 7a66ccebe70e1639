/**
 * A run as a task of Chronos: its id, the variables that its command finds, and the arguments that whoever
 * started it by hand gave.
 */

import type { JobDefinition, RunDefinition } from '../job/definition.ts';
import type { Attempt, Run } from '../model/model.ts';
import { isGivenAtLaunch, isVariable } from './aspects.ts';
import { settledFields } from './mapping.ts';
import { shownName } from './names.ts';

/** The parameter of a run that holds its arguments. */
export const argumentsParameter = 'CHRONOS_ARGUMENTS';

/** `ct:<due>:<attempt>:<job>:<arguments>`; attempts count from 0. */
export function taskIdOf(run: Pick<Run, 'due' | 'job' | 'params'>, attempt: number): string {
  return `ct:${run.due}:${attempt - 1}:${run.job}:${run.params[argumentsParameter] ?? ''}`;
}

const taskIdForm = /^ct:(\d{1,15}):(\d{1,6}):([\w.-]+):?(.*)$/s;

/** Null for what is no task id. */
export function readTaskId(id: string): { due: number; attempt: number; job: string } | null {
  const match = taskIdForm.exec(id);
  return match && { due: Number(match[1]), attempt: Number(match[2]) + 1, job: match[3]! };
}

/** What every command finds under the names that Chronos gave it. */
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

/** As a client of Chronos reads them. */
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

/** The arguments of this run come behind the command, as Chronos puts them there. */
export function withArguments({ run: given }: JobDefinition, { params }: Run): RunDefinition {
  const words = params[argumentsParameter] ?? '';
  if (words === '') return given;
  if (given.command !== undefined) return { ...given, command: `${given.command} ${words}` };
  const split = words.split(/\s+/).filter((word) => word !== '');
  if (given.argv !== undefined) return { ...given, argv: [...given.argv, ...split] };
  return { ...given, args: [...(given.args ?? []), ...split] };
}
