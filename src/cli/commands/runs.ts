/** Commands about runs: list, show, start, kill. */

import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { WireAttempt, WireRun } from '../../api/wire/schema.ts';
import { CarillonError } from '../../errors.ts';
import { isUnknownRun } from '../client-errors.ts';
import { type ExitCode, exitCodeOfRun, exitCodes } from '../exit-codes.ts';
import { each, paramsOf, timeoutMs, wholeFrom } from '../option-values.ts';
import { Persistence } from '../persistence.ts';
import type { Io, Session, Shell } from '../shell.ts';
import {
  card,
  droppedText,
  lasting,
  mebibytes,
  nothing,
  short,
  table,
  tinted,
  when,
  whenExactly,
  zoned,
} from '../words.ts';
import { backfillDue } from './backfills.ts';

const LISTED = 20;
/** Poll interval while waiting for a run: people notice seconds, not milliseconds. */
const POLL_MS = 250;
const unfinished = new Set(['waiting', 'queued', 'launching', 'running']);

const exitCodesOfRuns =
  'Exit codes with --wait: 0 succeeded, 1 failed, 4 not ended by --timeout, 5 skipped or missed, 6 killed, 7 timed out, 8 lost.';

export function addRunCommands(program: Command, shell: Shell): void {
  program
    .command('runs')
    .argument('[id]', 'run to show in full')
    .description('list runs, newest first, or show one')
    .option('--job <name>', 'only runs of this job')
    .option('--state <state>', 'only runs in this state; may be repeated', each)
    .option('--from <instant>', 'due at or after this time')
    .option('--to <instant>', 'due before this time')
    .option('-n, --limit <n>', 'maximum number of runs', wholeFrom(1), LISTED)
    .action((id: string | undefined, options: RunsOptions, command: Command) =>
      shell.run(command, (session) => (id === undefined ? listRuns(session, options) : showRun(session, id))),
    );
  program
    .command('run')
    .argument('[names...]', 'jobs')
    .description('run one or more jobs now: each once, after those of its parents that run too')
    .option('--label <k=v>', 'all jobs with this label instead of names; may be repeated', each)
    .option('--dry-run', 'show which jobs would start and which would follow, and start nothing')
    .option('--param <k=v>', 'a parameter for this run, as the job declares it; may be repeated', each)
    .option('--due <instant>', 'run it for this due time of the past: a backfill of one')
    .option('--wait', 'wait for its end; the exit code tells how it ended')
    .option('--timeout <duration>', 'with --wait: maximum time to wait, such as 90s or PT1H', timeoutMs)
    .addHelpText('after', `\n${exitCodesOfRuns}`)
    .action((names: string[], options: RunOptions & ManyOptions, command: Command) =>
      shell.run(command, (session) => {
        const [name] = names;
        if (
          names.length !== 1 ||
          name === undefined ||
          options.label !== undefined ||
          options.dryRun === true
        )
          return runMany(session, names, options);
        const params = paramsOf(options.param ?? []);
        if (options.due !== undefined) return backfillDue(session, name, options.due, params, options);
        return follow(session, options, (key) => session.client.trigger(name, params, key));
      }),
    );
  program
    .command('rerun')
    .argument('<id>', 'an ended run')
    .description('run an ended run again for the same due time; downstream jobs follow')
    .option('--wait', 'wait for its end; the exit code tells how it ended')
    .option('--timeout <duration>', 'with --wait: maximum time to wait, such as 90s or PT1H', timeoutMs)
    .addHelpText('after', `\n${exitCodesOfRuns}`)
    .action((id: string, options: RunOptions, command: Command) =>
      shell.run(command, (session) =>
        follow(session, options, (key) => ofRun(session, id, () => session.client.rerun(id, key))),
      ),
    );
  program
    .command('kill')
    .argument('<id>', 'an unfinished run')
    .description('kill a run: TERM, then KILL after its grace')
    .action((id: string, _, command: Command) =>
      shell.run(command, async (session) => {
        const run = await ofRun(session, id, () => session.client.kill(id));
        if (session.json) session.printJson(run);
        else session.print(`${run.id} is ${run.state}${run.state === 'killed' ? '' : '; kill requested'}`);
        return exitCodes.ok;
      }),
    );
}

