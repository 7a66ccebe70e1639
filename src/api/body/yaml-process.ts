/**
 * Parses YAML in a separate process, because its parser needs seconds for what JSON needs milliseconds for,
 * and only the request should wait. It parses one text at a time, limited in time and memory. A parse that
 * exceeds a limit ends with the process. So does one that crashes Node.js itself, which in a worker thread
 * would end the scheduler. The jobs are returned as JSON, to be parsed one by one.
 *
 * The process runs this same file.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CarillonError, type ErrorCode, type ErrorDetails, firstOf, problemsIn } from '../../errors.ts';
import { parseJobFile } from '../../job-file/read.ts';
import { decodeUtf8 } from '../../job-file/utf8.ts';
import type { Clock } from '../../scheduler/ports.ts';

export const yamlLimits = {
  /** 20,000 jobs take ten seconds on a slow machine. */
  withinMs: 60_000,
  /** In megabytes. 20,000 jobs take half of it. */
  memoryMb: 768,
  /** Texts that wait for their turn. */
  waiting: 16,
  /** Ends an unused process, to free the memory of what it parsed. */
  idleMs: 30_000,
} as const;

/** Jobs as one JSON text, with the end of each in it, and the line at which each began in the YAML. */
export interface ReadJobs {
  readonly json: Uint8Array;
  readonly ends: Uint32Array;
  readonly lines: Uint32Array;
}

/** A `CarillonError` as it is sent between processes. */
interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

type Answer =
  | { readonly kind: 'read'; readonly jobs: ReadJobs }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }
  | { readonly kind: 'failed'; readonly message: string; readonly stack: string };

/** Returns a command line that passes only the first `count` file descriptors to the program. */
export type Bare = (count: number, argv: readonly [string, ...string[]]) => readonly [string, ...string[]];

/** The argument that starts this file as the process. */
const role = 'read-yaml';

export class YamlProcess {
  readonly #clock: Clock;
  readonly #bare: Bare;
  #child: ChildProcess | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #stopIdling: () => void = () => undefined;

  constructor(clock: Clock, bare: Bare = (_count, argv) => argv) {
    this.#clock = clock;
    this.#bare = bare;
  }

  /** Returns the jobs of a body. INVALID_BODY; LIMIT_EXCEEDED; BUSY if too many texts already wait. */
  async read(bytes: Uint8Array): Promise<ReadJobs> {
    if (this.#waiting >= yamlLimits.waiting) {
      throw new CarillonError('BUSY', `${this.#waiting} YAML bodies are already waiting to be parsed.`, {
        field: 'body',
        allowed: `at most ${yamlLimits.waiting} waiting YAML bodies, or JSON`,
        source: 'body',
      });
    }
    this.#waiting++;
    const turn = this.#turn.then(() => this.#readNow(bytes));
    this.#turn = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  async close(): Promise<void> {
    await this.#turn;
    this.#end();
  }

  async #readNow(bytes: Uint8Array): Promise<ReadJobs> {
    this.#stopIdling();
    const answer = await this.#answer(bytes);
    this.#stopIdling = this.#clock.after(yamlLimits.idleMs, () => this.#end());
    if (answer.kind === 'read') return answer.jobs;
    if (answer.kind === 'refused') {
      const { problems } = answer;
      throw firstOf(problems.map(({ code, message, details }) => new CarillonError(code, message, details)));
    }
    throw Object.assign(new Error(answer.message), { stack: answer.stack });
  }

  /** Starts a new process if the previous one was ended from outside, for example by the operating system. */
  async #answer(bytes: Uint8Array): Promise<Answer> {
    const earlier = this.#child;
    if (earlier !== null) {
      try {
        return await this.#ask(earlier, bytes);
      } catch (error) {
        if (error instanceof CarillonError) throw error;
      }
    }
    this.#child = start(this.#bare);
    return this.#ask(this.#child, bytes);
  }

  #ask(child: ChildProcess, bytes: Uint8Array): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void): void => {
        stopWaiting();
        child.removeAllListeners();
        // The process may fail later, when no request waits for it.
        child.on('error', () => undefined);
        settle();
      };
      const lost = (error: Error): void =>
        done(() => {
          this.#end();
          reject(error);
        });
      const { withinMs, memoryMb } = yamlLimits;
      const stopWaiting = this.#clock.after(withinMs, () => lost(takesMore(`${withinMs / 1_000} seconds`)));
      child.once('message', (answer) => done(() => resolve(answer as Answer)));
      child.once('error', lost);
      // How Node.js ends when it runs out of memory. Any other end is a bug.
      child.once('exit', (code, signal) =>
        lost(
          signal === 'SIGABRT' || code === 134
            ? takesMore(`${memoryMb} MiB of memory`)
            : new Error(`the YAML process ended: ${signal ?? code}`),
        ),
      );
      child.send(bytes, (error) => {
        if (error !== null) lost(error);
      });
    });
  }

  #end(): void {
    this.#stopIdling();
    this.#child?.kill('SIGKILL');
    this.#child = null;
  }
}

function start(bare: Bare): ChildProcess {
  // The three standard streams, and the channel for requests.
  const [execPath, ...before] = bare(4, [process.execPath]);
  return fork(fileURLToPath(import.meta.url), [role], {
    execPath,
    execArgv: [...before, ...process.execArgv, `--max-old-space-size=${yamlLimits.memoryMb}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

function takesMore(bound: string): CarillonError {
  return new CarillonError('INVALID_BODY', `Parsing the YAML body takes more than ${bound}.`, {
    field: 'body',
    allowed: `YAML that can be parsed within ${bound}, or JSON`,
    source: 'body',
  });
}

function answer(bytes: Uint8Array): Answer {
  try {
    const jobs = parseJobFile(decodeUtf8(bytes, 'body'), 'body');
    const texts = jobs.map(({ definition }) => Buffer.from(JSON.stringify(definition)));
    const ends = new Uint32Array(texts.length);
    let end = 0;
    for (const [index, text] of texts.entries()) {
      end += text.length;
      ends[index] = end;
    }
    const lines = Uint32Array.from(jobs, ({ source }) => Number(source.slice(source.lastIndexOf(':') + 1)));
    return { kind: 'read', jobs: { json: Buffer.concat(texts, end), ends, lines } };
  } catch (error) {
    if (error instanceof CarillonError) {
      const problems = problemsIn(error).map(({ code, message, details }) => ({ code, message, details }));
      return { kind: 'refused', problems };
    }
    const { message, stack = '' } = error as Error;
    return { kind: 'failed', message, stack };
  }
}

if (process.argv[2] === role && process.send !== undefined) {
  process.on('message', (bytes: Uint8Array) => void process.send?.(answer(bytes)));
  process.on('disconnect', () => process.exit());
  // Ctrl-C reaches the whole process group; the scheduler ends this process.
  process.on('SIGINT', () => undefined);
}
