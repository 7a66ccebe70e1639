/** Commands about jobs: list, show, pause, delete, and preview schedules. */

import type { Command } from 'commander';
import type { WireJob, WireLedgerLine } from '../../api/wire/schema.ts';
import type { WireNext } from '../../api/wire/views.ts';
import { CarillonError } from '../../errors.ts';
import { formatJobFile } from '../../job-file/read.ts';
import type { Client } from '../client.ts';
import { isUnknownRun } from '../client-errors.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { each, instantIn, wholeFrom } from '../option-values.ts';
import type { Session, Shell } from '../shell.ts';
import {
  bold,
  card,
  lasting,
  ledgerEnd,
  moment,
  nothing,
  short,
  table,
  tinted,
  when,
  whenExactly,
  zoned,
} from '../words.ts';

/** Ledger entries shown with a job. */
const SHOWN_LINES = 10;
const LEDGER_MS = 7 * 86_400_000;

export function addJobCommands(program: Command, shell: Shell): void {
  addList(program, shell);
  addPauses(program, shell);
  addDelete(program, shell);
  addNext(program, shell);
}

function addList(program: Command, shell: Shell): void {
  program
    .command('jobs')
    .argument('[name]', 'job to show in full')
    .description('list jobs, or show one')
    .option('-q, --query <text>', 'part of the name or description')
    .option('--label <k=v>', 'only jobs with this label; may be repeated', each)
    .option('--owner <owner>', 'only jobs of this owner')
    .option('--state <state>', 'active, paused, disabled, completed, running, waiting, failing or late')
    .option('-n, --limit <n>', 'maximum number of jobs', wholeFrom(1))
    .action((name: string | undefined, options: JobsOptions, command: Command) =>
      shell.run(command, (session) =>
        name === undefined ? listJobs(session, options) : showJob(session, name),
      ),
    );
}

function addPauses(program: Command, shell: Shell): void {
  program
    .command('pause')
    .argument('[names...]')
    .description('skip due times until the job is resumed')
    .option('--label <k=v>', 'all jobs with this label instead of names; may be repeated', each)
    .option('--until <time>', 'when they go on by themselves, such as 2026-11-21T06:00+01:00')
    .action((names: string[], options: { label?: string[]; until?: string }, command: Command) =>
      shell.run(command, (session) => {
        const until = options.until === undefined ? undefined : instantIn(options.until, 'until', session.io);
        return holdOrRelease(session, { action: 'pause', until }, names, options.label);
      }),
    );
  program
    .command('resume')
    .argument('[names...]')
    .description('run the job on schedule again, also after it was disabled by failures')
    .option('--label <k=v>', 'all jobs with this label instead of names; may be repeated', each)
    .action((names: string[], { label }: { label?: string[] }, command: Command) =>
      shell.run(command, (session) => holdOrRelease(session, { action: 'resume' }, names, label)),
    );
}

function addDelete(program: Command, shell: Shell): void {
  program
    .command('delete')
    .argument('<name>')
    .description('delete a job and kill its unfinished runs; its history is kept until it expires')
    .option(
      '--dependents <what>',
      'if other jobs depend on it: refuse, cascade (delete them too) or detach (keep them without it)',
      'refuse',
    )
    .action((name: string, options: { dependents: string }, command: Command) =>
      shell.run(command, async (session) => {
        const answer = await session.client.deleteJob(name, options.dependents);
        if (session.json) session.printJson(answer);
        else {
          session.print(`deleted ${answer.deleted.join(', ')}`);
          if (answer.detached.length > 0) session.print(`detached ${answer.detached.join(', ')}`);
        }
        return exitCodes.ok;
      }),
    );
}

function addNext(program: Command, shell: Shell): void {
  program
    .command('next')
    .argument('[name]', 'job name; omit it to preview --cron, --every or --at')
    .description('show the next due times of a job or a schedule')
    .option('--cron <expression>', 'cron expression with five fields, or six with seconds first')
    .option('--every <repeat>', 'ISO 8601 repeat or duration')
    .option('--at <instant>', 'a single time')
    .option('--timezone <zone>', 'time zone of the expression')
    .option('-n, --count <n>', 'number of due times', wholeFrom(1), 10)
    .addHelpText(
      'after',
      "\nExamples:\n  carillon next sales-daily -n 5\n  carillon next --cron '0 2 * * *' --timezone Europe/Berlin",
    )
    .action((name: string | undefined, options: NextOptions, command: Command) =>
      shell.run(command, (session) => showNext(session, name, options)),
    );
}

