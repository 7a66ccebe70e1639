/** `carillon exec`: runs a command of somebody's crontab, and reports it. */

import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { CarillonError } from '../../errors.ts';
import { Client } from '../client.ts';
import { fetchAs } from '../credentials.ts';
import { runCommand } from '../exec/child.ts';
import { KeptOutput } from '../exec/kept-output.ts';
import { Reporter } from '../exec/reporter.ts';
import { Spool } from '../exec/spool.ts';
import { exitCodes } from '../exit-codes.ts';
import { defaultUrl, type Io, type Shell } from '../shell.ts';
import { fetchTrusting } from '../trust.ts';

/** The end of the command is not held up for longer. */
const END_WITHIN_MS = 5_000;

interface ExecOptions {
  readonly flush?: boolean;
  readonly spool?: string;
}

export function addExecCommand(program: Command, shell: Shell): void {
  program
    .command('exec')
    .argument('[name]', 'a job without run')
    .argument('[command...]', 'the command, after --')
    .description('run a command from a crontab or elsewhere, and report its start, end and output')
    .option('--flush', 'only send the reports of earlier commands that the server did not get')
    .option('--spool <dir>', `where reports wait for the server (default: ${shell.io.spoolDir})`)
    .addHelpText(
      'after',
      '\nThe command runs and its exit code is returned, whatever the server does. While it does not respond, reports wait ' +
        'for the next exec, for up to 7 days. 127: the command was not found, 126: it cannot be run, 128+n: ended by signal n.',
    )
    .action(async (name: string | undefined, argv: string[], options: ExecOptions, command: Command) => {
      const { url, ca, tokenFile } = command.optsWithGlobals<Globals>();
      if (options.flush === true && name === undefined)
        await shell.run(command, ({ client }) => flush(shell.io, client, options));
      else if (name === undefined || argv.length === 0 || options.flush === true)
        await shell.run(command, () => Promise.reject(usage()));
      else
        shell.exitCode = await exec(
          shell.io,
          {
            ...{ name, argv, url: url ?? shell.io.url ?? defaultUrl, ca: ca ?? shell.io.ca ?? null },
            tokenFile: tokenFile ?? null,
          },
          options,
        );
    });
}

const usage = (): CarillonError =>
  new CarillonError('INVALID_FIELD', 'There is no command to run.', {
    field: 'command',
    allowed: 'carillon exec NAME -- command…, or carillon exec --flush',
  });

const spoolOf = (io: Io, { spool }: ExecOptions): Spool => new Spool(spool ?? io.spoolDir, () => io.now());

async function flush(io: Io, client: Client, options: ExecOptions) {
  const spool = spoolOf(io, options);
  const reporter = new Reporter({ client, spool, now: () => io.now(), tell: teller(io) });
  const { taken, refused } = await reporter.send(new AbortController().signal);
  reporter.leave();
  const left = spool.size;
  io.out(`${taken} sent, ${refused} refused, ${left} left\n`);
  return left > 0 ? exitCodes.unreachable : exitCodes.ok;
}

interface Asked {
  readonly name: string;
  readonly argv: readonly string[];
  readonly url: string;
  readonly ca: string | null;
  readonly tokenFile: string | null;
}

interface Globals {
  readonly url?: string;
  readonly ca?: string;
  readonly tokenFile?: string;
}

async function exec(io: Io, asked: Asked, options: ExecOptions): Promise<number> {
  const { name, argv } = asked;
  // First of all: nothing of ours may delay it.
  const output = new KeptOutput();
  const at = io.now();
  const running = runCommand(argv, (chunk) => output.add(chunk));
  const tell = teller(io);
  const spool = spoolOf(io, options);
  const reporter = new Reporter({ client: clientOf(asked, io, tell), spool, now: () => io.now(), tell });
  const rid = randomUUID();
  const stop = new AbortController();
  reporter.add({ job: name, step: 'start', rid, at });
  void reporter.send(stop.signal);
  const { exitCode, durationMs } = await running;
  const bytes = output.bytes();
  reporter.add({
    job: name,
    rid,
    at: at + durationMs,
    durationMs,
    ...(exitCode === 0 ? { step: 'success' } : { step: 'fail', exitCode }),
    ...(bytes.length > 0 && { output: bytes.toString('base64') }),
  });
  const timer = setTimeout(() => stop.abort(), END_WITHIN_MS);
  await reporter.send(stop.signal);
  clearTimeout(timer);
  reporter.leave();
  if (io.progress && spool.size > 0)
    tell(`${spool.size} reports wait for the server, and are sent with the next exec.`);
  return exitCode;
}

/** Null if the address is wrong, which must not keep the command from running. */
function clientOf({ url, ca, tokenFile }: Asked, io: Io, tell: (text: string) => void): Client | null {
  try {
    const { token = null, stateDir = null } = io;
    return new Client(url, fetchAs(fetchTrusting(ca), { file: tokenFile, token, stateDir }));
  } catch (error) {
    tell((error as Error).message);
    return null;
  }
}

const teller =
  (io: Io) =>
  (text: string): void =>
    io.err(`carillon: ${text}\n`);
