/**
 * Turns what a Swarm shows of an installation's tasks into observations. Managers send no events about tasks, so
 * they are polled: one list of what should run, of any size, and a second one only for what has left it
 * since. Polls are frequent while something is starting or running, rare otherwise, and never take more than
 * a tenth of the time.
 *
 * Runs until stopped, however often the managers disappear, and throws nothing.
 */

import type { Clock, LaunchReport, Log, Observation } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import type { SwarmEngine } from './engine.ts';
import { isKilled } from './request.ts';
import {
  attemptOf,
  launchNameOf,
  type SwarmNode,
  type SwarmNodes,
  type SwarmTask,
  swarmReport,
  waitingReason,
} from './state.ts';

const pollMs = { quick: 200, idle: 5_000, down: 1_000 } as const;
/** A poll is followed by a pause of this many times its own length, to spare slow managers. */
const restFactor = 9;
/** A node needs several missed heartbeats to count as down: polling nodes more often shows nothing new. */
const nodesEveryMs = 2_000;
/** Tasks per query for what has left the list; their ids are in the address. */
const tasksAtOnce = 100;
/** Remembered reports of ended launches; forgotten ones are reported again, which is allowed. */
const maxReported = 20_000;

/** What is known of a launch. */
export interface Sighting {
  readonly report: LaunchReport;
  /** Why it has not started yet. Null if it has, or if nothing is known. */
  readonly waiting: string | null;
  /** The Swarm has looked for a node, and none fits. */
  readonly nowhere: boolean;
}

interface Tracked {
  /** Null while there is none, and if it was killed before there was one. */
  taskId: string | null;
  startedAt: number | null;
  reported: 'nothing' | 'started' | 'ended';
  sighting: Sighting;
}

export interface SwarmWatchParts {
  readonly engine: SwarmEngine;
  readonly installation: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: (observation: Observation) => void;
}

export class SwarmWatch {
  readonly #parts: SwarmWatchParts;
  /** By launch name: all unfinished ones, and the last ended ones. */
  readonly #tracked = new Map<string, Tracked>();
  /** Launches that a caller waits for, which are polled frequently. */
  readonly #expected = new Set<string>();
  #nodes: SwarmNodes = new Map();
  #nodesAt = Number.NEGATIVE_INFINITY;
  /** Callers that wait for the next poll. */
  #waiting: (() => void)[] = [];
  #wake = () => {};
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(parts: SwarmWatchParts) {
    this.#parts = parts;
  }

  /** Resolves when the managers were polled once, with or without a response; continues by itself. */
  async start(): Promise<void> {
    const asked = this.polled();
    this.#loop = this.#run();
    await asked;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#loop;
  }

