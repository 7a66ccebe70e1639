/** The Store port of one process over the simulated ensemble: commits, loading, and following the log with gaps. */

import type { LoadedItem, Store, Watcher, Watching } from '../../src/scheduler/ports.ts';
import { Commits } from './commits.ts';
import type { Ensemble, Segment } from './ensemble.ts';
import type { Link, Network } from './network.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';
import { Session, type SessionState, unavailable } from './session.ts';

const RETRY_MS = 500;
/** As the store of ZooKeeper has it. */
const LIMITS = { maxWrites: 500, inFlight: 4 } as const;

interface Follower {
  readonly watcher: Watcher;
  lost: boolean;
  seq: number;
}

export interface NodeStoreParts {
  readonly process: Process;
  readonly ensemble: Ensemble;
  readonly network: Network;
  readonly link: Link;
  readonly random: Random;
  readonly onState: (state: SessionState) => void;
  readonly onCandidates: () => void;
}

export class NodeStore implements Store {
  readonly limits = LIMITS;
  readonly session: Session;
  readonly archive: Store['archive'];
  readonly backup: Store['backup'];
  /** The next read of the log finds that its beginning is gone. */
  gapAhead = false;
  /** Reading the log takes this much longer. */
  slowMs = 0;
  readonly #parts: NodeStoreParts;
  readonly #followers = new Set<Follower>();
  #commits: Commits | null = null;
  #seq: number;
  #advancing: Promise<void> = Promise.resolve();
  #advanceAgain = false;

  constructor(parts: NodeStoreParts) {
    this.#parts = parts;
    this.#seq = parts.ensemble.head;
    this.archive = parts.ensemble.tables.archive;
    this.backup = (taken) => parts.ensemble.tables.backup(taken);
    this.session = new Session({
      ...parts,
      onState: (state) => {
        if (state === 'connected') this.#advanceSoon();
        else this.#commits?.inDoubt();
        parts.onState(state);
      },
      onChange: (what) => (what === 'log' ? this.#advanceSoon() : parts.onCandidates()),
    });
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async cluster(): Promise<string> {
    return 'simulation';
  }

  async commit(term: number, groups: Parameters<Store['commit']>[1]): Promise<void> {
    if (this.#commits?.term !== term) {
      const onDurable = (): void => undefined;
      this.#commits = new Commits({ ...this.#parts, session: this.session, term, onDurable });
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
  }

  watch(watcher: Watcher): Watching {
    const follower: Follower = { watcher, lost: false, seq: this.#seq };
    this.#followers.add(follower);
    return {
      caughtUp: async () => {
        const { ensemble } = this.#parts;
        const head = await this.session.call('sync', () => ensemble.head);
        while (this.#seq < head) await this.#advance();
      },
      lagMs: () => (this.session.state === 'connected' ? 0 : this.session.silenceMs()),
      stop: () => void this.#followers.delete(follower),
    };
  }

  status(): ReturnType<Store['status']> {
    return { reachable: this.session.state === 'connected', detail: 'simulated' };
  }

  #advanceSoon(): void {
    // A leader's node has nobody who follows: it reads when somebody does.
    if (this.#followers.size === 0 || this.#advanceAgain) return;
    this.#advanceAgain = true;
    void this.#advance().catch(() => {
      const { process } = this.#parts;
      if (this.session.state === 'connected') process.clock.after(RETRY_MS, () => this.#advanceSoon());
    });
  }

  /** One read at a time. */
  #advance(): Promise<void> {
    this.#advancing = this.#advancing
      .catch(() => undefined)
      .then(() => {
        this.#advanceAgain = false;
        return this.#read();
      });
    return this.#advancing;
  }

  async #read(): Promise<void> {
    const { process, ensemble } = this.#parts;
    if (this.slowMs > 0) await process.sleep(this.slowMs);
    const segments = await this.session.call('read', () => ensemble.log.slice(this.#seq));
    if (this.gapAhead && segments.length > 0) this.#gap(segments);
    else for (const segment of segments) this.#tell(segment);
  }

  #tell({ seq, text }: Segment): void {
    if (seq !== this.#seq + 1) return;
    this.#seq = seq;
    for (const follower of this.#followers) {
      if (follower.lost || seq <= follower.seq) continue;
      follower.seq = seq;
      follower.watcher.onWrites(JSON.parse(text));
    }
  }

  /** All but the newest segment is in the tables, and gone. */
  #gap(segments: readonly Segment[]): void {
    this.gapAhead = false;
    this.#seq = (segments.at(-1) as Segment).seq;
    for (const follower of this.#followers) {
      if (follower.lost) continue;
      follower.lost = true;
      follower.watcher.onGap();
    }
  }
}
