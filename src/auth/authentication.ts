/** Joins the parts that prove who asks. */

import type { SigningKey, Token } from '../scheduler/model/token.ts';
import type { Clock, Log } from '../scheduler/ports.ts';
import type { Told } from '../scheduler/told.ts';
import { Askers } from './askers.ts';
import { RequestAuthenticator } from './authenticator.ts';
import type { Owners } from './connections.ts';
import { Keys } from './keys.ts';
import { LocalTrust } from './local.ts';
import { LocalToken } from './local-token.ts';
import { LogIns, linkPath } from './log-ins.ts';
import { Notes } from './notes.ts';
import { PeopleFile } from './people-file.ts';
import { Sessions } from './sessions.ts';
import { Throttle } from './throttle.ts';

/** What the store says about access. */
export interface Known {
  /** Undefined if it does not exist. */
  token(id: string): Token | undefined;
  /** Newest first. */
  signingKeys(): readonly SigningKey[];
  /** Sessions that began before then are ended: of this person, or the one with this id. */
  sessionsEndedAt(id: string): number;
}

export interface AuthenticationParts {
  readonly clock: Clock;
  readonly log: Log;
  /** The id of this node. */
  readonly self: string;
  readonly known: Known;
  /** Host names of this server, and the one that it advertises. */
  readonly names: readonly string[];
  /** The file of people. Null: there is none. */
  readonly authFile: string | null;
  /** Where the server's user keeps the state of programs: its token, if the system does not tell who owns a connection. */
  readonly stateDir: string;
  /** Tells the leader. */
  readonly tell: (told: Told) => Promise<void>;
  /** Default: the tables of this system. */
  readonly owners?: Owners;
}

export class Authentication {
  readonly authenticator: RequestAuthenticator;
  readonly logIns: LogIns;
  /** Null: it is not needed here. */
  readonly localToken: LocalToken | null;
  /** What signs, and what it signs for people. */
  readonly parts: { readonly keys: Keys; readonly sessions: Sessions };
  readonly #log: Log;
  readonly #file: PeopleFile;
  readonly #notes: Notes;

  constructor({ clock, log, self, known, names, authFile, stateDir, tell, owners }: AuthenticationParts) {
    this.#log = log;
    this.#file = new PeopleFile(authFile, { clock, log });
    this.#notes = new Notes({ clock, log, tell });
    const local = new LocalTrust({ names, ...(owners !== undefined && { owners }) });
    this.localToken = local.isPossible ? null : new LocalToken(stateDir, clock);
    const keys = new Keys({ clock, keys: () => known.signingKeys() });
    const sessions = new Sessions({ clock, keys, endedAt: (id) => known.sessionsEndedAt(id) });
    this.parts = { keys, sessions };
    const shared = {
      ...{ sessions, file: this.#file, localToken: this.localToken, notes: this.#notes },
      throttle: new Throttle(clock),
    };
    this.authenticator = new RequestAuthenticator({
      ...{ clock, token: (id: string) => known.token(id), local, askers: new Askers(keys, self) },
      ...shared,
    });
    this.logIns = new LogIns({ ...shared, keys, authenticator: this.authenticator });
  }

  /** INVALID_FIELD or LIMIT_EXCEEDED if the file of people cannot be used. */
  open(): Promise<void> {
    return this.#file.open();
  }

  /**
   * Once the server listens on the port. Returns the path of a link for a browser on this host, where it is needed and
   * can be given.
   */
  async listening(port: number): Promise<string | null> {
    if (this.localToken === null) return null;
    try {
      await this.localToken.write(port);
    } catch (error) {
      this.#log.warn({ error, path: this.localToken.path }, 'access.local-token-not-written');
    }
    return `${linkPath}?code=${this.localToken.newLink()}`;
  }

  async stop(): Promise<void> {
    await this.#file.stop();
    await this.#notes.stop();
    await this.localToken?.remove();
  }
}
