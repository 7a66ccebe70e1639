/** The environment of a command: where it prints, how it reaches the server, and how it ends. */

import type { Command } from 'commander';
import { Client } from './client.ts';
import { fetchAs } from './credentials.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { describeFailure } from './failure.ts';
import { fetchTrusting } from './trust.ts';

/** The outside world of a command. Tests provide their own. */
export interface Io {
  /** Prints on standard output, with control characters escaped. */
  out(text: string): void;
  /** Prints on standard error, with control characters escaped. */
  err(text: string): void;
  /** Prints the output of a job on standard output: unchanged, except on a terminal. */
  raw(text: string): void;
  /** Standard output is a terminal. */
  readonly terminal: boolean;
  /** Reads all of standard input. */
  stdin(): Promise<string>;
  /** Asks the user for confirmation. Absent if nobody can answer. */
  confirm?(question: string): Promise<boolean>;
  /** Wall time, epoch milliseconds. */
  now(): number;
  sleep(delayMs: number): Promise<void>;
  /** IANA time zone of the viewer. */
  readonly timezone: string;
  readonly color: boolean;
  /** Whether to show progress: standard error is a terminal. */
  readonly progress: boolean;
  /** Where `exec` keeps reports that the server does not have yet. */
  readonly spoolDir: string;
  /** `CARILLON_TOKEN`. */
  readonly token?: string | null;
  /** Where log-ins are kept. Absent: they are not. */
  readonly stateDir?: string;
  /** `CARILLON_URL`. */
  readonly url: string | null;
  /** `CARILLON_CA`: a file. */
  readonly ca?: string | null;
}

export interface Session {
  readonly io: Io;
  readonly client: Client;
  readonly json: boolean;
  /** Prints one line on standard output. */
  print(line?: string): void;
  /** Prints a value for scripts. */
  printJson(value: unknown): void;
  /** Prints one line of progress; nothing in pipes and logs. */
  progress(line: string): void;
}

export const defaultUrl = 'http://127.0.0.1:4400';

export class Shell {
  readonly io: Io;
  exitCode: number = exitCodes.ok;

  constructor(io: Io) {
    this.io = io;
  }

  /** Runs the body of a command. An error is printed as one block. */
  async run(command: Command, body: (session: Session) => Promise<ExitCode>): Promise<void> {
    const options = command.optsWithGlobals<{
      url?: string;
      ca?: string;
      tokenFile?: string;
      json?: boolean;
    }>();
    const { io } = this;
    const json = options.json === true;
    try {
      const { token = null, stateDir = null } = io;
      const credentials = { file: options.tokenFile ?? null, token, stateDir };
      const fetch = fetchAs(fetchTrusting(options.ca ?? io.ca ?? null), credentials);
      const client = new Client(options.url ?? io.url ?? defaultUrl, fetch);
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
