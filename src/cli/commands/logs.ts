/** `carillon logs`: prints the output of a run, follows it, or searches it. */

import type { Command } from 'commander';
import type { WireRun } from '../../api/wire/schema.ts';
import { CarillonError } from '../../errors.ts';
import { isUnknownRun } from '../client-errors.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { followLogs } from '../log-follower.ts';
import { searchLogs } from '../log-search.ts';
import { wholeFrom } from '../option-values.ts';
import { Persistence } from '../persistence.ts';
import type { Session, Shell } from '../shell.ts';
import { droppedText } from '../words.ts';

/** Runs of a job that are looked at for output. */
const newest = 20;
/** Poll interval while waiting for a run: people notice seconds, not milliseconds. */
const pollMs = 250;

export function addLogCommand(program: Command, shell: Shell): void {
  program
    .command('logs')
    .argument('[run-or-job]', 'a run, or a job for its newest run that has output')
    .description('print the output of a run, or search it')
    .option('-f, --follow', 'keep printing until the run ends')
    .option('--stream <stream>', 'stdout or stderr (default: both)')
    .option('--tail <lines>', 'print only the last lines', wholeFrom(1))
    .option('-t, --timestamps', 'begin each line with the time at which it was printed')
    .option('--grep <text>', 'print only lines that have this text, of all attempts, newest attempt first')
    .option('--job <name>', 'with --grep, in place of a run: the runs of this job, newest first')
    .option('-i, --ignore-case', 'with --grep: upper and lower case are the same')
    .option('-C, --context <lines>', 'with --grep: also print lines before and after', wholeFrom(0))
    .option('-n, --limit <n>', 'with --grep: maximum number of lines found', wholeFrom(1))
    .option('--runs <n>', 'with --job: maximum number of runs', wholeFrom(1))
    .addHelpText('after', '\nExit codes with --grep: 0 found, 1 not found.')
    .action((name: string | undefined, options: LogsOptions & GrepOptions, command: Command) =>
      shell.run(command, (session) => {
        const { grep, ...others } = options;
        return grep === undefined ? printLogs(session, name, others) : grepLogs(session, name, options);
      }),
    );
}

interface GrepOptions {
  readonly grep?: string;
  readonly job?: string;
  readonly ignoreCase?: boolean;
  readonly context?: number;
  readonly limit?: number;
  readonly runs?: number;
}

interface LogsOptions {
  readonly follow?: boolean;
  readonly stream?: string;
  readonly tail?: number;
  readonly timestamps?: boolean;
}

const refusedUnless = (needed: string, options: Readonly<Record<string, unknown>>): void => {
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const flag = `--${option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new CarillonError('INVALID_FIELD', `${flag} does not go with this.`, {
      field: option,
      value,
      allowed: needed,
      source: flag,
    });
  }
};

const noName = (allowed: string): CarillonError =>
  new CarillonError('INVALID_FIELD', 'The run is missing.', { field: 'run-or-job', allowed });

/** Which output is searched: of a run, of a job's newest run, or with `--job` of its runs. */
async function grepLogs(
  session: Session,
  name: string | undefined,
  { grep = '', job, stream, ignoreCase, context, limit, runs, ...others }: LogsOptions & GrepOptions,
): Promise<ExitCode> {
  refusedUnless('without --grep', others);
  const query = { text: grep, stream, ignoreCase, context, limit };
  if (job !== undefined) {
    if (name !== undefined) throw noName('a run, or --job, but not both');
    return searchLogs(session, session.client.searchJobLogs(job, { ...query, runs }));
  }
  refusedUnless('with --job', { runs });
  if (name === undefined) throw noName('a run, a job for its newest run, or --job');
  const run = await runNamed(session, name, false);
  return searchLogs(session, session.client.searchLogs(run.id, query));
}

async function printLogs(
  session: Session,
  name: string | undefined,
  {
    job,
    ignoreCase,
    context,
    limit,
    runs,
    follow = false,
    ...query
  }: LogsOptions & Omit<GrepOptions, 'grep'>,
): Promise<ExitCode> {
  refusedUnless('with --grep', { job, ignoreCase, context, limit, runs });
  if (name === undefined) throw noName('a run, or a job for its newest run');
  const persistence = new Persistence(session);
  const find = () => runNamed(session, name, follow);
  const run = await (follow ? persistence.of(find) : find());
  session.progress(run.id);
  const attempt = run.attempts.at(-1);
  // With --tail nobody expects the complete output.
  if (attempt !== undefined && attempt.bytesDropped !== 0 && query.tail === undefined)
    session.io.err(`This output is incomplete: ${droppedText(attempt)}.\n`);
  if (follow) {
    await followLogs(session, run, query, persistence);
    return exitCodes.ok;
  }
  const decoder = new TextDecoder();
  for await (const chunk of session.client.logs(run.id, query))
    session.io.raw(decoder.decode(chunk, { stream: true }));
  return exitCodes.ok;
}

/**
 * The run with this id, or the newest run of the job with this name: an unfinished one, or else one that was
 * launched.
 */
async function runNamed({ client, io }: Session, name: string, wait: boolean): Promise<WireRun> {
  try {
    return await client.run(name);
  } catch (error) {
    if (!isUnknownRun(error)) throw error;
  }
  await client.job(name);
  let told = false;
  for (;;) {
    for await (const run of client.runs({ job: name, limit: newest }))
      if (run.attempts.length > 0) return run;
    if (!wait)
      throw new CarillonError('RUN_NOT_FOUND', `Job '${name}' has no launched run yet.`, {
        field: 'run',
        value: name,
      });
    if (!told) io.err(`Waiting for the first run of ${name}. Ctrl-C stops waiting.\n`);
    told = true;
    await io.sleep(pollMs);
  }
}
