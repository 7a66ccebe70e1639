/**
 * What following the log sees of the ensemble: reads and watches over one ordered connection at a time. The servers
 * answer in order and tell of a change before they answer a read with it; beyond that a notice may come before the
 * answer of a read that began earlier, in one packet with the answer that armed its watch, or long after.
 */

import type { LogSession } from '../../src/store/zookeeper/tail.ts';
import { getCall } from '../../src/store/zookeeper/wire/call.ts';
import type { NodeData } from '../../src/store/zookeeper/wire/session.ts';
import { ZooKeeperWatches } from '../../src/store/zookeeper/wire/watches.ts';
import { nodeWith } from '../support/zookeeper-script.ts';
import { type Ensemble, SESSION_MS } from './ensemble.ts';
import { Lane, type LaneParts } from './lane.ts';
import { type Session, unavailable } from './session.ts';

const head = '/head';
/** The number of the protocol. */
const changed = 3;

type State = LogSession['state'];

export interface LogConnectionParts extends LaneParts {
  readonly session: Session;
  readonly ensemble: Ensemble;
  /** Notices that come with an answer are not heard; of a part that is broken on purpose. */
  readonly dropsNotices: boolean;
}

/** From one connecting to the next loss. */
interface Connection {
  readonly requests: Lane;
  readonly answers: Lane;
  /** Who waits for an answer. */
  readonly waiting: Set<(error: unknown) => void>;
  /** The server has a watch on the head. */
  watched: boolean;
}

export class LogConnection implements LogSession {
  readonly timeoutMs = SESSION_MS;
  /** The next read of the log finds that it was shortened. */
  gapAhead = false;
  /** Reading takes this much longer. */
  slowMs = 0;
  readonly #parts: LogConnectionParts;
  readonly #watches: ZooKeeperWatches;
  readonly #listeners = new Set<(state: State) => void>();
  #connection: Connection;

  constructor(parts: LogConnectionParts) {
    this.#parts = parts;
    const ignore = (): void => undefined;
    this.#watches = new ZooKeeperWatches({ info: ignore, warn: ignore, error: ignore, debug: ignore });
    this.#connection = this.#fresh();
  }

  get state(): State {
    const { state } = this.#parts.session;
    return state === 'disconnected' ? 'suspended' : state;
  }

  silenceMs(): number {
    return this.state === 'connected' ? this.#parts.session.silenceMs() : Number.POSITIVE_INFINITY;
  }

  onState(listener: (state: State) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The state of the session has changed: with the connection end its watches, and what is under way. */
  turn(): void {
    const { requests, answers, waiting } = this.#connection;
    requests.close();
    answers.close();
    this.#watches.clear();
    this.#connection = this.#fresh();
    for (const reject of waiting) reject(unavailable('the connection broke'));
    for (const listener of [...this.#listeners]) listener(this.state);
  }

  /** Where the servers are: whoever watches is told, once. */
  headChanged(): void {
    const { answers } = this.#connection;
    if (!this.#connection.watched) return;
    this.#connection.watched = false;
    if (this.#parts.dropsNotices && answers.isFilling) return;
    answers.send(() => this.#watches.tell({ type: changed, path: head }));
  }

  get(path: string, onChange?: () => void): Promise<NodeData | null> {
    const plain = getCall(path, onChange !== undefined);
    const call =
      onChange === undefined ? plain : this.#watches.watching(plain, { kind: 'data', path, onChange });
    return this.#ask(
      call.what,
      (connection) => {
        if (onChange !== undefined) connection.watched = true;
        // The head and the checkpoint are one: the tables have everything.
        return nodeWith(String(this.#parts.ensemble.head));
      },
      (answer) => call.read(answer, 0),
    );
  }

  getMany(paths: readonly string[]): Promise<(NodeData | null)[]> {
    const { ensemble } = this.#parts;
    return this.#ask(
      'read the log',
      () => {
        if (this.gapAhead) ensemble.shorten();
        this.gapAhead = false;
        return paths.map((path) => {
          const data = ensemble.segment(Number(path.split('/').at(-1)));
          return data === null ? null : { data, version: 0 };
        });
      },
      (nodes) => nodes,
    );
  }

  sync(): Promise<void> {
    return this.#ask(
      'sync',
      () => undefined,
      () => undefined,
    );
  }

  #fresh(): Connection {
    return {
      requests: new Lane('to-servers', this.#parts),
      answers: new Lane('to-process', this.#parts),
      waiting: new Set(),
      watched: false,
    };
  }

  /** `at` happens where the servers are; `read` when the answer is heard, before what follows it in its packet. */
  #ask<A, T>(what: string, at: (connection: Connection) => A, read: (answer: A) => T): Promise<T> {
    const { process } = this.#parts;
    process.boundary(`${what}: before`);
    if (process.dead) return new Promise(() => undefined);
    if (this.state !== 'connected') return Promise.reject(unavailable(what));
    const connection = this.#connection;
    return new Promise<T>((resolve, reject) => {
      connection.waiting.add(reject);
      connection.requests.send(() => {
        const answer = at(connection);
        process.boundary(`${what}: carried out`);
        connection.answers.send(() => {
          connection.waiting.delete(reject);
          resolve(read(answer));
          process.boundary(`${what}: answered`);
        });
      }, this.slowMs);
    });
  }
}
