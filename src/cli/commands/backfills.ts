/** Backfills: make one, list them, show how far one is, pause, resume, cancel. */

import { randomUUID } from 'node:crypto';
import { type Command, Option } from 'commander';
import type { WireBackfill, WireBackfillPlan, WireNewBackfill } from '../../api/wire/backfills.ts';
import { CarillonError } from '../../errors.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { each, paramsOf, timeoutMs, wholeFrom } from '../option-values.ts';
import { Persistence } from '../persistence.ts';
import type { Session, Shell } from '../shell.ts';
import { card, lasting, nothing, table, tinted, when, whenExactly, zoned } from '../words.ts';

/** Poll interval while waiting: a backfill takes minutes. */
const POLL_MS = 1_000;
const SHOWN_STEPS = 200;
const changes = ['pause', 'resume', 'cancel'] as const;
const unfinished = new Set(['running', 'paused', 'cancelling']);

interface BackfillOptions {
  readonly label?: string[];
  readonly match?: string;
  readonly from?: string;
  readonly to?: string;
  readonly due?: string;
  readonly only?: string;
  readonly downstream?: boolean;
  readonly atOnce: number;
  readonly newestFirst?: boolean;
  readonly param?: string[];
  readonly markSucceeded?: boolean;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly timeout?: number;
}

export function addBackfillCommands(program: Command, shell: Shell): void {
  program
    .command('backfill')
    .argument('[names...]', 'jobs')
    .description('run due times of the past again, below everything else in every queue')
    .option('--label <k=v>', 'all jobs with this label instead of names; may be repeated', each)
    .option('--match <text>', 'all jobs with this in their name, description or owner, instead of names')
    .option('--from <instant>', 'first due time of the range')
    .option('--to <instant>', 'end of the range, not included; default: now')
    .option(
      '--only <fates>',
      'only due times that ended so: missed, failed, skipped, never; separated by commas',
    )
    .option('--downstream', 'run the jobs downstream as well, in their rounds')
    .addOption(new Option('--at-once <n>', 'runs at a time').argParser(wholeFrom(1)).default(1))
    .option('--newest-first', 'begin with the newest due time')
    .option('--param <k=v>', 'an environment variable of its runs; may be repeated', each)
    .option('--mark-succeeded', 'count the due times as succeeded, and launch nothing')
    .option('--dry-run', 'show the due times and how long they take, and run nothing')
    .option('--wait', 'show its progress until it has ended')
    .option('--timeout <duration>', 'with --wait: maximum time to wait, such as 90s or PT1H', timeoutMs)
    .addHelpText(
      'after',
      '\nExit codes with --wait: 0 all steps succeeded, 1 ended otherwise, 4 not ended by --timeout.',
    )
    .action((names: string[], options: BackfillOptions, command: Command) =>
      shell.run(command, (session) => backfill(session, requestOf(names, options), options)),
    );
  program
    .command('backfills')
    .argument('[id]', 'backfill to show in full')
    .argument('[change]', `${changes.join(', ')}`)
    .description('list backfills, newest first; show, pause, resume or cancel one')
    .option('--wait', 'show its progress until it has ended')
    .option('--timeout <duration>', 'with --wait: maximum time to wait, such as 90s or PT1H', timeoutMs)
    .action((id: string | undefined, change: string | undefined, options: WaitOptions, command: Command) =>
      shell.run(command, (session) => backfills(session, id, change, options)),
    );
}

export interface WaitOptions {
  readonly wait?: boolean;
  readonly timeout?: number;
}

