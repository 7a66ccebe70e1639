/** One node: its wall clock and its own engine stay, its scheduler process comes and goes. */

import type { LaunchSpec } from '../../src/scheduler/job/spec.ts';
import type { Settings } from '../../src/scheduler/model/model.ts';
import type { Log, Member } from '../../src/scheduler/ports.ts';
import { Scheduler } from '../../src/scheduler/runtime/scheduler.ts';
import { abilities } from '../support/engines.ts';
import { LEASE_MS, NodeElection } from './election.ts';
import { throughNode } from './elsewhere.ts';
import type { Engine } from './engine.ts';
import type { Ensemble } from './ensemble.ts';
import { NodeLauncher } from './launcher.ts';
import type { Network } from './network.ts';
import { simNotifier } from './notifier.ts';
import { Process, shownBy, type WallClock } from './process.ts';
import type { Random } from './random.ts';
import { NodeStore } from './store.ts';
import type { SimTime } from './time.ts';
import type { Trace } from './trace.ts';

/** Maximum concurrent processes of a node. */
const PROCESSES = 3;
/** A process that does not stop by itself is ended after this long. */
const STOP_MS = 10_000;

export interface NodeParts {
  readonly id: string;
  readonly time: SimTime;
  readonly random: Random;
  /** For how notices and answers are packed. */
  readonly packing: Random;
  readonly trace: Trace;
  readonly ensemble: Ensemble;
  readonly network: Network;
  readonly wall: WallClock;
  readonly docker: Engine;
  readonly processes: Engine;
  /** Says that leadership is fresh whatever the lease; a part that is broken on purpose does. */
  readonly alwaysFresh: boolean;
  /** Processes start as soon as they are asked for; a part that is broken on purpose. */
  readonly hasty: boolean;
  /** Notices that come with an answer are not heard; of a part that is broken on purpose. */
  readonly dropsNotices: boolean;
  readonly countsAhead: boolean;
  /** Its engine starts for other nodes what is too old; of a part that is broken on purpose. */
  readonly unfencedLoans: boolean;
  readonly nodes: () => ReadonlyMap<string, SimNode>;
  /** For how receivers respond. */
  readonly receivers: Random;
  /** A receiver accepts a message. */
  readonly onMessage: (key: string) => void;
  /** What must never be. */
  readonly onWrong: (what: string) => void;
}

/** What lives and dies with the process. */
export interface Life {
  readonly process: Process;
  readonly store: NodeStore;
  readonly election: NodeElection;
  readonly scheduler: Scheduler;
  /** Launches that it starts for a leader on another node, whose lease counts. */
  readonly lent: Set<string>;
  readonly launchers: readonly NodeLauncher[];
}

export class SimNode {
  readonly id: string;
  readonly wall: WallClock;
  readonly processes: Engine;
  life: Life | null = null;
  /** A crash or a pause that waits for the next boundaries of ports. */
  onBoundary: ((where: string) => void) | null = null;
  readonly #parts: NodeParts;
  #pids = 0;

  constructor(parts: NodeParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.wall = parts.wall;
    this.processes = parts.processes;
  }

