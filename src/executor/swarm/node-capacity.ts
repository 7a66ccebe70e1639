/**
 * Decides whether a node of the Swarm fits a launch, and describes what is missing if none does. Follows
 * Swarm's own placement rules for the settings that a launch can have; anything unknown here counts as
 * fitting, so that Swarm decides. Pure.
 */

import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import { gpuResource, type SwarmResources } from './request.ts';
import type { SwarmNode, SwarmTask } from './state.ts';

/** Resources reserved on a node, or left on it. */
interface Amounts {
  readonly nanoCpus: number;
  readonly memoryBytes: number;
  readonly gpus: number;
}

/** What a launch, or a task of anyone, requires of its node. */
export interface Wish {
  readonly constraints: readonly string[];
  readonly amounts: Amounts;
}

/** A node and its free resources. */
export interface NodeCapacity {
  readonly node: SwarmNode;
  left: Amounts;
}

/** One requirement for a node. */
interface Demand {
  /** As in "no node has …". */
  readonly words: string;
  readonly isMet: (candidate: NodeCapacity) => boolean;
  /** The closest match among these nodes. */
  readonly nearest?: (candidates: readonly NodeCapacity[]) => string;
}

/** States in which a task uses its node's resources. */
const holding: ReadonlySet<string> = new Set([
  ...['assigned', 'accepted', 'preparing', 'ready', 'starting', 'running'],
]);
/** For a text without surrounding spaces. */
const constraintForm = /^([^\s=!]+)\s*([=!])=\s*(.*)$/;

export function wishOf({ cpus, memoryBytes, gpus, constraints }: LaunchSpec): Wish {
  const nanoCpus = Math.round((cpus ?? 0) * 1e9);
  return { constraints, amounts: { nanoCpus, memoryBytes: memoryBytes ?? 0, gpus: gpus ?? 0 } };
}

/** True if the free resources of nodes matter. */
export function reserves({ amounts: { nanoCpus, memoryBytes, gpus } }: Wish): boolean {
  return nanoCpus + memoryBytes + gpus > 0;
}

/** The nodes with their free resources after these tasks. */
export function capacityOf(nodes: readonly SwarmNode[], tasks: readonly SwarmTask[]): NodeCapacity[] {
  const candidates = nodes.map((node) => ({ node, left: amountsOf(node.Description.Resources ?? {}) }));
  const byNode = new Map(candidates.map((candidate) => [candidate.node.ID, candidate]));
  for (const task of tasks) {
    const candidate = byNode.get(task.NodeID ?? '');
    if (candidate !== undefined && holding.has(task.Status.State))
      reserve(candidate, wishOfTask(task).amounts);
  }
  // Last the tasks that Swarm is about to assign; those for which it found no node use nothing.
  for (const task of tasks) if (!task.NodeID && !task.Status.Err) occupy(candidates, wishOfTask(task));
  return candidates;
}

/** Reserves the resources on a fitting node and returns null, or returns what is missing. */
export function occupy(candidates: readonly NodeCapacity[], wish: Wish): string | null {
  let left = candidates.filter(acceptsJobs);
  if (left.length === 0) return 'no node of the Swarm is ready and accepts jobs';
  const idle = candidates.length - left.length;
  const others = idle === 0 ? '' : ` (${idle} of ${candidates.length} nodes accept no jobs at the moment)`;
  const met: string[] = [];
  for (const { words, isMet, nearest } of demandsOf(wish)) {
    const fitting = left.filter(isMet);
    if (fitting.length === 0) {
      const which = met.length === 0 ? 'no node' : `no node with ${met.join(' and ')}`;
      return `${which} has ${words}${nearest === undefined ? '' : `; the most is ${nearest(left)}`}${others}`;
    }
    met.push(words);
    left = fitting;
  }
  reserve(left[0] as NodeCapacity, wish.amounts);
  return null;
}

function demandsOf({ constraints, amounts: { nanoCpus, memoryBytes, gpus } }: Wish): Demand[] {
  const amount = (of: keyof Amounts, wanted: number, inWords: (amount: number) => string): Demand => ({
    words: `${inWords(wanted)} free`,
    isMet: ({ left }) => left[of] >= wanted,
    nearest: (candidates) => inWords(Math.max(0, ...candidates.map(({ left }) => left[of]))),
  });
  return [
    ...constraints.map((text) => ({
      words: text.trim(),
      isMet: ({ node }: NodeCapacity) => allows(node, text),
    })),
    ...(nanoCpus > 0 ? [amount('nanoCpus', nanoCpus, (n) => `${inShort(n / 1e9)} CPU`)] : []),
    ...(memoryBytes > 0 ? [amount('memoryBytes', memoryBytes, (n) => `${inShort(n / 2 ** 20)} MiB`)] : []),
    ...(gpus > 0 ? [amount('gpus', gpus, (n) => `${n} GPU`)] : []),
  ];
}

/** Compares like Swarm: ignoring case, and with a missing label as empty. */
function allows(node: SwarmNode, constraint: string): boolean {
  const [, key = '', operator, value = ''] = constraintForm.exec(constraint.trim()) ?? [];
  const has = traitOf(node, key);
  if (operator === undefined || has === null) return true;
  return (has.toLowerCase() === value.toLowerCase()) === (operator === '=');
}

/** Null for unknown keys. */
function traitOf({ ID: id, Spec: spec, Description: description }: SwarmNode, key: string): string | null {
  const label = /^(node|engine)\.labels\.(.+)$/i.exec(key);
  if (label !== null) {
    const labels = label[1]?.toLowerCase() === 'node' ? spec.Labels : description.Engine?.Labels;
    return labels?.[label[2] ?? ''] ?? '';
  }
  const known: Readonly<Record<string, string | undefined>> = {
    'node.id': id,
    'node.hostname': description.Hostname,
    'node.role': spec.Role,
    'node.platform.os': description.Platform?.OS,
    'node.platform.arch': description.Platform?.Architecture,
  };
  return known[key.toLowerCase()] ?? null;
}

function acceptsJobs({ node: { Spec, Status } }: NodeCapacity): boolean {
  return Status.State === 'ready' && Spec.Availability === 'active';
}

function wishOfTask({ Spec }: SwarmTask): Wish {
  const constraints = Spec.Placement?.Constraints ?? [];
  return { constraints, amounts: amountsOf(Spec.Resources?.Reservations ?? {}) };
}

function amountsOf({ NanoCPUs = 0, MemoryBytes = 0, GenericResources }: SwarmResources): Amounts {
  // Named ones, `GPU-45cbf7b`, count as one each.
  const counts = (GenericResources ?? []).map(
    ({ NamedResourceSpec: named, DiscreteResourceSpec: counted }) => {
      if (named?.Kind === gpuResource) return 1;
      return counted?.Kind === gpuResource ? counted.Value : 0;
    },
  );
  const gpus = counts.reduce((sum, count) => sum + count, 0);
  return { nanoCpus: NanoCPUs, memoryBytes: MemoryBytes, gpus };
}

function reserve(candidate: NodeCapacity, { nanoCpus, memoryBytes, gpus }: Amounts): void {
  const { left } = candidate;
  candidate.left = {
    nanoCpus: left.nanoCpus - nanoCpus,
    memoryBytes: left.memoryBytes - memoryBytes,
    gpus: left.gpus - gpus,
  };
}

const inShort = (amount: number): number => Math.floor(amount * 1_000) / 1_000;
