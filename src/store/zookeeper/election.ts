/**
 * Election among several nodes. Each candidate has an ephemeral node in order of arrival, removed with its
 * session; the first one leads once it has begun a term. The others also keep a connection to the leader's
 * process: if it drops and the leader's host refuses a new one, the process is dead, and its candidacy is
 * removed at once instead of waiting for its session to expire. A false alarm costs a change of leader: terms
 * fence the old one.
 */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Clock, Election, Log, Member } from '../../scheduler/ports.ts';
import { beginTerm } from './epoch.ts';
import { paths } from './paths.ts';
import { ZooKeeperError, type ZooKeeperSession } from './wire/session.ts';

/** Nothing is started after this fraction of the session timeout without a sign from ZooKeeper. */
const LEASE = 2 / 3;
/** Candidacies are read again this long after a failure, unless a new connection comes first. */
const RETRY_MS = 250;
/** A host that does not respond within this time proves nothing. */
const PROBE_MS = 1_000;
/** Delay before a connection that dropped although the process lives is opened again. */
const REWATCH_MS = 1_000;

/**
 * Content of a candidate's node: its identity, and the address at which its process listens while it lives.
 */
interface Candidate extends Member {
  readonly alive: { readonly host: string; readonly port: number } | null;
}

export interface ZooKeeperElectionParts {
  readonly session: ZooKeeperSession;
  /** Complete when the election starts. */
  readonly self: Member;
  /** The listening address that shows other nodes that this process lives. */
  readonly host: string;
  readonly clock: Clock;
  readonly log: Log;
}

export function createZooKeeperElection(parts: ZooKeeperElectionParts): Election {
  return new ZooKeeperElection(parts);
}

class ZooKeeperElection implements Election {
  readonly #parts: ZooKeeperElectionParts;
  #elected: (term: number) => void = () => undefined;
  #deposed: (reason: string) => void = () => undefined;
  #standing = false;
  /** Path of this node's candidacy, in the session of this generation. */
  #own: { readonly path: string; readonly generation: number } | null = null;
  #leading: { readonly term: number; readonly generation: number } | null = null;
  #candidates: readonly { readonly path: string; readonly candidate: Candidate }[] = [];
  #leaderId: string | null = null;
  #term = 0;
  #checking: Promise<void> = Promise.resolve();
  #checkAgain = false;
  #watched: Watched | null = null;
  #alive: Door | null = null;
  #unsubscribe: () => void = () => undefined;

  constructor(parts: ZooKeeperElectionParts) {
    this.#parts = parts;
  }

  onElected(listener: (term: number) => void): void {
    this.#elected = listener;
  }

  onDeposed(listener: (reason: string) => void): void {
    this.#deposed = listener;
  }

  isFresh(): boolean {
    const { session } = this.#parts;
    return (
      this.#leading !== null &&
      this.#leading.generation === session.generation &&
      session.silenceMs() < session.timeoutMs * LEASE
    );
  }

  members(): readonly Member[] {
    return this.#candidates.map(({ candidate: { alive: _, ...member } }) => member);
  }

  leader(): Member | null {
    return this.members().find(({ id }) => id === this.#leaderId) ?? null;
  }

  term(): number {
    return this.#term;
  }

  async start(): Promise<void> {
    if (this.#standing) return;
    const { session } = this.#parts;
    this.#standing = true;
    const door = this.#alive ?? (await openDoor(this.#parts.host));
    this.#alive = door;
    if (!this.#standing) return door.close();
    this.#unsubscribe = session.onState((state) => {
      if (state === 'lost') this.#depose('the ZooKeeper session has ended');
      if (state === 'connected') this.#check();
    });
    this.#check();
    await this.#checking;
  }

  async stop(): Promise<void> {
    this.#standing = false;
    this.#leading = null;
    this.#unsubscribe();
    this.#watched?.stop();
    this.#watched = null;
    await this.#checking;
    await this.#withdraw();
    // Last: a closed door means a dead process.
    await this.#alive?.close();
    this.#alive = null;
  }

  #depose(reason: string): void {
    if (this.#leading === null) return;
    this.#leading = null;
    this.#deposed(reason);
  }

  async #withdraw(): Promise<void> {
    const { session, log } = this.#parts;
    const own = this.#own;
    this.#own = null;
    if (own === null || own.generation !== session.generation) return;
    try {
      await session.multi([{ kind: 'remove', path: own.path, version: null }]);
    } catch (error) {
      // It goes with the session at the latest.
      log.debug({ error }, 'election.not-withdrawn');
    }
  }

  readonly #onChange = (): void => this.#check();

