/**
 * A real Swarm of three nodes for the tests, all of them managers: an engine each, in network namespaces of
 * their own that one bridge joins. Nothing of it touches the machine's network. A node that is gone counts as down
 * after a few seconds.
 * Assumes root, and what test/support/dockerd.ts and iproute2 need. Leaves nothing behind after `stop`.
 */

import type Docker from 'dockerode';
import { Network } from '../chaos/network.ts';
import { Dockerd, dockerdMissing } from './dockerd.ts';
import { until } from './until.ts';

export const names = ['one', 'two', 'three'] as const;
export type NodeName = (typeof names)[number];

/** A node counts as down after about three of them. */
const heartbeatNanos = 2_000_000_000;
/** A successor of a leader that is gone is elected after ten to twenty seconds, whatever is asked for. */
const readyTimeoutMs = 60_000;

/** Why no Swarm can be started here, or null when one can. */
export function swarmMissing(): string | null {
  return dockerdMissing();
}

interface NodeEntry {
  readonly ID: string;
  readonly Description: { readonly Hostname: string };
  readonly Status: { readonly State: string };
  readonly ManagerStatus?: { readonly Leader?: boolean; readonly Reachability: string };
}

export class Swarm {
  readonly #network = new Network(process.pid, names);
  readonly #nodes = new Map<NodeName, Dockerd>();

  async start(): Promise<void> {
    this.#network.create();
    for (const name of names) this.#nodes.set(name, new Dockerd(this.#inside(name)));
    await Promise.all(names.map((name) => this.node(name).start()));
    const [first, ...others] = names;
    await this.node(first).docker.swarmInit({
      ...this.#addresses(first),
      Spec: { Dispatcher: { HeartbeatPeriod: heartbeatNanos } },
    });
    const { JoinTokens: tokens } = await this.node(first).docker.swarmInspect();
    for (const name of others) {
      await this.node(name).docker.swarmJoin({
        ...this.#addresses(name),
        RemoteAddrs: [`${this.#network.address(first)}:2377`],
        JoinToken: tokens.Manager,
      });
    }
    await this.ready();
  }

  node(name: NodeName): Dockerd {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`the swarm has no node ${name}`);
    return node;
  }

  /** Addresses of the managers, for a launcher. */
  get hosts(): string {
    return names.map((name) => this.node(name).host).join(',');
  }

  /** A client of the first manager that answers, for looking behind the launcher's back. */
  async client(): Promise<Docker> {
    return until(
      'a manager answers',
      async () => {
        for (const node of this.#nodes.values()) {
          const answers = await node.docker.listNodes().then(
            () => true,
            () => false,
          );
          if (answers) return node.docker;
        }
        return null;
      },
      readyTimeoutMs,
    );
  }

  async leader(): Promise<NodeName> {
    return until('a leader', async () => {
      const nodes = await this.#list();
      return nodes.find(({ ManagerStatus: manager }) => manager?.Leader)?.Description.Hostname as NodeName;
    });
  }

  /** The nodes that do not lead. */
  async followers(): Promise<NodeName[]> {
    const leader = await this.leader();
    return names.filter((name) => name !== leader);
  }

  /** Waits until all nodes are up, and reach each other as managers. */
  async ready(): Promise<void> {
    const isReady = (nodes: readonly NodeEntry[]): boolean =>
      nodes.length === names.length &&
      nodes.every(({ Status, ManagerStatus: manager }) => {
        return Status.State === 'ready' && manager?.Reachability === 'reachable';
      });
    await until('the swarm is ready', async () => isReady(await this.#list()), readyTimeoutMs);
  }

  /** Where the task of a service is. */
  async nodeOf(service: string): Promise<NodeName> {
    const client = await this.client();
    const [task] = await client.listTasks({ filters: JSON.stringify({ service: [service] }) });
    const node = (await this.#list()).find(({ ID }) => ID === (task as { NodeID?: string }).NodeID);
    return node?.Description.Hostname as NodeName;
  }

  /** Gives the node these labels instead of those that it has. */
  async label(name: NodeName, labels: Record<string, string>): Promise<void> {
    const client = await this.client();
    const node = (await client.listNodes()).find(({ Description }) => Description?.Hostname === name);
    const version = node?.Version?.Index;
    await client.getNode(node?.ID ?? '').update({ version, ...node?.Spec, Labels: labels });
  }

  async removeServices(): Promise<void> {
    const client = await this.client();
    for (const { ID } of await client.listServices()) await client.getService(ID).remove();
  }

  /** Takes the node's cable out. */
  isolate(name: NodeName): void {
    this.#network.isolate(name);
  }

  heal(name: NodeName): void {
    this.#network.heal(name);
  }

  async stop(): Promise<void> {
    // A node that is told to stop first waits for what the others should know of it.
    await Promise.all([...this.#nodes.values()].map((node) => node.crash().then(() => node.stop())));
    this.#network.remove();
  }

  async #list(): Promise<NodeEntry[]> {
    return (await (await this.client()).listNodes()) as NodeEntry[];
  }

  #addresses(name: NodeName): { ListenAddr: string; AdvertiseAddr: string } {
    const address = `${this.#network.address(name)}:2377`;
    return { ListenAddr: address, AdvertiseAddr: address };
  }

  /** In the node's network and under its own name. */
  #inside(name: NodeName): string[] {
    const named = ['unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', name];
    return [...this.#network.enter(name), ...named];
  }
}
