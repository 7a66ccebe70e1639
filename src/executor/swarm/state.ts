/** Derives the state of a launch from the tasks of its service and their nodes. Pure. */

import type { LaunchReport } from '../../scheduler/ports.ts';
import { exitReason } from '../exit-reason.ts';
import { isKilled, launchLabel, type SwarmResources, type SwarmTaskSpec } from './request.ts';

/** The used part of `GET /tasks`. */
export interface SwarmTask {
  readonly ID: string;
  readonly ServiceID: string;
  readonly NodeID?: string;
  readonly CreatedAt: string;
  readonly DesiredState: string;
  readonly Spec: SwarmTaskSpec;
  readonly Status: {
    readonly Timestamp: string;
    readonly State: string;
    readonly Message?: string;
    readonly Err?: string;
    readonly ContainerStatus?: { readonly ContainerID?: string; readonly ExitCode?: number };
  };
}

/** The used part of `GET /nodes`. */
export interface SwarmNode {
  readonly ID: string;
  readonly CreatedAt: string;
  readonly UpdatedAt: string;
  readonly Spec: {
    readonly Availability: string;
    readonly Role?: string;
    readonly Labels?: Readonly<Record<string, string>>;
  };
  readonly Description: {
    readonly Hostname: string;
    readonly Platform?: { readonly OS?: string; readonly Architecture?: string };
    readonly Engine?: { readonly Labels?: Readonly<Record<string, string>> };
    readonly Resources?: SwarmResources;
  };
  readonly Status: { readonly State: string };
  readonly ManagerStatus?: { readonly Reachability: string };
}

export type SwarmNodes = ReadonlyMap<string, SwarmNode>;

/** What is known of a launch besides its tasks. */
export interface Circumstances {
  readonly nodes: SwarmNodes;
  /** When it was observed to start, if it was. */
  readonly startedAt: number | null;
}

/** On the way to a node and to its start, in order. */
const beforeStart: ReadonlySet<string> = new Set([
  ...['new', 'allocated', 'pending', 'assigned', 'accepted', 'preparing', 'ready', 'starting'],
]);
/**
 * Exit codes of containers ended from outside: KILL, TERM, and what an engine records for one that it finds
 * dead.
 */
const endedFromOutside: ReadonlySet<number> = new Set([137, 143, 255]);
/** A node that came back reports its tasks within this time of its own return. */
const returnWindowMs = 15_000;
/** As in shells: found, but could not be executed. */
const couldNotRun = 126;

export function launchNameOf({ Spec }: SwarmTask): string {
  return Spec.ContainerSpec.Labels[launchLabel] ?? '';
}

/** The task that runs or ran the job; the replacement of a killed one never does. */
export function attemptOf(tasks: readonly SwarmTask[]): SwarmTask | undefined {
  return tasks.find(({ Spec }) => !isKilled(Spec));
}

/** `tasks` are all of one service. */
export function swarmReport(
  launchName: string,
  tasks: readonly SwarmTask[],
  circumstances: Circumstances,
): LaunchReport {
  const task = attemptOf(tasks);
  const killed = tasks.some(({ Spec }) => isKilled(Spec));
  if (task === undefined) {
    // A service exists slightly earlier than its task.
    return killed ? neverStarted(launchName) : { launchName, state: 'created' };
  }
  const { State: state } = task.Status;
  const node = circumstances.nodes.get(task.NodeID ?? '');
  // Swarm continues to show the last report of an absent node.
  const gone = node?.Status.State === 'down' ? node : null;
  if (beforeStart.has(state)) {
    return gone === null ? { launchName, state: 'created' } : { launchName, ...lost(gone, 'which had it') };
  }
  const startedAt = circumstances.startedAt ?? (state === 'running' ? at(task) : Date.parse(task.CreatedAt));
  if (state === 'running') {
    if (gone === null) return { launchName, state: 'running', startedAt };
    const end = lost(gone, 'on which it ran');
    return { launchName, ...end, startedAt, endedAt: Math.max(startedAt, end.endedAt) };
  }
  if (state === 'rejected') {
    return {
      ...{ launchName, state: 'ended', endedAt: at(task), exitCode: couldNotRun },
      reason: `the node refused it: ${task.Status.Err ?? 'no reason given'}`,
      cause: { code: 'node-refused', node: hostnameOf(task, node) },
    };
  }
  return ended(task, { launchName, startedAt, killed, node });
}

