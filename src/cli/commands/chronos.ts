/** Migration from Chronos and back: `import chronos` and `export --format chronos`. */

import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { WireApplyResult } from '../../api/wire/schema.ts';
import { droppable, type Unmapped } from '../../scheduler/chronos/aspects.ts';
import type { Generation } from '../../scheduler/chronos/job.ts';
import type { JobDefinition } from '../../scheduler/job/definition.ts';
import {
  type ChronosJobs,
  fetchChronosJobs,
  type Moving,
  moveJobs,
  type Refused,
  readSavedJobs,
} from '../chronos.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { readText, writing } from '../job-files.ts';
import type { Session, Shell } from '../shell.ts';
import { nothing, table, tinted, when, zoned } from '../words.ts';

interface ImportOptions {
  readonly apply?: boolean;
  readonly paused?: boolean;
  readonly credentialsFile?: string;
}

export function addChronosImport(imports: Command, shell: Shell): void {
  imports
    .command('chronos')
    .argument(
      '<source>',
      'address of a Chronos server (http://user:password@host:4400), a saved list, or - for standard ' +
        'input',
    )
    .description('show the converted jobs of a Chronos and when each runs next; --apply submits them')
    .option('--apply', 'submit the jobs; can be repeated at any time without creating duplicates')
    .option('--paused', 'pause all of them until they are imported without this option')
    .option('--credentials-file <file>', 'file with user:password, to keep it out of process lists')
    .addHelpText(
      'after',
      '\nExamples:\n  carillon import chronos http://chronos:4400\n  carillon import chronos jobs.json --apply --paused',
    )
    .action((source: string, options: ImportOptions, command: Command) =>
      shell.run(command, (session) => importChronos(session, source, options)),
    );
}

async function importChronos(session: Session, source: string, options: ImportOptions): Promise<ExitCode> {
  const found = await jobsAt(session, source, options);
  const known = new Map<string, JobDefinition>();
  for await (const { name, definition } of session.client.jobs({})) known.set(name, definition);
  const plan = await planMove(session, found, known, options.paused === true);
  const applied = options.apply === true ? (await submit(session, plan.moving, false)).results : plan.results;
  const refused = [...plan.refused, ...refusals(applied)];
  if (session.json) session.printJson(jsonOf(plan.moving, applied, refused));
  else print(session, { ...plan, results: applied, refused }, options.apply === true);
  return refused.length > 0 ? exitCodes.failed : exitCodes.ok;
}

async function jobsAt(
  { io }: Session,
  source: string,
  { credentialsFile }: ImportOptions,
): Promise<ChronosJobs> {
  if (/^https?:\/\//.test(source))
    return fetchChronosJobs(source, credentialsFile === undefined ? null : readText(credentialsFile).trim());
  return source === '-'
    ? readSavedJobs(await io.stdin(), 'standard input')
    : readSavedJobs(readText(source), source);
}

interface MovePlan {
  readonly moving: readonly Moving[];
  readonly refused: readonly Refused[];
  readonly results: readonly WireApplyResult[];
}

/**
 * Dry-runs the import on the server. Fields that its engines do not support are removed from the jobs and
 * reported.
 */
async function planMove(
  session: Session,
  { jobs, generation }: ChronosJobs,
  known: ReadonlyMap<string, JobDefinition>,
  paused: boolean,
): Promise<MovePlan> {
  const unmapped = new Map<string, readonly Unmapped[]>();
  for (;;) {
    const { moving, refused } = moveJobs(jobs, {
      generation,
      now: session.io.now(),
      paused,
      known,
      unmapped,
    });
    const { results } = await submit(session, moving, true);
    let again = false;
    for (const { name, problem } of results) {
      const part = droppable.find((each) => problem?.field?.startsWith(`run.${each}`));
      const left = unmapped.get(name) ?? [];
      // Each round removes one more field of a job, and there are few such fields.
      if (part === undefined || left.includes(part)) continue;
      unmapped.set(name, [...left, part]);
      again = true;
    }
    if (!again) return { moving, refused, results };
  }
}

const submit = (session: Session, moving: readonly Moving[], dryRun: boolean) =>
  session.client.apply(
    moving.map(({ definition }) => definition),
    { dryRun },
  );

const refusals = (results: readonly WireApplyResult[]): Refused[] =>
  results.flatMap(({ name, problem }) => (problem === null ? [] : [{ name, message: problem.detail }]));

/** Index of the first run whose time differs. */
function difference({ fires: { chronos, carillon } }: Moving): number | null {
  const most = Math.max(chronos.length, carillon.length);
  for (let i = 0; i < most; i++) if (chronos[i] !== carillon[i]) return i;
  return null;
}

function print(session: Session, { moving, results, refused }: MovePlan, applied: boolean): void {
  const { io } = session;
  const shown = (at: number | undefined): string =>
    at === undefined ? nothing : when(new Date(at).toISOString(), io);
  const rows = moving.map((job, i) => {
    const { chronos, carillon } = job.fires;
    const differs = difference(job);
    const dependent = job.sent.job.parents !== null;
    return [
      job.name,
      tinted(results[i]?.outcome ?? 'refused', io),
      job.definition.paused === true ? 'paused' : '',
      dependent ? 'after its parents' : shown(chronos[0]),
      dependent ? 'after its parents' : shown(carillon[0]),
      differs === null
        ? ''
        : `run ${differs + 1}: ${shown(chronos[differs])} in Chronos, ${shown(carillon[differs])} here`,
    ];
  });
  session.print(
    table(
      ['JOB', 'BECOMES', '', zoned('NEXT IN CHRONOS', io), zoned('NEXT HERE', io), 'FIRST DIFFERENCE'],
      rows,
      io,
    ),
  );
  for (const { name, warnings } of moving)
    for (const warning of warnings) io.err(`warning: ${name}: ${warning}\n`);
  for (const { name, message } of refused) io.err(`skipped ${name}: ${message}\n`);
  const taken = results.filter(({ outcome }) => outcome !== 'refused').length;
  session.print(
    applied
      ? `${taken} jobs imported, ${refused.length} skipped`
      : `${taken} jobs to import, ${refused.length} skipped (nothing was changed; --apply submits them)`,
  );
}

function jsonOf(
  moving: readonly Moving[],
  results: readonly WireApplyResult[],
  refused: readonly Refused[],
): object {
  const instants = (list: readonly number[]): string[] => list.map((at) => new Date(at).toISOString());
  return {
    jobs: moving.map((job, i) => ({
      name: job.name,
      outcome: results[i]?.outcome,
      paused: job.definition.paused === true,
      warnings: job.warnings,
      next: { chronos: instants(job.fires.chronos), carillon: instants(job.fires.carillon) },
    })),
    refused,
  };
}

/**
 * Writes all jobs as a Chronos of this generation lists them. Chronos and `import chronos` accept this list.
 */
export async function exportChronos(
  session: Session,
  generation: Generation,
  output: string | undefined,
): Promise<ExitCode> {
  const { jobs } = await fetchChronosJobs(session.client.url, null, [generation], session.client.fetch);
  const text = `${JSON.stringify(jobs, null, 2)}\n`;
  if (output === undefined) session.io.out(text);
  else {
    writing(output, () => writeFileSync(output, text));
    session.progress(`${jobs.length} jobs written to ${output}`);
  }
  return exitCodes.ok;
}
