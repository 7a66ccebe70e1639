/** Commands about the past of jobs: statistics and revisions. */

import type { Command } from 'commander';
import { changeLine, changesBetween } from '../difference.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { positive } from '../option-values.ts';
import type { Session, Shell } from '../shell.ts';
import { lasting, mebibytes, table, whenExactly } from '../words.ts';

export function addPastCommands(program: Command, shell: Shell): void {
  program
    .command('stats')
    .argument('[name]', 'job name; omit it to list all jobs, slowest first')
    .description('show percentiles of run time, start lateness, queue wait, CPU time and peak memory')
    .option('-p, --percentile <p>', 'percentile for the list', positive, 95)
    .action((name: string | undefined, options: { percentile: number }, command: Command) =>
      shell.run(command, (session) =>
        name === undefined ? listStats(session, options.percentile) : showStats(session, name),
      ),
    );
  program
    .command('revisions')
    .argument('<name>')
    .description('list the revisions of a job: number, time and user')
    .option('--diff', 'show what changed in each revision')
    .action((name: string, options: { diff?: boolean }, command: Command) =>
      shell.run(command, (session) => showRevisions(session, name, options.diff === true)),
    );
}

/** Restores an old revision of a job. */
export async function restoreRevision(session: Session, name: string, revision: number): Promise<ExitCode> {
  const job = await session.client.restore(name, revision);
  if (session.json) session.printJson(job);
  else session.print(`${name} is at revision ${job.revision}`);
  return exitCodes.ok;
}

const measures = [
  ['run time', 'runTime', lasting],
  ['run time, failed', 'failedRunTime', lasting],
  ['start lateness', 'startLateness', lasting],
  ['queue wait', 'queueWait', lasting],
  ['CPU time', 'cpuTime', lasting],
  ['peak memory', 'peakMemory', mebibytes],
] as const;
const columns = ['p50', 'p75', 'p90', 'p95', 'p98', 'p99', 'p999', 'max'] as const;

async function showStats(session: Session, name: string): Promise<ExitCode> {
  const stats = await session.client.jobStats(name);
  if (session.json) session.printJson(stats);
  else {
    // A server of 0.2.0 answers neither of the last two.
    const answered = measures.filter(([, measure]) => stats[measure] !== undefined);
    const rows = answered.map(([label, measure, words]) => {
      const summary = stats[measure];
      return [label, String(summary.count), ...columns.map((column) => words(summary[column]))];
    });
    session.print(table(['', 'COUNT', ...columns.map((column) => column.toUpperCase())], rows, session.io));
  }
  return exitCodes.ok;
}

async function listStats(session: Session, percentile: number): Promise<ExitCode> {
  const stats = await session.client.stats({ percentile });
  if (session.json) session.printJson(stats);
  else if (stats.items.length === 0) session.print('no runs yet');
  else {
    const rows = stats.items.map((item) => [item.job, String(item.summary.count), lasting(item.valueMs)]);
    session.print(table(['JOB', 'RUNS', `P${percentile} RUN TIME`], rows, session.io));
  }
  return exitCodes.ok;
}

async function showRevisions(session: Session, name: string, diff: boolean): Promise<ExitCode> {
  const revisions = await session.client.revisions(name);
  if (session.json) {
    session.printJson(revisions);
    return exitCodes.ok;
  }
  revisions.forEach((revision, i) => {
    session.print(revisionLine(revision, session));
    if (!diff) return;
    for (const change of changesBetween(revisions[i + 1]?.definition ?? {}, revision.definition ?? {})) {
      session.print(`    ${changeLine(change)}`);
    }
  });
  return exitCodes.ok;
}

function revisionLine(
  revision: { revision: number; at: string; by: string; definition: unknown },
  { io }: Session,
): string {
  return `${String(revision.revision).padStart(4)}  ${whenExactly(revision.at, io)}  ${revision.by}${revision.definition === null ? '  deleted' : ''}`;
}
