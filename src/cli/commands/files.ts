/** Commands for job files: check, apply, import a crontab, export. */

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { CarillonError } from '../../errors.ts';
import { formatJobFile } from '../../job-file/read.ts';
import type { JobDefinition } from '../../scheduler/job/definition.ts';
import { jobFileSchema } from '../../scheduler/job/file-schema.ts';
import { importCrontab } from '../crontab.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { block, problemOf } from '../failure.ts';
import { readJobs, readText, writing } from '../job-files.ts';
import { each } from '../option-values.ts';
import type { Session, Shell } from '../shell.ts';
import { validateJobs } from '../validation.ts';
import { counted } from '../words.ts';
import { type ApplyOptions, apply, submit } from './apply.ts';
import { addChronosImport, exportChronos } from './chronos.ts';

export function addFileCommands(program: Command, shell: Shell): void {
  addChecks(program, shell);
  addApply(program, shell);
  addImports(program, shell);
  addExport(program, shell);
}

function addChecks(program: Command, shell: Shell): void {
  program
    .command('validate')
    .argument('<files...>', 'job files or folders; - for standard input')
    .description('check job files without a server: fields, values, schedules and dependencies')
    .action((files: string[], _, command: Command) =>
      shell.run(command, (session) => validate(session, files)),
    );
  program
    .command('schema')
    .description('print the JSON Schema of job files, for editors')
    .addHelpText(
      'after',
      '\nExample:\n  carillon schema > jobs.schema.json\n\nThen start job files with\n  # ' +
        'yaml-language-server: $schema=./jobs.schema.json',
    )
    .action(() => shell.io.out(`${JSON.stringify(jobFileSchema(), null, 2)}\n`));
}

function addApply(program: Command, shell: Shell): void {
  program
    .command('apply')
    .description('create or update jobs from files; unchanged jobs are left alone')
    .requiredOption('-f, --file <file>', 'job file or folder; - for standard input; may be repeated', each)
    .option('--prune', 'delete jobs that are not in the files')
    .option('--label <k=v>', 'with --prune: delete only jobs with this label; may be repeated', each)
    .option('--allow-empty', 'with --prune: delete all jobs if the files have none')
    .option('-y, --yes', 'with --prune: delete more than half of the jobs without asking')
    .option('--dry-run', 'show what would change and change nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  carillon apply -f jobs/ --dry-run\n  carillon apply -f jobs/ --prune --label team=sales',
    )
    .action((options: ApplyOptions, command: Command) =>
      shell.run(command, (session) => apply(session, options)),
    );
}

function addImports(program: Command, shell: Shell): void {
  const imports = program.command('import').description('import jobs from another scheduler');
  imports
    .command('crontab')
    .argument('<file>', 'crontab file; - for standard input')
    .description('convert a crontab to jobs and print them as YAML; --apply submits them')
    .option('--user-column', 'the field before the command is a user, as in /etc/crontab')
    .option('--no-user-column', 'the field is part of the command, although it is also the name of a user')
    .option('--seconds', 'lines have six fields, seconds first')
    .option(
      '--timezone <zone>',
      'time zone of lines without CRON_TZ (default: that of this machine, as in cron)',
    )
    .option('--apply', 'submit the jobs')
    .addHelpText(
      'after',
      '\nExamples:\n  crontab -l | carillon import crontab - > jobs.yaml\n  carillon import crontab /etc/crontab --user-column',
    )
    .action((file: string, options: CrontabCommandOptions, command: Command) =>
      shell.run(command, (session) => importFrom(session, file, options)),
    );
  addChronosImport(imports, shell);
}

function addExport(program: Command, shell: Shell): void {
  program
    .command('export')
    .argument('[names...]', 'jobs; omit them to export all')
    .description('write jobs as YAML, as they were submitted')
    .option('-o, --output <path>', 'file, or folder for one file per job (default: standard output)')
    .option('--label <k=v>', 'only jobs with this label; may be repeated', each)
    .addOption(
      new Option(
        '--format <format>',
        'yaml; or chronos or chronos-2: the list of jobs of Chronos 3.x, or 2.x with async and epsilon',
      )
        .choices(['yaml', 'chronos', 'chronos-2'])
        .default('yaml')
        .conflicts('label'),
    )
    .action((names: string[], options: ExportOptions, command: Command) =>
      shell.run(command, (session) => {
        if (names.length > 0) refuseBeside(options);
        return options.format === 'yaml'
          ? exportJobs(session, names, options)
          : exportChronos(session, options.format === 'chronos' ? 3 : 2, options.output);
      }),
    );
}

