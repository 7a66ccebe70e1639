/**
 * Secrets that a command prints. It runs as the scheduler's user, with little of its environment, and gets no descriptor but
 * the standard ones. Nothing that it printed is ever shown, except the last line of its errors when it fails.
 */

import { spawn } from 'node:child_process';
import { shownInMessage } from '../../scheduler/job/masked.ts';
import type { Clock } from '../../scheduler/ports.ts';
import { Mask, masksOf } from './mask.ts';
import { maxSecretBytes } from './reader.ts';
import { secretRefused } from './refusal.ts';

const withinMs = 15_000;
/** At once: a burst of launches must not make a burst of processes. */
const mostAtOnce = 16;
const maxErrorBytes = 4 * 1024;
const shownErrorLength = 200;
const passedOn = ['PATH', 'HOME', 'USER', 'LANG', 'TZ'] as const;
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Of the program that passes on only the standard descriptors, and of shells. */
const notFound = 127;

/** Returns a command line that passes only the standard descriptors to a command. */
export type Bare = (argv: readonly [string, ...string[]]) => readonly [string, ...string[]];

export interface CommandParts {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly bare: Bare;
}

interface End {
  /** Null: it ended well. */
  readonly problem: string | null;
  readonly printed: Buffer;
  readonly errors: Buffer;
}

export class SecretCommands {
  readonly #parts: CommandParts;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(parts: CommandParts) {
    this.#parts = parts;
  }

  /** What it prints. LAUNCH_REFUSED if it fails, prints too much or takes too long. */
  async run(field: string, argv: readonly string[]): Promise<Buffer> {
    if (this.#running >= mostAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      const [program = '', ...args] = argv;
      const { problem, printed, errors } = await run([program, ...args], this.#parts);
      if (problem === null) return printed;
      throw secretRefused(field, `${program} ${problem}${lastLine(errors, printed)}`, {
        value: program,
        allowed: `a command that ends with 0 within ${withinMs / 1_000} s and prints at most ${maxSecretBytes} bytes`,
      });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

function run(argv: [string, ...string[]], { clock, environment, bare }: CommandParts): Promise<End> {
  const given = passedOn.flatMap((name) =>
    environment[name] === undefined ? [] : [[name, environment[name]]],
  );
  const [first, ...args] = bare(argv);
  return new Promise((resolve) => {
    // A group of its own, so that what it started ends with it.
    const child = spawn(first, args, {
      env: { PATH: defaultPath, ...Object.fromEntries(given) },
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const printed: Buffer[] = [];
    const errors: Buffer[] = [];
    let size = 0;
    let errorSize = 0;
    const end = (problem: string | null): void => {
      cancel();
      resolve({ problem, printed: Buffer.concat(printed), errors: Buffer.concat(errors) });
    };
    const stop = (problem: string): void => {
      end(problem);
      child.stdout.destroy();
      child.stderr.destroy();
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    };
    const cancel = clock.after(withinMs, () => stop(`did not end within ${withinMs / 1_000} s`));
    child.stdout.on('data', (bytes: Buffer) => {
      size += bytes.length;
      if (size > maxSecretBytes) stop(`printed more than ${maxSecretBytes} bytes`);
      else printed.push(bytes);
    });
    child.stderr.on('data', (bytes: Buffer) => {
      if (errorSize < maxErrorBytes) errors.push(bytes);
      errorSize += bytes.length;
    });
    child.once('error', (error: NodeJS.ErrnoException) =>
      end(`cannot be run (${error.code ?? 'unknown error'})`),
    );
    child.once('close', (code, signal) => {
      if (code === 0) end(null);
      else if (code === notFound) end('cannot be found');
      else end(code === null ? `was ended by ${signal}` : `ended with ${code}`);
    });
  });
}

/** For people, without what it printed as the secret. */
function lastLine(errors: Buffer, printed: Buffer): string {
  const mask = new Mask(masksOf([printed]));
  const shown = Buffer.concat([mask.push(errors.subarray(0, maxErrorBytes)), mask.end()]).toString('utf8');
  const line = shown
    .split(/[\r\n]+/)
    .map((each) => each.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ').trim())
    .findLast((each) => each !== '');
  return line === undefined ? '' : `: ${shownInMessage(line).slice(0, shownErrorLength)}`;
}
