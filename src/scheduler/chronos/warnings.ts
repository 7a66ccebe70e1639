/**
 * Warnings about fields of a Chronos job that are stored without effect, reported when the job is sent and
 * with the job.
 */

import { type JobDefinition, maxRetries } from '../job/definition.ts';
import type { Unmapped } from './aspects.ts';
import { isGivenAtLaunch, isVariable } from './aspects.ts';
import { nativeConstraint } from './constraints.ts';
import { containerWarnings } from './container.ts';
import { heldBy } from './held.ts';
import { type ChronosJob, chronosDefaults } from './job.ts';
import { keptOf, settledFields } from './mapping.ts';
import { nativeName } from './names.ts';
import { zoneTaken } from './schedule.ts';

/** Warnings about a definition from Chronos; empty for any other. */
export function keptWarnings(definition: JobDefinition): string[] {
  if (definition.chronos === undefined) return [];
  const warnings = chronosWarnings(settledFields(definition), keptOf(definition).unmapped ?? []);
  const held = heldBy(definition);
  return held === null ? warnings : [...warnings, held];
}

export function chronosWarnings(job: ChronosJob, unmapped: readonly Unmapped[]): string[] {
  const warnings = job.container === null ? [] : containerWarnings(job.container);
  if (nativeName(job.name) !== job.name)
    warnings.push(`its name '${job.name}' is '${nativeName(job.name)}' here`);
  const zone = job.parents === null ? zoneTaken(job.scheduleTimeZone) : null;
  if (zone !== null) warnings.push(zone);
  if (job.retries > maxRetries) warnings.push(`retries are ${maxRetries} at most`);
  for (const field of ['executor', 'executorFlags', 'taskInfoData'] as const) {
    if (job[field] !== '')
      warnings.push(`${field} is stored without effect: there are no Mesos executors here`);
  }
  const unset = job.environmentVariables.filter((variable) => !isVariable(variable));
  for (const { name } of unset)
    warnings.push(`environmentVariables: ${JSON.stringify(name.slice(0, 80))} is stored but cannot be set`);
  const odd = job.environmentVariables.filter(
    (each) => isVariable(each) && isGivenAtLaunch(each.name, job.container),
  );
  if (odd.length > 0) {
    const names = odd.map(({ name }) => name).join(', ');
    warnings.push(`${names}: shells do not pass on variables with dots or dashes in their names`);
  }
  if (job.dataProcessingJobType)
    warnings.push('dataProcessingJobType is stored without effect: progress is accepted but not stored');
  if (job.disk !== chronosDefaults.disk) warnings.push('disk is stored without effect: no engine limits it');
  if (job.container !== null && (job.fetch.length > 0 || job.uris.length > 0))
    warnings.push('uris and fetch are stored without effect: a container brings its own files');
  if (/^(https?|ftp):/.test(job.command))
    warnings.push('a command that is an address is not fetched: use fetch');
  const limited = job.cpus !== chronosDefaults.cpus || job.mem !== chronosDefaults.mem;
  if (limited && (job.container === null || unmapped.includes('resources')))
    warnings.push('cpus and mem are stored without effect: only containers have limits');
  if (unmapped.includes('pull'))
    warnings.push(
      "container.forcePullImage is stored without effect: Swarm's nodes check the registry themselves",
    );
  for (const part of ['ports', 'noNewPrivileges'] as const) {
    if (unmapped.includes(part))
      warnings.push(
        `container.parameters: the engine of this job does not support ${part}, which is stored without ` +
          'effect',
      );
  }
  return [...warnings, ...placementWarnings(job, unmapped)];
}

const operators = new Set(['EQUALS', 'LIKE', 'UNLIKE']);

function placementWarnings({ constraints, container }: ChronosJob, unmapped: readonly Unmapped[]): string[] {
  if (constraints.length === 0) return [];
  if (container === null || unmapped.includes('constraints'))
    return ['constraints are stored without effect: only the engine swarm places jobs'];
  return constraints.flatMap((constraint) => {
    const [attribute = '', operator = '', value = ''] = constraint;
    if (nativeConstraint(attribute, operator, value).length > 0) return [];
    if (!operators.has(operator))
      return [`the constraint '${constraint.join(' ')}' is stored without effect: unknown operator`];
    return [
      `the constraint '${constraint.join(' ')}' is stored without effect: Swarm compares plain words only`,
    ];
  });
}