async function validate(session: Session, files: readonly string[]): Promise<ExitCode> {
  const { io, json } = session;
  const { jobs, problems: unreadable } = await readJobs(files, io);
  const { problems: found, warnings } = validateJobs(jobs, io.now());
  const problems = [...unreadable, ...found];
  if (json) session.printJson({ jobs: jobs.length, problems: problems.map(problemOf), warnings });
  else {
    for (const problem of problems) io.err(block('error', problem));
    for (const warning of warnings) io.err(`warning: ${warning}\n`);
    session.print(`${counted(jobs.length, 'job')}, ${counted(problems.length, 'problem')}`);
  }
  return problems.length > 0 ? exitCodes.usage : exitCodes.ok;
}

interface CrontabCommandOptions {
  readonly userColumn?: boolean;
  readonly seconds?: boolean;
  readonly timezone?: string;
  readonly apply?: boolean;
}

async function importFrom(session: Session, file: string, options: CrontabCommandOptions): Promise<ExitCode> {
  const text = file === '-' ? await session.io.stdin() : readText(file);
  const source = file === '-' ? 'standard input' : file;
  const { jobs, warnings, leftOut } = importCrontab(text, {
    source,
    userColumn: options.userColumn ?? null,
    seconds: options.seconds === true,
    users: usersHere(),
    timezone: options.timezone ?? session.io.timezone,
    nowMs: session.io.now(),
  });
  for (const warning of warnings) session.io.err(`warning: ${warning}\n`);
  for (const line of leftOut) session.io.err(`skipped: ${line}\n`);
  let code: ExitCode = exitCodes.ok;
  const definitions = jobs.map((job) => job.definition);
  if (options.apply === true) code = await submit(session, jobs, {});
  else if (session.json) session.printJson(definitions);
  else session.io.out(formatJobFile(definitions));
  return leftOut.length > 0 ? exitCodes.failed : code;
}

/** Empty if the system stores its users elsewhere. */
function usersHere(): ReadonlySet<string> {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
    return new Set(lines.map((line) => line.split(':', 1)[0] as string).filter((name) => name !== ''));
  } catch {
    return new Set();
  }
}

interface ExportOptions {
  readonly output?: string;
  readonly label?: string[];
  readonly format: 'yaml' | 'chronos' | 'chronos-2';
}

/** Jobs are named, or chosen by their labels, or all of them in the form of Chronos. */
function refuseBeside({ label, format }: ExportOptions): void {
  if (label === undefined && format === 'yaml') return;
  const [option, value] = label === undefined ? ['format', format] : ['label', label.join(',')];
  throw new CarillonError('INVALID_FIELD', `--${option} cannot be used beside names of jobs.`, {
    field: option,
    value,
    allowed: 'names of jobs alone',
    source: `--${option}`,
  });
}

async function exportJobs(
  session: Session,
  names: readonly string[],
  options: ExportOptions,
): Promise<ExitCode> {
  const definitions: JobDefinition[] = [];
  for (const name of new Set(names)) definitions.push((await session.client.job(name)).definition);
  if (names.length === 0)
    for await (const job of session.client.jobs({ label: options.label })) definitions.push(job.definition);
  const { output } = options;
  const format = (chosen: readonly JobDefinition[]): string =>
    session.json ? `${JSON.stringify(chosen, null, 2)}\n` : formatJobFile(chosen);
  if (output === undefined) session.io.out(format(definitions));
  else {
    writing(output, () => {
      if (!isFolder(output)) {
        writeFileSync(output, format(definitions));
        return;
      }
      mkdirSync(output, { recursive: true });
      const ending = session.json ? 'json' : 'yaml';
      for (const each of definitions) writeFileSync(join(output, `${each.name}.${ending}`), format([each]));
    });
    session.progress(`${definitions.length} jobs written to ${output}`);
  }
  return exitCodes.ok;
}

/** An existing folder, or a path that ends with a slash. */
const isFolder = (path: string): boolean =>
  path.endsWith('/') || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
