/** The Store port of one process over the simulated ensemble: commits and loading; the log is followed as over ZooKeeper. */

import type { Log, Store, Watcher, Watching } from '../../src/scheduler/ports.ts';
import { encodeWrites } from '../../src/scheduler/records/stored.ts';
import type { LoadedItem, Write, WriteGroup } from '../../src/scheduler/records/table.ts';
import { Tail } from '../../src/store/zookeeper/tail.ts';
import { Commits } from './commits.ts';
import type { Ensemble } from './ensemble.ts';
import { LogConnection } from './log-connection.ts';
import type { Link, Network } from './network.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';
import { Session, type SessionState, unavailable } from './session.ts';

const RETRY_MS = 500;
/** As the store of ZooKeeper has it. */
const LIMITS = { maxWrites: 500, inFlight: 4 } as const;

export interface NodeStoreParts {
  readonly process: Process;
  readonly ensemble: Ensemble;
  readonly network: Network;
  readonly link: Link;
  readonly random: Random;
  /** For how notices and answers are packed. */
  readonly packing: Random;
  readonly report: Log;
  /** Notices that come with an answer are not heard; of a part that is broken on purpose. */
  readonly dropsNotices: boolean;
  /** The progress of backfills is written before what it counts; of a part that is broken on purpose. */
  readonly countsAhead: boolean;
  readonly onState: (state: SessionState) => void;
  readonly onCandidates: () => void;
}

export class NodeStore implements Store {
  readonly limits = LIMITS;
  readonly session: Session;
  readonly archive: Store['archive'];
  readonly backup: Store['backup'];
  readonly log: LogConnection;
  readonly #parts: NodeStoreParts;
  readonly #tail: Tail;
  /** When its process got a complete copy, in true time. It hears of every later commit. */
  followedSince: number | null = null;
  #commits: Commits | null = null;

  constructor(parts: NodeStoreParts) {
    this.#parts = parts;
    this.archive = parts.ensemble.tables.archive;
    this.backup = (taken) => parts.ensemble.tables.backup(taken);
    this.session = new Session({
      ...parts,
      onState: (state) => {
        this.log.turn();
        if (state !== 'connected') this.#commits?.inDoubt();
        parts.onState(state);
      },
      onHead: () => this.log.headChanged(),
    });
    this.log = new LogConnection({ ...parts, random: parts.packing, session: this.session });
    this.#tail = new Tail({ session: this.log, clock: parts.process.clock, log: parts.report });
  }

  async open(): Promise<void> {
    for (;;) {
      try {
        return await this.#tail.start();
      } catch {
        await this.#parts.process.sleep(RETRY_MS);
      }
    }
  }

  async close(): Promise<void> {
    this.#tail.stop();
  }

  async installation(): Promise<string> {
    return 'simulation';
  }

  async commit(term: number, decided: readonly WriteGroup[]): Promise<void> {
    let groups = decided;
    if (this.#commits?.term !== term) {
      this.#commits = new Commits({
        ...this.#parts,
        session: this.session,
        term,
        onDurable: (seq, durable) => this.#tail.own(seq, encodeWrites(durable)),
      });
    }
    const isProgress = (write: Write): boolean => write.kind.startsWith('backfill');
    const ahead = this.#parts.countsAhead ? groups.map((group) => group.filter(isProgress)) : [];
    if (ahead.some((group) => group.length > 0)) {
      await this.#commits.commit(ahead.filter((group) => group.length > 0));
      groups = groups.map((group) => group.filter((write) => !isProgress(write)));
    }
    await this.#commits.commit(groups);
  }

  async *load(): AsyncIterable<readonly LoadedItem[]> {
    const { process, ensemble, random } = this.#parts;
    const chunks = await this.session.call('load', () => ensemble.tables.load());
    const all: (readonly LoadedItem[])[] = [];
    for await (const items of chunks) all.push(items);
    for (; all.length > 0; ) {
      const [items = []] = all.splice(random.between(0, all.length - 1), 1);
      if (random.chance(0.3)) await process.sleep(random.mostlySmall(0, 300));
      if (this.session.state !== 'connected') throw unavailable('load');
      yield random.shuffled(items);
    }
    this.followedSince ??= process.time.now;
  }

  watch(watcher: Watcher): Watching {
    const onGap = (): void => {
      this.followedSince = null;
      watcher.onGap();
    };
    return this.#tail.watch({ ...watcher, onGap });
  }

  status(): ReturnType<Store['status']> {
    return { reachable: this.session.state === 'connected', detail: 'simulated' };
  }
}