  /** Resolves after a poll that began after this call, or when the watch has stopped. */
  polled(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Polls frequently for this launch; returns the function that ends it. */
  expect(launchName: string): () => void {
    this.#expected.add(launchName);
    this.#wake();
    return () => this.#expected.delete(launchName);
  }

  sighting(launchName: string): Sighting | undefined {
    return this.#tracked.get(launchName)?.sighting;
  }

  /** It is about to be removed, so its absence is not reported. */
  forget(launchName: string): void {
    this.#tracked.delete(launchName);
  }

  /** Processes the tasks of one service; `again` repeats earlier reports. */
  take(launchName: string, tasks: readonly SwarmTask[], again: 'once' | 'again' = 'once'): LaunchReport {
    const tracked = this.#tracked.get(launchName) ?? newlyTracked(launchName);
    // A reported end is final: a node that was down may come back and report otherwise.
    if (tracked.reported !== 'ended') this.#check(tracked, tasks);
    this.#tracked.set(launchName, tracked);
    this.#tell(tracked, again);
    return tracked.sighting.report;
  }

  /** The state according to tasks and earlier observations. */
  report(launchName: string, tasks: readonly SwarmTask[]): LaunchReport {
    const tracked = this.#tracked.get(launchName);
    if (tracked?.reported === 'ended') return tracked.sighting.report;
    return swarmReport(launchName, tasks, { nodes: this.#nodes, startedAt: tracked?.startedAt ?? null });
  }

  /** The current nodes. */
  async nodes(): Promise<SwarmNodes> {
    const { engine, clock } = this.#parts;
    const nodes: SwarmNode[] = await engine.nodes();
    this.#nodesAt = clock.monotonicMs();
    this.#nodes = new Map(nodes.map((node) => [node.ID, node]));
    return this.#nodes;
  }

  async #run(): Promise<void> {
    const { log, clock, engine } = this.#parts;
    let down = false;
    while (!this.#stopped) {
      const waiting = this.#waiting.splice(0);
      const began = clock.monotonicMs();
      try {
        await this.#poll();
        if (down) log.info({ engine: engine.hosts }, 'engine.connected');
        down = false;
      } catch (error) {
        // Once per outage, to keep the log short.
        if (!down && !this.#stopped)
          log.warn({ engine: engine.hosts, cause: (error as Error).message }, 'engine.lost');
        down = true;
      }
      for (const resolve of waiting) resolve();
      if (this.#stopped) break;
      const rest = restFactor * (clock.monotonicMs() - began);
      await this.#pause(down ? pollMs.down : this.#isBusy() ? Math.max(pollMs.quick, rest) : pollMs.idle);
    }
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #isBusy(): boolean {
    if (this.#expected.size > 0 || this.#waiting.length > 0) return true;
    return [...this.#tracked.values()].some(({ reported }) => reported !== 'ended');
  }

  async #poll(): Promise<void> {
    const { engine, installation } = this.#parts;
    const live = await engine.tasks(installation, { 'desired-state': ['running'] });
    const listed = byLaunch(live.filter(({ Spec }) => !isKilled(Spec)));
    const left = [...this.#tracked].filter(
      ([name, { reported }]) => reported !== 'ended' && !listed.has(name),
    );
    const unseen = [...this.#expected].filter((name) => !this.#tracked.has(name) && !listed.has(name));
    const running = [...listed.values()].flat().some(({ NodeID }) => NodeID !== undefined);
    if (left.length > 0 || (running && this.#parts.clock.monotonicMs() - this.#nodesAt >= nodesEveryMs))
      await this.nodes();
    for (const [name, tasks] of listed) this.take(name, tasks);
    for (let from = 0; from < left.length; from += tasksAtOnce)
      await this.#checkAfter(left.slice(from, from + tasksAtOnce));
    // It has ended since it was created, or its task is not created yet.
    for (const name of unseen) await this.#takeAll(name);
  }

  /** Tasks that left the list have ended, are about to, or were removed. */
  async #checkAfter(left: readonly (readonly [string, Tracked])[]): Promise<void> {
    const { engine, installation } = this.#parts;
    const ids = left.flatMap(([, { taskId }]) => taskId ?? []);
    const found = byLaunch(ids.length === 0 ? [] : await engine.tasks(installation, { id: ids }));
    for (const [name, tracked] of left) {
      const tasks = found.get(name);
      if (tasks === undefined) this.#lose(name, tracked);
      // Shut down by a kill, or because of its node: the replacement shows which.
      else if (tasks.some(({ Status }) => Status.State === 'shutdown')) await this.#takeAll(name);
      else this.take(name, tasks);
    }
  }

  async #takeAll(launchName: string): Promise<void> {
    const tasks = await this.#parts.engine.tasksOf(launchName);
    if (tasks.length > 0) this.take(launchName, tasks);
  }

  #check(tracked: Tracked, tasks: readonly SwarmTask[]): void {
    const { launchName } = tracked.sighting.report;
    const { startedAt } = tracked;
    const report = swarmReport(launchName, tasks, { nodes: this.#nodes, startedAt });
    const task = attemptOf(tasks);
    tracked.startedAt ??= report.startedAt ?? null;
    tracked.taskId = task?.ID ?? null;
    const waiting = task === undefined ? null : waitingReason(task, this.#nodes);
    tracked.sighting = {
      report,
      waiting,
      nowhere: task !== undefined && !task.NodeID && (task.Status.Err ?? '') !== '',
    };
  }

  #tell(tracked: Tracked, again: 'once' | 'again'): void {
    const { report } = tracked.sighting;
    const { launchName, state, startedAt } = report;
    if (state === 'created' || (tracked.reported === 'ended' && again === 'once')) return;
    if (startedAt !== undefined && (tracked.reported === 'nothing' || again === 'again'))
      this.#emit({ kind: 'started', launchName, at: startedAt });
    tracked.reported = state === 'ended' ? 'ended' : 'started';
    if (state !== 'ended') return;
    const { state: _, endedAt, exitCode = null, ...rest } = report;
    this.#emit({ kind: 'ended', at: endedAt ?? startedAt ?? this.#parts.clock.now(), exitCode, ...rest });
    // Last in the order, so that the oldest are dropped first.
    this.#tracked.delete(launchName);
    this.#tracked.set(launchName, tracked);
    this.#drop();
  }

  /** It existed and is gone, and we did not remove it. */
  #lose(launchName: string, tracked: Tracked): void {
    if (this.#tracked.get(launchName) !== tracked) return;
    this.#tracked.delete(launchName);
    const reason = 'its service was removed from the Swarm by others';
    const cause = { code: 'launch-removed' } as const;
    this.#emit({ kind: 'ended', launchName, at: this.#parts.clock.now(), exitCode: null, reason, cause });
  }

  #drop(): void {
    for (const [name, { reported }] of this.#tracked) {
      if (this.#tracked.size <= maxReported) return;
      if (reported === 'ended') this.#tracked.delete(name);
    }
  }

  #emit(observation: Observation): void {
    if (!this.#stopped) this.#parts.emit(observation);
  }

  /** A caller that waits for something ends an idle pause early; stopping ends every pause. */
  #pause(delayMs: number): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => {
      if (delayMs >= pollMs.idle || this.#stopped) woken.abort();
    };
    if (this.#stopped) this.#wake();
    return sleep(this.#parts.clock, delayMs, woken.signal);
  }
}

function newlyTracked(launchName: string): Tracked {
  return {
    taskId: null,
    startedAt: null,
    reported: 'nothing',
    sighting: { report: { launchName, state: 'created' }, waiting: null, nowhere: false },
  };
}

export function byLaunch(tasks: readonly SwarmTask[]): Map<string, SwarmTask[]> {
  const launches = new Map<string, SwarmTask[]>();
  for (const task of tasks) {
    const name = launchNameOf(task);
    const known = launches.get(name);
    if (known === undefined) launches.set(name, [task]);
    else known.push(task);
  }
  return launches;
}
