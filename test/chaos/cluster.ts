/**
 * The cluster under test: its processes, who leads, and the faults done to it. Every fault is written down
 * with what its target was just before, and is healed by its own timer or by `healAll`.
 */

import { connect } from 'node:net';
import type { Dockerd } from '../support/dockerd.ts';
import { until } from '../support/until.ts';
import { askCluster } from './api.ts';
import type { Bounds, Fault, FaultKind, RoleSample } from './history.ts';
import type { Member } from './member.ts';
import type { Network } from './network.ts';
import { type Standing, settlingMs } from './plan.ts';

const pollMs = 250;
const pollTimeoutMs = 400;
/** A role older than this is not known any more. */
const freshMs = 800;
const readyTimeoutMs = 60_000;
/** So long that the watch sees that a node was away. */
const upgradeMs = 1_500;

export class Cluster {
  readonly faults: Fault[] = [];
  readonly roles: RoleSample[] = [];
  readonly #network: Network;
  readonly #members: ReadonlyMap<string, Member>;
  readonly #dockerd: Dockerd | null;
  readonly #bounds: Bounds;
  readonly #logIn: () => Promise<boolean>;
  readonly #latest = new Map<string, RoleSample>();
  readonly #active = new Map<string, { fault: Fault; heal(): Promise<void> }>();
  #zookeeperLeader: string | null = null;
  #watching = true;
  #watch: Promise<void> = Promise.resolve();

  constructor(given: {
    network: Network;
    members: readonly Member[];
    dockerd: Dockerd | null;
    bounds: Bounds;
    /** Proves to the schedulers who asks. False: not yet. */
    logIn: () => Promise<boolean>;
  }) {
    this.#network = given.network;
    this.#members = new Map(given.members.map((member) => [member.name, member]));
    this.#dockerd = given.dockerd;
    this.#bounds = given.bounds;
    this.#logIn = given.logIn;
  }

