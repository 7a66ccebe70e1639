/** Submits many jobs at once, and asks before deleting most of the existing ones. */

import type { WireApply, WireApplyResult } from '../../api/wire/schema.ts';
import { CarillonError, firstOf } from '../../errors.ts';
import type { WrittenJob } from '../../job-file/written-job.ts';
import { changeLine, changesBetween } from '../difference.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { blocks } from '../failure.ts';
import { readJobs } from '../job-files.ts';
import type { Session } from '../shell.ts';
import { tinted } from '../words.ts';

export interface ApplyOptions {
  readonly file: string[];
  readonly prune?: boolean;
  readonly label?: string[];
  readonly allowEmpty?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export async function apply(session: Session, options: ApplyOptions): Promise<ExitCode> {
  if (options.label !== undefined && options.prune !== true) {
    throw new CarillonError('INVALID_FIELD', '--label limits what --prune deletes, so it requires --prune.', {
      field: 'label',
      value: options.label,
      allowed: 'with --prune',
    });
  }
  const { jobs, problems } = await readJobs(options.file, session.io);
  const unreadable = firstOf(problems);
  if (unreadable !== null) throw unreadable;
  if (options.prune === true) await refuseToDeleteMost(session, jobs, options);
  return submit(session, jobs, options);
}

/** Throws if `--prune` would delete everything, or more than half without confirmation. */
async function refuseToDeleteMost(
  session: Session,
  jobs: readonly WrittenJob[],
  { file, label, allowEmpty, yes, dryRun }: ApplyOptions,
): Promise<void> {
  if (jobs.length === 0 && allowEmpty !== true) {
    throw new CarillonError(
      'INVALID_FIELD',
      `There are no jobs in ${file.join(', ')}, so --prune would delete all jobs.`,
      {
        field: 'prune',
        allowed: 'at least one job in the files, or --allow-empty to delete all jobs',
      },
    );
  }
  if (yes === true || dryRun === true) return;
  const definitions = jobs.map((job) => job.definition);
  const { counts } = await session.client.apply(definitions, {
    prune: true,
    label,
    allowEmpty,
    dryRun: true,
  });
  const { deleted, changed, unchanged } = counts;
  const existing = deleted + changed + unchanged;
  if (2 * deleted <= existing) return;
  const { confirm } = session.io;
  if (await confirm?.(`This deletes ${deleted} of ${existing} jobs. Continue?`)) return;
  throw new CarillonError(
    'INVALID_FIELD',
    `--prune would delete ${deleted} of ${existing} jobs. Nothing was changed.`,
    {
      field: 'prune',
      allowed: '--yes to delete them; --dry-run to list them',
    },
  );
}

export async function submit(
  session: Session,
  jobs: readonly WrittenJob[],
  options: Partial<ApplyOptions>,
): Promise<ExitCode> {
  session.progress(`submitting ${jobs.length} jobs …`);
  const answer = await session.client.apply(
    jobs.map((job) => job.definition),
    {
      prune: options.prune,
      label: options.label,
      allowEmpty: options.allowEmpty,
      dryRun: options.dryRun,
    },
  );
  if (session.json) session.printJson(answer);
  else {
    printApplied(session, jobs, answer);
    if (options.prune === true && answer.counts.refused > 0)
      session.io.err('nothing was deleted, because a job was rejected\n');
  }
  return answer.counts.refused > 0 ? exitCodes.failed : exitCodes.ok;
}

function printApplied(
  session: Session,
  jobs: readonly WrittenJob[],
  { results, counts, dryRun }: WireApply,
): void {
  const { io } = session;
  results.forEach((result, i) => {
    const source = jobs[i]?.source;
    if (result.outcome === 'refused') printRefused(session, result, jobs[i]);
    else if (result.outcome !== 'unchanged') session.print(`${tinted(result.outcome, io)} ${result.name}`);
    if (result.outcome === 'changed') {
      for (const change of changesBetween(result.before, result.after))
        session.print(`  ${changeLine(change)}`);
    }
    for (const warning of result.warnings) io.err(`warning: ${source ?? result.name}: ${warning}\n`);
  });
  const counted = Object.entries(counts).filter(([, count]) => count > 0);
  const summary = counted.map(([outcome, count]) => `${count} ${outcome}`).join(', ') || 'no jobs';
  session.print(dryRun ? `${summary} (dry run: nothing was changed)` : summary);
}

function printRefused(
  session: Session,
  { name, problem }: WireApplyResult,
  job: WrittenJob | undefined,
): void {
  if (problem === null) return;
  const placeOf = (field: string | undefined) =>
    (field === undefined ? undefined : job?.placeOf?.(field)) ?? job?.source;
  session.io.err(blocks(`rejected ${name || 'a job without a name'}`, problem, placeOf));
}
