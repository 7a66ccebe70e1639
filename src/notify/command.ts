/**
 * A program that gets each message as JSON on its standard input. Exit code 0: delivered; 75 (EX_TEMPFAIL): try again; any
 * other: refused, for the reason in the last line that it printed to stderr.
 */

import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { Message } from '../scheduler/model/alert.ts';
import { failed, interrupted, quoted, refused } from './problem.ts';
import type { Receiver, ReceiverParts } from './receiver.ts';
import type { CommandSettings } from './schema.ts';
import { linkOf } from './text.ts';
import { messageJson } from './webhook.ts';

const endsWithinMs = 30_000;
/** What the program started may keep its pipe open. */
const lastWordsMs = 500;
const maxErrorBytes = 4 * 1024;
const tryAgain = 75;

export const commandReceiver = ({ argv }: CommandSettings, parts: ReceiverParts): Receiver => ({
  check: async () => {
    const program = argv[0] as string;
    if (!isAbsolute(program)) return;
    await access(program, constants.X_OK).catch(({ code }: NodeJS.ErrnoException) => {
      throw failed(`${program} cannot be started (${code}).`);
    });
  },
  send: async (message, signal) => {
    const name = argv[0] as string;
    const { code, said } = await run(argv as [string, ...string[]], message, parts, signal);
    if (signal.aborted) throw interrupted();
    if (code === 'late') throw failed(`${name} did not end within ${endsWithinMs / 1_000} s.`);
    if (typeof code === 'string') {
      const isMissing = code === 'ENOENT' || code === 'EACCES';
      throw (isMissing ? refused : failed)(`${name} cannot be started (${code}).`);
    }
    const words = `${name} ended ${code === null ? 'by a signal' : `with exit code ${code}`}`;
    const why = quoted(lastLine(said), []);
    if (code === tryAgain) throw failed(`${words}${why}.`);
    if (code !== 0) throw refused(`${words}${why}.`);
  },
});

interface End {
  /** Exit code; null after a signal; `late`, or the error of the system if there was no process. */
  readonly code: number | string | null;
  readonly said: string;
}

function run(
  argv: readonly [string, ...string[]],
  message: Message,
  { clock, environment, bare }: ReceiverParts,
  signal: AbortSignal,
): Promise<End> {
  const [program, ...args] = bare(argv);
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: variables(message, environment),
      cwd: '/',
      detached: true,
    });
    let said = '';
    const finish = (code: End['code']): void => {
      cancelLimit();
      cancelWords();
      signal.removeEventListener('abort', kill);
      // With whatever it left running.
      if (child.pid !== undefined) killGroup(child.pid);
      child.stderr?.destroy();
      resolve({ code, said });
    };
    const kill = (): void => finish('late');
    const cancelLimit = clock.after(endsWithinMs, kill);
    let cancelWords = (): void => undefined;
    signal.addEventListener('abort', kill);
    child.once('error', (error: NodeJS.ErrnoException) => finish(error.code ?? 'unknown error'));
    child.once('exit', (code) => {
      cancelWords = clock.after(lastWordsMs, () => finish(code));
      child.once('close', () => finish(code));
    });
    child.stderr?.on('data', (bytes: Buffer) => {
      said = `${said}${bytes.toString('utf8')}`.slice(-maxErrorBytes);
    });
    // It need not read.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(`${messageJson(message)}\n`);
    if (signal.aborted) kill();
  });
}

function variables(
  message: Message,
  { PATH, HOME, LANG, TZ }: ReceiverParts['environment'],
): Record<string, string> {
  const { key, alertKey, step, condition, severity, job, title } = message;
  const texts = {
    ...{ PATH, HOME, LANG, TZ },
    CARILLON_KEY: key,
    CARILLON_ALERT_KEY: alertKey,
    CARILLON_STEP: step,
    CARILLON_CONDITION: condition,
    CARILLON_SEVERITY: severity,
    CARILLON_JOB: job ?? '',
    CARILLON_TITLE: title,
    CARILLON_LINK: linkOf(message) ?? '',
  };
  // No process can have a variable with this character.
  return Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, text.replaceAll('\0', '')]],
    ),
  );
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
