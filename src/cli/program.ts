/** The command line: a client of the API, and the way to start a server. */

import { createInterface } from 'node:readline/promises';
import { Command, CommanderError } from 'commander';
import { decodeUtf8 } from '../job-file/utf8.ts';
import { describeSettings, type Environment, loadClientConfig } from '../node/config.ts';
import type { Protect, Restore } from '../node/restore-options.ts';
import { addAccessCommands } from './commands/access.ts';
import { addAlertCommands } from './commands/alerts.ts';
import { addBackfillCommands } from './commands/backfills.ts';
import { addBackupCommands } from './commands/backup.ts';
import { addCalendarCommands } from './commands/calendars.ts';
import { addCertsCommand } from './commands/certs.ts';
import { addCompletionCommands } from './commands/completion.ts';
import { addEngineCommands } from './commands/engines.ts';
import { addExecCommand } from './commands/exec.ts';
import { addFileCommands } from './commands/files.ts';
import { addInstallationCommands } from './commands/installation.ts';
import { addJobCommands } from './commands/jobs.ts';
import { addLogCommand } from './commands/logs.ts';
import { addPastCommands } from './commands/past.ts';
import { addPipelineCommands } from './commands/pipelines.ts';
import { addRenderCommand } from './commands/render.ts';
import { addRunCommands } from './commands/runs.ts';
import { addZkCommand } from './commands/zk.ts';
import { exitCodes } from './exit-codes.ts';
import { describeFailure } from './failure.ts';
import { defaultUrl, type Io, Shell } from './shell.ts';
import { guarded } from './visible.ts';

export interface CliParts {
  /** Runs a server with these flags until it is stopped, and returns the exit code. */
  readonly serve: (args: readonly string[]) => Promise<number>;
  readonly restore: Restore;
  /** Takes over a state in ZooKeeper. Absent: nothing can be taken over. */
  readonly protect?: Protect;
  readonly environment: Environment;
  readonly version: string;
  /** Output and waiting. Default: the process itself. */
  readonly io?: Io;
}

/** Runs one command and returns the exit code. */
export async function runCli(args: readonly string[], parts: CliParts): Promise<number> {
  const io = guarded(parts.io ?? processIo(parts.environment));
  if (args[0] === 'serve' && !args.includes('--help') && !args.includes('-h')) {
    return served(() => parts.serve(args.slice(1)), io);
  }
  const shell = new Shell(io);
  const program = createProgram(shell, parts);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return shell.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
}

async function served(serve: () => Promise<number>, io: Io): Promise<number> {
  try {
    return await serve();
  } catch (error) {
    const failure = describeFailure(error);
    if (failure === null) throw error;
    io.err(failure.text);
    return failure.exitCode;
  }
}

function createProgram(shell: Shell, { version, restore, protect }: CliParts): Command {
  const { io } = shell;
  const program = new Command('carillon')
    .description('Distributed cron scheduler for data pipelines.')
    .version(version)
    .option(
      '--url <url,…>',
      `server URLs; the first that answers is used (default: CARILLON_URL, or ${defaultUrl})`,
    )
    .option(
      '--ca <file>',
      'trust these authorities for https, instead of the usual ones (default: CARILLON_CA)',
    )
    .option(
      '--token-file <file>',
      'file with a token for the server (default: CARILLON_TOKEN, or carillon login)',
    )
    .option('--json', 'print JSON, for scripts')
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit codes: 0 success, 1 operation failed, 2 invalid usage or input, 3 server unavailable, 4 run not ended by --timeout; `carillon run --help` has those of runs that were waited for.',
    );
  program
    .command('serve')
    .description('start a scheduler')
    .addHelpText('after', `\nSettings:\n${describeSettings()}`);
  addFileCommands(program, shell);
  addJobCommands(program, shell);
  addPastCommands(program, shell);
  addRunCommands(program, shell);
  addPipelineCommands(program, shell);
  addBackfillCommands(program, shell);
  addRenderCommand(program, shell);
  addLogCommand(program, shell);
  addExecCommand(program, shell);
  addInstallationCommands(program, shell);
  addEngineCommands(program, shell);
  addAccessCommands(program, shell);
  addAlertCommands(program, shell);
  addCalendarCommands(program, shell);
  addBackupCommands(program, shell, restore);
  addCertsCommand(program, shell);
  addZkCommand(program, shell, protect);
  addCompletionCommands(program, shell);
  for (const command of [...program.commands, ...program.commands.flatMap((each) => each.commands)]) {
    command.exitOverride().copyInheritedSettings(program);
  }
  return program;
}

async function confirm(question: string): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
  } finally {
    prompt.close();
  }
}

function processIo(environment: Environment): Io {
  const { url, ca, color, spoolDir, stateDir, token } = loadClientConfig(environment);
  // A reader may stop early, as in `carillon apply … | head`. The command continues, so that its exit code is
  // meaningful.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    process.stderr.write(`error: The output cannot be written (${error.code}).\n`);
    process.exit(exitCodes.failed);
  });
  // There is nowhere left to report this.
  process.stderr.on('error', () => {});
  return {
    out: (text) => void process.stdout.write(text),
    raw: (text) =>
      void process.stdout.write(text, (error) => {
        // The output of a job may be endless.
        if ((error as NodeJS.ErrnoException | null)?.code === 'EPIPE') process.exit(exitCodes.ok);
      }),
    terminal: process.stdout.isTTY === true,
    err: (text) => void process.stderr.write(text),
    async stdin() {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return decodeUtf8(Buffer.concat(chunks), 'standard input');
    },
    ...(process.stdin.isTTY === true && process.stderr.isTTY === true && { confirm }),
    now: () => Date.now(),
    sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    color: color && process.stdout.isTTY === true,
    progress: process.stderr.isTTY === true,
    spoolDir,
    stateDir,
    token,
    url,
    ca,
  };
}