function requestOf(names: readonly string[], options: BackfillOptions): WireNewBackfill {
  const { label, match, from, to, due, only, downstream, atOnce, newestFirst, param, markSucceeded } =
    options;
  const hasFilter = label !== undefined || match !== undefined;
  if (hasFilter === names.length > 0)
    throw new CarillonError(
      'INVALID_FIELD',
      'A backfill is for jobs, or for those with --label or --match.',
      {
        field: 'names',
        allowed: 'names of jobs, or --label and --match',
      },
    );
  return {
    ...(hasFilter
      ? { filter: { ...(label !== undefined && { label }), ...(match !== undefined && { q: match }) } }
      : { jobs: [...names] }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(due !== undefined && { due }),
    // The server says which words there are.
    ...(only !== undefined && {
      only: only.split(',').map((word) => word.trim()) as NonNullable<WireNewBackfill['only']>,
    }),
    ...(downstream === true && { downstream }),
    ...(newestFirst === true && { newestFirst }),
    atOnce,
    params: paramsOf(param ?? []),
    ...(markSucceeded === true && { do: 'mark-succeeded' as const }),
  };
}

async function backfill(
  session: Session,
  request: WireNewBackfill,
  options: Pick<BackfillOptions, 'dryRun' | 'wait' | 'timeout'>,
): Promise<ExitCode> {
  const { client } = session;
  const key = randomUUID();
  if (options.dryRun === true) {
    const plan = await client.makeBackfill<WireBackfillPlan>(request, { dryRun: true }, key);
    if (session.json) session.printJson(plan);
    else printPlan(session, plan);
    return exitCodes.ok;
  }
  const made = await new Persistence(session).of(() => client.makeBackfill<WireBackfill>(request, {}, key));
  return shownTo(session, made, options);
}

/** One due time of one job. */
export const backfillDue = (
  session: Session,
  name: string,
  due: string,
  params: Readonly<Record<string, string>>,
  options: WaitOptions,
): Promise<ExitCode> => backfill(session, { jobs: [name], due, params: { ...params } }, options);

async function backfills(
  session: Session,
  id: string | undefined,
  change: string | undefined,
  options: WaitOptions,
): Promise<ExitCode> {
  if (id === undefined) return listBackfills(session);
  if (change === undefined) return shownTo(session, await session.client.backfill(id), options);
  if (!(changes as readonly string[]).includes(change))
    throw new CarillonError('INVALID_FIELD', `'${change}' is no change of a backfill.`, {
      field: 'change',
      value: change,
      allowed: [...changes],
    });
  const changed = await session.client.changeBackfill(id, change);
  return shownTo(session, changed, options);
}

async function listBackfills(session: Session): Promise<ExitCode> {
  const { io } = session;
  const all = await session.client.backfills();
  if (session.json) session.printJson(all);
  else if (all.length === 0) session.print('no backfills');
  else {
    const rows = all.map((each) => [
      each.id,
      tinted(each.state, io),
      named(each.jobs),
      when(each.from, io),
      when(each.to, io),
      `${done(each)}/${each.counts.steps}`,
      troubles(each),
      lasting(each.expectedMs),
    ]);
    session.print(
      table(
        ['BACKFILL', 'STATE', 'JOBS', zoned('FROM', io), zoned('TO', io), 'DONE', 'OF THESE', 'LEFT'],
        rows,
        io,
      ),
    );
  }
  return exitCodes.ok;
}

const done = ({ counts: { steps, waiting, running } }: WireBackfill): number => steps - waiting - running;
const named = (jobs: readonly string[]): string =>
  jobs.slice(0, 2).join(', ') + (jobs.length > 2 ? ` +${jobs.length - 2} more` : '');

/** Steps that did not succeed. */
function troubles({
  counts: { steps: _, waiting: __, running: ___, succeeded: ____, ...others },
}: WireBackfill): string {
  const found = Object.entries(others).filter(([, number]) => number > 0);
  return found.length === 0 ? nothing : found.map(([state, number]) => `${number} ${state}`).join(', ');
}

async function shownTo(session: Session, first: WireBackfill, options: WaitOptions): Promise<ExitCode> {
  const last = options.wait === true ? await waitFor(session, first, options.timeout) : first;
  if (session.json) session.printJson(last);
  else printBackfill(session, last);
  if (options.wait !== true || last.state === 'succeeded') return exitCodes.ok;
  return unfinished.has(last.state) ? exitCodes.stillRunning : exitCodes.failed;
}

async function waitFor(
  session: Session,
  first: WireBackfill,
  timeout: number | undefined,
): Promise<WireBackfill> {
  const persistence = new Persistence(session);
  const until = timeout === undefined ? Number.POSITIVE_INFINITY : session.io.now() + timeout;
  let last = first;
  let said = '';
  while (unfinished.has(last.state) && session.io.now() < until) {
    const line = progressOf(last);
    if (line !== said) session.progress(line);
    said = line;
    await session.io.sleep(POLL_MS);
    last = await persistence.of(() => session.client.backfill(first.id));
  }
  return last;
}

const progressOf = (backfill: WireBackfill): string =>
  `${backfill.id}: ${done(backfill)} of ${backfill.counts.steps} done, ${backfill.counts.running} running` +
  (troubles(backfill) === nothing ? '' : `, ${troubles(backfill)}`) +
  (backfill.expectedMs === null ? '' : `, about ${lasting(backfill.expectedMs)} left`);

function printPlan(session: Session, { steps, left, unfinished: open, expectedMs }: WireBackfillPlan): void {
  const { io } = session;
  session.print(
    table(
      [zoned('DUE', io), 'JOB'],
      steps.slice(0, SHOWN_STEPS).map(({ job, due }) => [when(due, io), job]),
      io,
    ),
  );
  if (steps.length > SHOWN_STEPS) session.print(`and ${steps.length - SHOWN_STEPS} more`);
  session.print(
    `\n${steps.length} ${steps.length === 1 ? 'run' : 'runs'}, ${expectedMs === null ? 'of unknown duration' : `about ${lasting(expectedMs)}`}`,
  );
  if (open > 0) session.print(`left out: ${open} whose own run has not ended`);
  if (left.length > 0) session.print(`not followed: ${left.join(', ')}`);
}

function printBackfill(session: Session, backfill: WireBackfill): void {
  const { io } = session;
  const { counts, steps = [] } = backfill;
  session.print(
    card(
      [
        ['backfill', backfill.id],
        ['state', tinted(backfill.state, io)],
        ['jobs', backfill.jobs.join(', ')],
        ['range', `${whenExactly(backfill.from, io)} to ${whenExactly(backfill.to, io)}`],
        ['done', `${done(backfill)} of ${counts.steps}, ${counts.running} running`],
        ['of these', troubles(backfill) === nothing ? null : troubles(backfill)],
        ['left', backfill.expectedMs === null ? null : `about ${lasting(backfill.expectedMs)}`],
        ['made by', `${backfill.createdBy}, ${whenExactly(backfill.createdAt, io)}`],
        ['ended', backfill.endedAt === null ? null : whenExactly(backfill.endedAt, io)],
      ],
      io,
    ),
  );
  if (steps.length === 0) return;
  const rows = steps
    .slice(0, SHOWN_STEPS)
    .map(({ job, due, state, run }) => [when(due, io), job, tinted(state, io), run ?? nothing]);
  session.print(`\n${table([zoned('DUE', io), 'JOB', 'STATE', 'RUN'], rows, io)}`);
  if (steps.length > SHOWN_STEPS) session.print(`and ${steps.length - SHOWN_STEPS} more`);
}