async function holdOrRelease(
  session: Session,
  { action, until }: { readonly action: 'pause' | 'resume'; readonly until?: string | undefined },
  names: readonly string[],
  label: string[] | undefined,
): Promise<ExitCode> {
  if (names.length > 0 === (label !== undefined)) {
    throw new CarillonError(
      'INVALID_FIELD',
      `Name the jobs to ${action}, or select them with --label, but not both.`,
      {
        field: 'names',
        allowed: 'names, or --label name=value',
      },
    );
  }
  const wanted = [...names];
  // Reads all names before the first change: pages of a list that changes meanwhile could leave some out.
  if (label !== undefined) for await (const { name } of session.client.jobs({ label })) wanted.push(name);
  const jobs: WireJob[] = [];
  for (const name of wanted) jobs.push(await session.client[action](name, until));
  if (session.json) session.printJson(jobs);
  else if (jobs.length === 0) session.print('no jobs');
  else for (const job of jobs) session.print(`${job.name} is ${job.status}`);
  return exitCodes.ok;
}

interface JobsOptions {
  readonly query?: string;
  readonly label?: string[];
  readonly owner?: string;
  readonly state?: string;
  readonly limit?: number;
}

async function listJobs(session: Session, { query, ...filter }: JobsOptions): Promise<ExitCode> {
  const jobs: WireJob[] = [];
  for await (const job of session.client.jobs({ ...filter, q: query })) jobs.push(job);
  const { io } = session;
  if (session.json) session.printJson(jobs);
  else if (jobs.length === 0) session.print('no jobs');
  else {
    const rows = jobs.map((job) => [
      job.name,
      tinted(doing(job), io),
      job.scheduleText ?? nothing,
      when(job.nextDue, io),
      job.last === null ? nothing : `${tinted(job.last.state, io)} ${when(job.last.endedAt, io)}`,
    ]);
    session.print(table(['JOB', 'STATE', 'SCHEDULE', zoned('NEXT', io), zoned('LAST', io)], rows, io));
  }
  return exitCodes.ok;
}

/** A running or waiting job shows its runs instead of its status. */
function doing({ running, waiting, status }: WireJob): string {
  if (running.length > 0) return 'running';
  return waiting.length > 0 ? 'waiting' : status;
}

/** Null also without a run, and for one that is no longer kept. */
async function reasonOf(client: Client, run: string | undefined): Promise<string | null> {
  if (run === undefined) return null;
  try {
    return (await client.run(run)).reason;
  } catch (error) {
    if (!isUnknownRun(error)) throw error;
    return null;
  }
}

async function showJob(session: Session, name: string): Promise<ExitCode> {
  const { io, client } = session;
  const job = await client.job(name);
  const from = new Date(io.now() - LEDGER_MS).toISOString();
  const lines: WireLedgerLine[] = [];
  for await (const line of client.ledger(name, { from })) lines.push(line);
  if (session.json) {
    session.printJson({ ...job, ledger: lines });
    return exitCodes.ok;
  }
  const { counts } = job;
  const why = await reasonOf(client, job.waiting[0]);
  const ended = await reasonOf(client, job.last?.id);
  session.print(
    card(
      [
        ['job', job.name],
        ['for', job.definition.description ?? null],
        ['owner', job.definition.owner ?? null],
        ['state', `${tinted(job.status, io)}${job.statusReason === null ? '' : ` (${job.statusReason})`}`],
        ['muted', mutedText(job, io)],
        ['schedule', job.scheduleText ?? null],
        ['run by', job.definition.run === undefined ? 'somebody else, who reports it' : null],
        ['next', job.nextDue === null ? null : whenExactly(job.nextDue, io)],
        ['depends on', job.parents.join(', ')],
        ['depended on by', job.children.join(', ')],
        ['running', job.running.join(', ')],
        ['waiting', job.waiting.join(', ')],
        ['because', why],
        [
          'last',
          job.last === null
            ? null
            : `${tinted(job.last.state, io)} ${whenExactly(job.last.endedAt, io)} ${job.last.id}${ended === null ? '' : ` (${ended})`}`,
        ],
        [
          'runs',
          `${counts.succeeded} succeeded, ${counts.failed} failed, ${counts.skipped} skipped, ${counts.missed} missed`,
        ],
        ['revision', `${job.revision}, ${whenExactly(job.updatedAt, io)} by ${job.updatedBy}`],
      ],
      io,
    ),
  );
  const shown = lines.slice(-SHOWN_LINES);
  if (shown.length > 0) {
    const rows = shown.map((line) => [
      when(line.from, io),
      ledgerEnd(line, io),
      line.count === 1 ? '' : `${line.count} due times`,
      short(line.reason),
    ]);
    session.print(`\n${table([zoned('DUE', io), 'BECAME', '', 'WHY'], rows, io)}`);
  }
  session.print(`\n${bold('definition', io)}\n${formatJobFile([job.definition]).trimEnd()}`);
  return exitCodes.ok;
}