function ended(
  task: SwarmTask,
  of: { launchName: string; startedAt: number; killed: boolean; node: SwarmNode | undefined },
): LaunchReport {
  const { launchName, killed, node } = of;
  const { Status: status } = task;
  const exitCode = status.ContainerStatus?.ContainerID ? (status.ContainerStatus.ExitCode ?? null) : null;
  if (status.State === 'shutdown' && exitCode === null && killed) return neverStarted(launchName, at(task));
  const endedAt = Math.max(at(task), of.startedAt);
  const report = { launchName, state: 'ended', startedAt: of.startedAt, endedAt, exitCode } as const;
  if (killed || exitCode === 0) return report;
  const hostname = hostnameOf(task, node);
  if (status.State !== 'failed') {
    const reason = `the Swarm ended it on node ${hostname}, which was down or drained`;
    return { ...report, reason, cause: { code: 'node-down', node: hostname }, infrastructure: true };
  }
  if (exitCode === null) {
    const reason = status.Err ?? status.Message ?? '';
    return { ...report, exitCode: couldNotRun, reason, cause: { code: 'not-executable' } };
  }
  const known = exitReason(exitCode);
  if (known !== undefined) return { ...report, ...known };
  if (!endedFromOutside.has(exitCode)) return report;
  if (cameBack(node, endedAt)) {
    const reason = `the engine of node ${hostname} was restarted`;
    return { ...report, reason, cause: { code: 'engine-restarted', node: hostname }, infrastructure: true };
  }
  if (exitCode !== 137) return report;
  const reason = 'exit code 137: killed from outside, possibly for its memory use';
  return { ...report, reason, cause: { code: 'killed-from-outside' } };
}

const hostnameOf = (task: SwarmTask, node: SwarmNode | undefined): string =>
  node?.Description.Hostname ?? task.NodeID ?? 'unknown';

/** Why it has not started yet, for people. Null if there is nothing to report. */
export function waitingReason(task: SwarmTask, nodes: SwarmNodes): string | null {
  const { State: state, Err: error, Message: message } = task.Status;
  if (!beforeStart.has(state)) return null;
  if (task.NodeID === undefined || task.NodeID === '') {
    return `no node of the Swarm accepts it yet: ${error ?? message ?? state}`;
  }
  const node = nodes.get(task.NodeID)?.Description.Hostname ?? task.NodeID;
  return `node ${node} is preparing it (${error ?? message ?? state})`;
}

function lost(node: SwarmNode, what: string) {
  const { Hostname: hostname } = node.Description;
  const reason = `the node ${hostname}, ${what}, is down`;
  const cause = { code: 'node-down', node: hostname } as const;
  const endedAt = Date.parse(node.UpdatedAt);
  return { state: 'ended', endedAt, exitCode: null, reason, cause, infrastructure: true } as const;
}

/** True if the engine of the node reconnected around that time. */
function cameBack(node: SwarmNode | undefined, endedAt: number): boolean {
  if (node === undefined) return false;
  const updatedAt = Date.parse(node.UpdatedAt);
  // A node that has just joined is updated as well.
  if (updatedAt - Date.parse(node.CreatedAt) < returnWindowMs) return false;
  return Math.abs(updatedAt - endedAt) < returnWindowMs;
}

function neverStarted(launchName: string, endedAt?: number): LaunchReport {
  return {
    ...{ launchName, state: 'ended', exitCode: null, reason: 'ended before it was started' },
    cause: { code: 'never-started' },
    ...(endedAt !== undefined && { endedAt }),
  };
}

function at(task: SwarmTask): number {
  return Date.parse(task.Status.Timestamp);
}