  /** What its wall clock shows, whether or not a process runs. */
  clock(): number {
    return shownBy(this.wall, this.#parts.time);
  }

  /** Begins a process; does nothing while there is one. */
  start(): void {
    const { id, time, random, packing, trace, ensemble, network } = this.#parts;
    if (this.life !== null && !this.life.process.dead) return;
    const process = new Process(id, time, this.wall, random);
    process.onBoundary = (where) => this.onBoundary?.(where);
    const member: Member = {
      ...{ id, url: `sim://${id}`, host: id, pid: ++this.#pids, version: 'sim' },
      capacity: { process: PROCESSES },
    };
    const say = (what: string, detail?: unknown): void => trace.add(id, what, detail);
    const store: NodeStore = new NodeStore({
      process,
      ensemble,
      network,
      link: network.link(id, 'store'),
      random,
      packing,
      report: this.#log(),
      dropsNotices: this.#parts.dropsNotices,
      countsAhead: this.#parts.countsAhead,
      onState: (state) => {
        say(`store ${state}`);
        election.onState(state);
      },
      onCandidates: () => election.look(),
    });
    const election = new NodeElection({
      process,
      ensemble,
      session: () => store.session,
      self: member,
      trace: say,
    });
    if (this.#parts.alwaysFresh) election.isFresh = () => true;
    const lent = new Set<string>();
    const launchers = this.#launchers(process, store, lent);
    const scheduler = this.#scheduler({ process, store, election, member, launchers });
    this.life = { process, store, election, scheduler, lent, launchers };
    say('process begins', { pid: member.pid });
    const start = async (): Promise<void> => {
      await store.open();
      await scheduler.start();
    };
    start().catch((error: unknown) => {
      say('does not start', { error });
      this.#exit(process);
    });
  }

  #scheduler(parts: {
    process: Process;
    store: NodeStore;
    election: NodeElection;
    member: Member;
    launchers: readonly NodeLauncher[];
  }): Scheduler {
    const { process, store, election, member, launchers } = parts;
    const { id, network, nodes, onWrong, unfencedLoans } = this.#parts;
    return new Scheduler({
      settings: settingsOf(id),
      installation: 'simulation',
      self: member,
      store,
      election,
      launchers,
      elsewhere: (there) =>
        throughNode(process, network, there, () => nodes().get(there.host)?.life ?? null, unfencedLoans),
      clock: process.clock,
      log: this.#log(),
      notifier: simNotifier({ process, random: this.#parts.receivers, onMessage: this.#parts.onMessage }),
      startsInFlight: 4,
      onFatal: (error) => {
        if (!process.dead)
          onWrong(`${id} reports a fatal error: ${error instanceof Error ? error.stack : error}`);
      },
    });
  }

  #launchers(process: Process, store: NodeStore, lent: ReadonlySet<string>): NodeLauncher[] {
    const { id, network, random, trace, docker, processes, hasty, onWrong } = this.#parts;
    const onLaunch = ({ launchName }: LaunchSpec): void => {
      trace.add(id, 'launch', launchName);
      const silence = store.session.silenceMs();
      if (silence >= LEASE_MS && !lent.has(launchName))
        onWrong(`${id} launches ${launchName} though its lease ran out ${silence - LEASE_MS} ms ago`);
    };
    const common = { process, network, random, hasty, onLaunch };
    return [
      new NodeLauncher({
        ...common,
        name: 'process',
        engine: processes,
        link: network.link(id, `own ${id}`),
        supervised: true,
      }),
      new NodeLauncher({
        ...common,
        name: 'docker',
        engine: docker,
        link: network.link(id, 'docker'),
        supervised: false,
      }),
    ];
  }

  /** The process ends by itself; whatever watches over it starts it again. */
  #exit(process: Process): void {
    if (process.dead) return;
    process.die();
    this.#parts.time.after(2_000, () => this.start());
  }

  #log(): Log {
    const { id, trace, onWrong } = this.#parts;
    const add = (fields: object, event: string): void => {
      trace.add(id, event, fields);
      if (blamedOnServers.includes(event)) onWrong(`${id} says ${event}: ${JSON.stringify(fields)}`);
    };
    return { info: add, warn: add, error: add, debug: () => undefined };
  }

  crash(why: string): void {
    if (this.life === null || this.life.process.dead) return;
    const { trace, time, random, ensemble } = this.#parts;
    trace.add(this.id, 'crashes', why);
    const { process, store } = this.life;
    process.die();
    // Others may see at once that the process is gone; otherwise its session has to end.
    if (random.chance(0.7))
      time.after(random.mostlySmall(2, 1_000), () => ensemble.takeForDead(store.session.server));
  }

  /** Ends the process in good order, or after a while in any. */
  stop(): void {
    if (this.life?.process.state !== 'running') return;
    const { trace, ensemble, time } = this.#parts;
    const { process, store, scheduler } = this.life;
    trace.add(this.id, 'is to stop');
    const end = (): void => {
      if (process.dead) return;
      trace.add(this.id, 'stops');
      process.die();
      ensemble.end(store.session.server);
    };
    scheduler.stop().then(end, end);
    time.after(STOP_MS, end);
  }
}

/** What these servers never do: a change of which nobody is told, a log that is shorter than it was. */
const blamedOnServers = ['store.change-missed', 'store.commits-lost'];

export function settingsOf(host: string): Settings {
  return {
    engines: {
      process: { concurrency: PROCESSES, abilities: abilities.process, host, tombstoneMs: 60_000 },
      docker: { concurrency: 5, abilities: abilities.docker, tombstoneMs: 600_000 },
    },
    pools: { etl: 2 },
    routes: [
      {
        hours: null,
        labels: {},
        owner: null,
        conditions: null,
        severities: null,
        to: ['pager', 'mail'],
        repeatMs: 600_000,
        escalate: [{ afterMs: 300_000, to: ['boss'] }],
        continue: false,
      },
    ],
  };
}