  /** Reads the candidacies, one read at a time; a change in between causes another read. */
  #check(): void {
    this.#checkAgain = true;
    this.#checking = this.#checking.then(async () => {
      if (!this.#checkAgain || !this.#standing) return;
      this.#checkAgain = false;
      try {
        await this.#checkOnce();
      } catch (error) {
        const { session, clock, log } = this.#parts;
        log.debug({ error }, 'election.not-read');
        if (session.state === 'connected') clock.after(RETRY_MS, this.#onChange);
      }
    });
  }

  async #checkOnce(): Promise<void> {
    const { session } = this.#parts;
    if (session.state !== 'connected') return;
    if (this.#own === null || this.#own.generation !== session.generation) await this.#stand();
    const epoch = await session.get(paths.epoch, this.#onChange);
    const names = (await session.children(paths.election, this.#onChange)).sort(inOrder);
    const nodes = await session.getMany(names.map((name) => `${paths.election}/${name}`));
    this.#candidates = names.flatMap((name, i) => {
      const node = nodes[i];
      if (node == null) return [];
      return [
        { path: `${paths.election}/${name}`, candidate: JSON.parse(node.data.toString()) as Candidate },
      ];
    });
    this.#noteTerm(epoch?.version ?? 0, epoch?.data.toString() ?? '');
    const own = this.#own?.path;
    if (!this.#candidates.some(({ path }) => path === own)) {
      // Another node concluded that this process is dead.
      this.#own = null;
      this.#depose('another node concluded that this one is dead');
      this.#check();
      return;
    }
    const [first] = this.#candidates;
    if (first === undefined) return;
    if (first.path === own) await this.#lead(first.path);
    else this.#watch(first);
  }

  async #stand(): Promise<void> {
    const { session, self } = this.#parts;
    const { generation } = session;
    const { id, url } = self;
    // Where others reach the API, they also reach this. An address in brackets is IPv6.
    const reached = new URL(url).hostname.replace(/^\[|\]$/g, '');
    const alive = this.#alive === null ? null : { host: reached, port: this.#alive.port };
    // An earlier candidacy of this process whose creation was in doubt would come before the new one.
    for (const name of await session.children(paths.election)) {
      const node = await session.get(`${paths.election}/${name}`);
      const other = node === null ? null : (JSON.parse(node.data.toString()) as Candidate);
      if (other?.id === id) await this.#remove(`${paths.election}/${name}`);
    }
    const candidate: Candidate = { ...self, alive };
    const path = await session.create(
      `${paths.election}/n_`,
      Buffer.from(JSON.stringify(candidate)),
      'ephemeral-sequential',
    );
    this.#own = { path, generation };
  }

  #noteTerm(term: number, value: string): void {
    this.#term = term;
    this.#leaderId = value === '' ? null : ((JSON.parse(value) as { id?: string }).id ?? null);
    if (this.#leading !== null && term > this.#leading.term) this.#depose(`term ${term} has begun`);
  }

  async #lead(path: string): Promise<void> {
    const { session, self } = this.#parts;
    this.#watched?.stop();
    this.#watched = null;
    if (this.#leading !== null) return;
    const { generation } = session;
    const term = await beginTerm(session, { id: self.id, host: self.host, pid: self.pid }, path);
    if (term === null) {
      this.#check();
      return;
    }
    if (!this.#standing || generation !== session.generation) return;
    this.#leading = { term, generation };
    this.#term = term;
    this.#leaderId = self.id;
    this.#elected(term);
  }

  async #remove(path: string): Promise<void> {
    try {
      await this.#parts.session.multi([{ kind: 'remove', path, version: null }]);
    } catch (error) {
      if (!(error instanceof ZooKeeperError && error.code === 'NO_NODE')) throw error;
    }
  }

  #watch({ path, candidate }: { path: string; candidate: Candidate }): void {
    if (this.#watched?.path === path) return;
    this.#watched?.stop();
    this.#watched = null;
    if (candidate.alive === null) return;
    const { clock, log } = this.#parts;
    this.#watched = watchProcess(path, candidate.alive, clock, () => {
      log.warn({ leader: candidate.id, pid: candidate.pid }, 'election.leader-dead');
      this.#remove(path).catch((error: unknown) => log.debug({ error }, 'election.not-removed'));
    });
  }
}

/** Sequence numbers are padded, and start after the last underscore. */
const inOrder = (a: string, b: string): number => (a.slice(-10) < b.slice(-10) ? -1 : 1);

/** The proof that this process lives: accepts connections, and sends nothing until it stops. */
interface Door {
  readonly port: number;
  close(): Promise<void>;
}

async function openDoor(host: string): Promise<Door> {
  const guests = new Set<Socket>();
  const server = createServer((guest) => {
    guests.add(guest);
    guest.unref();
    guest.on('error', () => undefined);
    guest.on('close', () => guests.delete(guest));
    guest.resume();
  });
  server.listen({ host, port: 0 });
  await once(server, 'listening');
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      // A guest whose host is gone or frozen never confirms, so it is not awaited.
      for (const guest of guests) guest.end('left').destroySoon();
      await closed;
    },
  };
}

interface Watched {
  readonly path: string;
  readonly stop: () => void;
}

/**
 * Keeps a connection to a process, and calls back once when it dropped and the host refuses a new one. A
 * silent host proves nothing.
 */
function watchProcess(
  path: string,
  at: { readonly host: string; readonly port: number },
  clock: Clock,
  onDead: () => void,
): Watched {
  let stopped = false;
  let socket: Socket | null = null;
  let cancel = (): void => undefined;
  let left = false;
  const dial = (): void => {
    if (stopped) return;
    let connected = false;
    let refused = false;
    const current = connect({ host: at.host, port: at.port });
    socket = current;
    current.unref();
    current.setKeepAlive(true, 1_000);
    cancel = clock.after(PROBE_MS, () => {
      if (!connected) current.destroy();
    });
    current.on('connect', () => {
      connected = true;
    });
    current.on('error', (error: NodeJS.ErrnoException) => {
      refused = error.code === 'ECONNREFUSED';
    });
    // A process that says so ends in order: its candidacy is already removed.
    current.on('data', () => {
      left = true;
    });
    current.on('close', () => {
      cancel();
      if (stopped || left) return;
      if (connected) dial();
      else if (refused) onDead();
      else cancel = clock.after(REWATCH_MS, dial);
    });
  };
  dial();
  return {
    path,
    stop: () => {
      stopped = true;
      cancel();
      socket?.destroy();
    },
  };
}