interface NextOptions {
  readonly cron?: string;
  readonly every?: string;
  readonly at?: string;
  readonly timezone?: string;
  readonly count: number;
}

async function showNext(
  session: Session,
  name: string | undefined,
  { count, ...expression }: NextOptions,
): Promise<ExitCode> {
  const given = [name, expression.cron, expression.every, expression.at].filter(
    (value) => value !== undefined,
  );
  if (given.length !== 1) {
    throw new CarillonError('INVALID_FIELD', 'Name a job, or pass one of --cron, --every and --at.', {
      field: 'name',
      allowed: 'exactly one of them',
    });
  }
  if (name !== undefined && /[\s*@/]/.test(name)) {
    throw new CarillonError('INVALID_FIELD', `"${name}" cannot be a job name.`, {
      field: 'name',
      value: name,
      allowed: 'a job name, or an expression after --cron, --every or --at',
    });
  }
  const { client, io } = session;
  const answer =
    name === undefined
      ? await client.preview({ ...expression, count } as never)
      : await client.next(name, count);
  if (session.json) session.printJson(answer);
  else {
    session.print(answer.scheduleText);
    const zone = expression.timezone ?? io.timezone;
    for (const line of dueLines(answer, zone)) session.print(line);
    if (answer.instants.length === 0) session.print('  no due time ahead');
    else if (answer.complete) session.print('  and none after that');
    for (const { at, shiftMs, effect } of answer.clockChanges.filter(
      (change) => change.effect !== 'unaffected',
    )) {
      session.print(
        `the clock ${shiftMs > 0 ? 'skips' : 'repeats'} ${lasting(Math.abs(shiftMs))} on ${moment(at, zone)}: ${effectWords[effect]}`,
      );
    }
    for (const warning of 'warnings' in answer ? answer.warnings : []) io.err(`warning: ${warning}\n`);
  }
  return exitCodes.ok;
}

/** Those that are left out have their reason behind them. */
function dueLines({ instants, excluded }: Pick<WireNext, 'instants' | 'excluded'>, zone: string): string[] {
  const lines = instants.map((at) => ({ at, text: '' }));
  for (const { at, reason } of excluded) lines.push({ at, text: `  left out: ${reason}` });
  // All of them are in UTC, so they sort as text.
  return lines.sort((a, b) => (a.at < b.at ? -1 : 1)).map(({ at, text }) => `  ${moment(at, zone)}${text}`);
}

/** What happens to due times that a clock change skips or repeats. */
const effectWords = {
  unaffected: 'no due time is affected',
  lost: 'due times in it do not run',
  'runs-once-after': 'due times in it run once, right after the change',
  moved: 'due times in it run later by the same amount',
  'first-pass': 'due times in it run the first time only',
  'both-passes': 'due times in it run both times',
} as const;

/** A server of 0.2.0 does not say it. */
function mutedText({ muted = null }: Pick<Partial<WireJob>, 'muted'>, io: Session['io']): string | null {
  if (muted === null || Date.parse(muted.until) <= io.now()) return null;
  return `until ${whenExactly(muted.until, io)} by ${muted.by}: ${muted.reason}`;
}