/** Explains the failure if `id` is the name of a job. */
async function ofRun<T>({ client }: Session, id: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!isUnknownRun(error)) throw error;
    const isJob = await client.job(id).then(
      () => true,
      () => false,
    );
    if (!isJob) throw error;
    throw new CarillonError('RUN_NOT_FOUND', `'${id}' is a job, not a run.`, {
      field: 'run',
      value: id,
      allowed: `the id of a run: \`carillon runs --job ${id}\` lists them`,
    });
  }
}

interface RunsOptions {
  readonly job?: string;
  readonly state?: string[];
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

async function listRuns(session: Session, options: RunsOptions): Promise<ExitCode> {
  const { io } = session;
  const runs: WireRun[] = [];
  for await (const run of session.client.runs({ ...options })) runs.push(run);
  if (session.json) session.printJson(runs);
  else if (runs.length === 0) session.print('no runs');
  else {
    const rows = runs.map((run) => [
      run.id,
      tinted(run.state, io),
      when(run.due, io),
      lasting(run.lateMs),
      lasting(run.runMs),
      short(run.reason),
    ]);
    session.print(table(['RUN', 'STATE', zoned('DUE', io), 'LATE', 'TOOK', 'WHY'], rows, io));
  }
  return exitCodes.ok;
}

async function showRun(session: Session, id: string): Promise<ExitCode> {
  const run = await session.client.run(id);
  if (session.json) session.printJson(run);
  else printRun(session, run);
  return exitCodes.ok;
}

/** A server of 0.2.0 does not answer it. */
const intervalOf = ({ interval }: WireRun, io: Io): string | null =>
  interval == null ? null : `${whenExactly(interval.start, io)} to ${whenExactly(interval.end, io)}`;

function printRun(session: Session, run: WireRun): void {
  const { io } = session;
  session.print(
    card(
      [
        ['run', run.id],
        ['state', `${tinted(run.state, io)}${run.reason === null ? '' : ` (${run.reason})`}`],
        ['due', whenExactly(run.due, io)],
        ['interval', intervalOf(run, io)],
        ['triggered by', cause(run)],
        ['catches up', run.catchesUp === 0 ? null : `${run.catchesUp} earlier due times`],
        [
          'parameters',
          Object.entries(run.params)
            .map(([name, value]) => `${name}=${value}`)
            .join(' '),
        ],
        ['triggered', (run.children ?? []).map(({ id, state }) => `${id} ${tinted(state, io)}`).join(', ')],
        ['image', run.attempts.at(-1)?.image ?? null],
        [
          'output cut',
          run.attempts
            .filter(({ bytesDropped }) => bytesDropped !== 0)
            .map((attempt) => `${droppedText(attempt)} (attempt ${attempt.number})`)
            .join('; '),
        ],
        ['ended', run.endedAt === null ? null : whenExactly(run.endedAt, io)],
      ],
      io,
    ),
  );
  if (run.attempts.length === 0) return;
  // A server of 0.2.0 answers neither.
  const isMeasured = run.attempts.some(({ cpuMs }) => typeof cpuMs === 'number');
  const isOnHosts = run.attempts.some(({ host }) => host !== null && host !== undefined);
  const rows = run.attempts.map((attempt) => [
    String(attempt.number),
    attempt.engine,
    ...(isOnHosts ? [attempt.host ?? nothing] : []),
    when(attempt.startedAt, io),
    attempt.startedAt === null || attempt.endedAt === null
      ? nothing
      : lasting(Date.parse(attempt.endedAt) - Date.parse(attempt.startedAt)),
    ...(isMeasured ? usedBy(attempt) : []),
    attempt.exitCode === null ? nothing : String(attempt.exitCode),
    attempt.reason ?? '',
  ]);
  const used = isMeasured ? ['CPU', 'MEMORY', 'READ', 'WRITTEN'] : [];
  const where = isOnHosts ? ['HOST'] : [];
  session.print(
    `\n${table(['ATTEMPT', 'ENGINE', ...where, zoned('STARTED', io), 'TOOK', ...used, 'CODE', 'WHY'], rows, io)}`,
  );
}

function usedBy({
  cpuMs = null,
  peakMemoryBytes = null,
  readBytes = null,
  writtenBytes = null,
  usageUntil,
}: WireAttempt): string[] {
  const used = [lasting(cpuMs), ...[peakMemoryBytes, readBytes, writtenBytes].map(mebibytes)];
  const isWhole = usageUntil === null || usageUntil === undefined;
  return isWhole ? used : used.map((text) => (text === nothing ? text : `≥ ${text}`));
}

function cause({ trigger, origin, parents }: WireRun): string {
  if (trigger.kind === 'schedule') return trigger.catchUp ? 'its schedule, to catch up' : 'its schedule';
  const by = `${trigger.kind} ${trigger.by ?? parents.join(', ')}`;
  if (origin?.kind === 'backfill') return `${by}, in a backfill`;
  // A server of 0.1.0 answers no origin.
  if (trigger.kind !== 'parents' || origin === undefined || origin.kind === 'schedule') return by;
  const what = origin.kind === 'rerun' ? 'a rerun' : 'a manual run';
  return `${by}, after ${what}${origin.job === null ? '' : ` of ${origin.job}`}`;
}

interface RunOptions {
  readonly param?: string[];
  readonly due?: string;
  readonly wait?: boolean;
  /** In milliseconds. */
  readonly timeout?: number;
}

async function follow(
  session: Session,
  options: RunOptions,
  start: (key: string) => Promise<WireRun>,
): Promise<ExitCode> {
  const { io, client } = session;
  const until = options.timeout === undefined ? Number.POSITIVE_INFINITY : io.now() + options.timeout;
  const key = randomUUID();
  const persistence = new Persistence(session, until);
  let run = await (options.wait === true ? persistence.of(() => start(key)) : start(key));
  if (options.wait === true) {
    session.progress(`${run.id} is ${run.state}`);
    while (unfinished.has(run.state) && io.now() < until) {
      await io.sleep(POLL_MS);
      const { id, state } = run;
      run = await persistence.of(() => client.run(id));
      if (run.state !== state) session.progress(`${run.id} is ${run.state}`);
    }
  }
  if (session.json) session.printJson(run);
  else if (options.wait === true) printRun(session, run);
  else session.print(`${run.id} is ${run.state}${run.reason === null ? '' : `: ${run.reason}`}`);
  return options.wait === true ? exitCodeOfRun(run.state) : exitCodes.ok;
}

interface ManyOptions {
  readonly label?: string[];
  readonly dryRun?: boolean;
}

/** Starts several jobs in one request. */
async function runMany(
  session: Session,
  names: readonly string[],
  { label, dryRun = false, param = [], ...single }: RunOptions & ManyOptions,
): Promise<ExitCode> {
  if (names.length > 0 === (label !== undefined)) {
    throw new CarillonError(
      'INVALID_FIELD',
      'Name the jobs to run, or select them with --label, but not both.',
      {
        field: 'names',
        allowed: 'names, or --label name=value',
      },
    );
  }
  for (const [option, value] of Object.entries(single)) {
    throw new CarillonError('INVALID_FIELD', `--${option} is for a run of a single job.`, {
      field: option,
      value,
      allowed: 'with one name, without --label and --dry-run',
      source: `--${option}`,
    });
  }
  const { io, client } = session;
  const wanted = [...names];
  if (label !== undefined) for await (const { name } of client.jobs({ label })) wanted.push(name);
  if (wanted.length === 0) {
    if (session.json) session.printJson({ dryRun, counts: { started: 0, following: 0 }, jobs: [] });
    else session.print('no jobs');
    return exitCodes.ok;
  }
  const body = { jobs: wanted, ...(param.length > 0 && { params: paramsOf(param) }) };
  const start = await client.triggerMany(body, dryRun, randomUUID());
  if (session.json) session.printJson(start);
  else {
    const rows = start.jobs.map(({ job, after, others, skip, run }) => [
      job,
      after.length === 0 ? 'at once' : `after ${after.join(', ')}`,
      run === null ? nothing : `${run.id} ${tinted(run.state, io)}`,
      [
        run?.reason ?? (skip === null ? '' : `will be skipped: ${skip}`),
        others.length === 0 ? '' : `does not wait for ${others.join(', ')}`,
      ]
        .filter((text) => text !== '')
        .join('; '),
    ]);
    session.print(table(['JOB', 'STARTS', 'RUN', 'WHY'], rows, io));
  }
  return exitCodes.ok;
}