  names(on: 'scheduler' | 'zookeeper'): string[] {
    return [...this.#members.values()].filter((member) => member.on === on).map(({ name }) => name);
  }

  address(name: string): string {
    return this.#network.address(name);
  }

  /** The ensemble first; resolves when every scheduler answers and one leads. */
  async start(): Promise<void> {
    const start = (on: 'scheduler' | 'zookeeper') => {
      for (const name of this.names(on)) this.#member(name).start();
    };
    start('zookeeper');
    await until('the ensemble serves', () => this.ensembleServes(), readyTimeoutMs);
    start('scheduler');
    await until('somebody who leads makes a token', () => this.#logIn(), readyTimeoutMs);
    this.#watch = this.#watchRoles();
    await this.ready();
  }

  /** Resolves when all nodes answer and one of them leads. */
  async ready(): Promise<void> {
    const allReady = (): boolean => {
      const roles = this.names('scheduler').map((name) => this.#latest.get(name)?.role);
      return roles.filter((role) => role === 'leader').length === 1 && !roles.includes('down');
    };
    await until(
      `all of ${this.names('scheduler').join(', ')} answer and one leads`,
      () => {
        const dead = this.names('scheduler').find(
          (name) => !this.#member(name).isRunning && !this.#active.has(name),
        );
        if (dead !== undefined) throw new Error(`${dead} ended by itself; its log says why`);
        return allReady();
      },
      readyTimeoutMs,
    );
  }

  /** True when every ZooKeeper server that is up serves, and one leads. */
  async ensembleServes(): Promise<boolean> {
    const modes = await Promise.all(this.names('zookeeper').map((name) => this.#modeOf(name)));
    return modes.every((mode) => mode !== null) && (modes.length === 0 || modes.includes('leader'));
  }

  leader(): string | null {
    const now = Date.now();
    const leaders = [...this.#latest.values()].filter(
      ({ role, at }) => role === 'leader' && now - at < freshMs,
    );
    return leaders.sort((a, b) => b.term - a.term)[0]?.node ?? null;
  }

  standing(): Standing[] {
    const leader = this.leader();
    const standing = (name: string, on: Standing['on'], leads: boolean): Standing => {
      const last = this.faults.findLast(({ target }) => target === name);
      const unsettled =
        last !== undefined && (last.to === null || Date.now() < last.to + settlingMs) ? last.kind : null;
      return { name, on, leads, faulty: this.#active.has(name), unsettled };
    };
    const members = [...this.#members.values()].map(({ name, on }) =>
      standing(name, on, name === (on === 'scheduler' ? leader : this.#zookeeperLeader)),
    );
    return this.#dockerd === null ? members : [...members, standing('dockerd', 'engine', false)];
  }

  /** Does it, and heals it after `forMs`; the fault is in the log from before it is done until after it is healed. */
  async hit(target: string, kind: FaultKind, forMs: number): Promise<Fault> {
    const on = this.#members.get(target)?.on ?? 'engine';
    const fault: Fault = { kind, on, target, from: Date.now(), to: null, led: this.#led(target, on) };
    this.faults.push(fault);
    const timer = setTimeout(() => void this.#heal(target), forMs);
    const heal = async (): Promise<void> => {
      clearTimeout(timer);
      await this.#undo(target, kind);
      fault.to = Date.now();
    };
    this.#active.set(target, { fault, heal });
    await this.#do(target, kind);
    return fault;
  }

  /** Ends a scheduler without a warning and starts its other release; resolves when it leads or follows. */
  async upgrade(name: string): Promise<void> {
    this.#member(name).upgrade();
    const fault = await this.hit(name, 'kill', upgradeMs);
    await until(
      `${name} is back`,
      () => {
        const role = this.#latest.get(name)?.role;
        return fault.to !== null && (role === 'leader' || role === 'follower');
      },
      readyTimeoutMs,
    );
    await this.ready();
  }

  async healAll(): Promise<void> {
    await Promise.all([...this.#active.keys()].map((target) => this.#heal(target)));
  }

  async stop(): Promise<void> {
    this.#watching = false;
    await this.#watch;
    for (const { heal } of this.#active.values()) await heal().catch(() => {});
    await Promise.all([...this.#members.values()].map((member) => member.kill()));
    await this.#dockerd?.stop();
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`the cluster has no member ${name}`);
    return member;
  }

  async #heal(target: string): Promise<void> {
    const active = this.#active.get(target);
    if (active === undefined) return;
    // Out of the table last: nobody hits it again while it is being healed.
    await active.heal();
    this.#active.delete(target);
  }

  async #do(target: string, kind: FaultKind): Promise<void> {
    if (target === 'dockerd') return this.#dockerd?.kill();
    const member = this.#member(target);
    switch (kind) {
      case 'kill':
        return member.kill();
      case 'pause':
        return member.pause();
      case 'cut-off':
        return this.#network.cut(
          target,
          this.names('zookeeper').filter((name) => name !== target),
        );
      case 'isolate':
        return this.#network.isolate(target);
    }
  }

  async #undo(target: string, kind: FaultKind): Promise<void> {
    if (target === 'dockerd') return this.#dockerd?.restart();
    const member = this.#member(target);
    if (kind === 'kill') member.start();
    else if (kind === 'pause') member.resume();
    else this.#network.heal(target);
  }

  /** Sure only when the roles were polled just now and nothing changed lately that could have moved them. */
  #led(target: string, on: Fault['on']): boolean | null {
    if (on !== 'scheduler') return on === 'zookeeper' ? this.#zookeeperLeader === target : false;
    const now = Date.now();
    const unsettledMs = this.#bounds.takeoverMs + this.#bounds.ensembleMs;
    const unsettled = this.faults.some(
      (fault) =>
        (fault.on === 'zookeeper' || fault.led !== false) &&
        now - Math.max(fault.from, fault.to ?? 0) < unsettledMs,
    );
    const leader = this.leader();
    if (leader === target) return true;
    return unsettled || leader === null ? null : false;
  }

  async #watchRoles(): Promise<void> {
    while (this.#watching) {
      const began = Date.now();
      await Promise.all([
        ...this.names('scheduler').map((name) => this.#pollRole(name)),
        ...this.names('zookeeper').map(async (name) => {
          if ((await this.#modeOf(name)) === 'leader') this.#zookeeperLeader = name;
        }),
      ]);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, pollMs - (Date.now() - began))));
    }
  }

  async #pollRole(node: string): Promise<void> {
    const address = this.address(node);
    const answer = await askCluster(address, pollTimeoutMs);
    const isSelf = ({ url }: { url: string }): boolean => url.includes(`//${address}:`);
    const said = answer?.members.find(isSelf)?.role;
    const role =
      answer === null
        ? 'down'
        : said === 'leader' || (said === undefined && answer.leader !== null && isSelf(answer.leader))
          ? 'leader'
          : said === 'follower'
            ? 'follower'
            : 'starting';
    const sample: RoleSample = { node, at: Date.now(), role, term: answer?.term ?? 0 };
    const before = this.#latest.get(node);
    this.#latest.set(node, sample);
    // Changes are enough for the picture.
    if (before?.role !== role || before.term !== sample.term) this.roles.push(sample);
  }

  /** What a ZooKeeper server says of itself; null when it serves nobody. */
  async #modeOf(name: string): Promise<string | null> {
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect({ host: this.address(name), port: 2181 }, () => socket.write('srvr'));
      socket.setTimeout(pollTimeoutMs, () => socket.destroy());
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
    });
    return /^Mode: (\w+)/m.exec(answer)?.[1] ?? null;
  }
}
