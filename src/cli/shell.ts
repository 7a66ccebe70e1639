/** What commands run in: where they print, how they reach the server, and how they end. */

import type { Command } from 'commander';
import { Client } from './client.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { describeFailure } from './failure.ts';

/** The world of a command; the tests bring their own. */
export interface Io {
  /** What the command says, on standard output: control characters are shown, not sent. */
  out(text: string): void;
  /** Likewise, on standard error. */
  err(text: string): void;
  /** The output of a job, on standard output: as it is, except on a terminal. */
  raw(text: string): void;
  /** Standard output is a terminal. */
  readonly terminal: boolean;
  /** Everything on standard input. */
  stdin(): Promise<string>;
  /** Asks the user, who may say no; left out where nobody can answer. */
  confirm?(question: string): Promise<boolean>;
  /** Wall time, epoch milliseconds. */
  now(): number;
  sleep(delayMs: number): Promise<void>;
  /** The viewer's IANA time zone. */
  readonly timezone: string;
  readonly color: boolean;
  /** Progress is for someone who watches: standard error is a terminal. */
  readonly progress: boolean;
  /** Who asks, for the record: `ann@laptop`. */
  readonly by: string;
  /** `CARILLON_URL`. */
  readonly url: string | null;
}

export interface Session {
  readonly io: Io;
  readonly client: Client;
  readonly json: boolean;
  /** One line on standard output. */
  print(line?: string): void;
  /** A value for scripts. */
  printJson(value: unknown): void;
  /** One line for whoever watches; nothing in pipes and logs. */
  progress(line: string): void;
}

export const defaultUrl = 'http://127.0.0.1:4400';

export class Shell {
  readonly io: Io;
  exitCode: ExitCode = exitCodes.ok;

  constructor(io: Io) {
    this.io = io;
  }

  /** Runs the body of a command; what it throws is printed as one block. */
  async run(command: Command, body: (session: Session) => Promise<ExitCode>): Promise<void> {
    const options = command.optsWithGlobals<{ url?: string; json?: boolean }>();
    const { io } = this;
    const json = options.json === true;
    try {
      const client = new Client(options.url ?? io.url ?? defaultUrl, io.by);
      const session: Session = {
        io,
        client,
        json,
        print: (line = '') => io.out(`${line}\n`),
        printJson: (value) => io.out(`${JSON.stringify(value, null, 2)}\n`),
        progress: (line) => {
          if (io.progress) io.err(`${line}\n`);
        },
      };
      this.exitCode = await body(session);
    } catch (error) {
      const failure = describeFailure(error);
      if (failure === null) throw error;
      io.err(json ? `${JSON.stringify(failure.problem)}\n` : failure.text);
      this.exitCode = failure.exitCode;
    }
  }
}
