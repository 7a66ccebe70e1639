/**
 * Resource usage of containers. An engine does not report it once they have ended, so they are measured while they run: at
 * growing intervals, and in the moment in which the last process of a container on this machine ends (cgroup.ts).
 * Without that last look, what was measured is a lower bound, and says until when.
 *
 * On this machine a look takes about 50 microseconds. Engines elsewhere are asked for one container at a time, because
 * some take a second to answer.
 */

import type { Clock } from '../../scheduler/ports.ts';
import type { ContainerCgroup, Usage } from './cgroup.ts';
import type { ContainerStats } from './engine.ts';
import type { ContainerInspection } from './state.ts';

/** Between two looks: a share of the time since the first one, within these bounds. */
const pauseMs = { least: 1_000, most: 60_000 } as const;
const pauseShare = 0.05;

export interface ContainerUsagesParts {
  /** Null unless the engine is on this machine. */
  readonly findCgroup: typeof ContainerCgroup.find | null;
  readonly stats: (id: string) => Promise<ContainerStats | null>;
  readonly clock: Clock;
}

interface Followed {
  readonly id: string;
  /** By the monotonic clock. */
  readonly since: number;
  cgroup: ContainerCgroup | null;
  usage: Usage | undefined;
  /** Nothing more will be measured. */
  isDone: boolean;
  unwatch: () => void;
  cancel: () => void;
}

export class ContainerUsages {
  readonly #parts: ContainerUsagesParts;
  readonly #followed = new Map<string, Followed>();
  /** Questions to the engine, one after another. */
  #asked: Promise<void> = Promise.resolve();

  constructor(parts: ContainerUsagesParts) {
    this.#parts = parts;
  }

  /** Measures a running container from now on. */
  follow({ Id: id, State: state }: ContainerInspection): void {
    if (!state.Running || this.#followed.has(id)) return;
    const since = this.#parts.clock.monotonicMs();
    const nothing = () => undefined;
    const followed = { id, since, cgroup: null, usage: undefined, isDone: false };
    const each: Followed = { ...followed, unwatch: nothing, cancel: nothing };
    this.#followed.set(id, each);
    void this.#begin(each, state.Pid ?? 0);
  }

  /** Undefined: nothing was measured. */
  of(id: string): Usage | undefined {
    return this.#followed.get(id)?.usage;
  }

  /** Returns what drops the containers of now that a list does not have. Others may begin while it is made. */
  beforeList(): (listed: ReadonlySet<string>) => void {
    const before = [...this.#followed.values()];
    return (listed) => {
      for (const each of before) {
        if (listed.has(each.id)) continue;
        finish(each);
        this.#followed.delete(each.id);
      }
    };
  }

  stop(): void {
    for (const each of this.#followed.values()) finish(each);
  }

  async #begin(each: Followed, pid: number): Promise<void> {
    const { findCgroup } = this.#parts;
    each.cgroup = (findCgroup && (await findCgroup(each.id, pid))) ?? null;
    if (each.isDone) return;
    each.unwatch = each.cgroup?.onChange(() => this.#look(each)) ?? each.unwatch;
    // It may have ended before it was watched.
    if (each.cgroup !== null) this.#look(each);
    this.#later(each);
  }

  #later(each: Followed): void {
    if (each.isDone) return;
    const { clock } = this.#parts;
    const ageMs = clock.monotonicMs() - each.since;
    const delayMs = Math.min(Math.max(ageMs * pauseShare, pauseMs.least), pauseMs.most);
    each.cancel = clock.after(delayMs, () => {
      if (each.cgroup === null) {
        this.#asked = this.#asked.then(() => this.#ask(each)).then(() => this.#later(each));
      } else {
        this.#look(each);
        this.#later(each);
      }
    });
  }

  #look(each: Followed): void {
    if (each.isDone) return;
    const until = this.#parts.clock.now();
    const found = each.cgroup?.measure() ?? null;
    if (found !== null) each.usage = found.isFinal ? found.usage : { ...found.usage, until };
    if (found === null || found.isFinal) finish(each);
  }

  /** Never rejects. */
  async #ask(each: Followed): Promise<void> {
    if (each.isDone) return;
    const until = this.#parts.clock.now();
    const usage = await this.#parts.stats(each.id).then(
      (stats) => stats && usageIn(stats),
      // Asked again later.
      () => undefined,
    );
    if (usage === null) finish(each);
    else if (usage !== undefined) each.usage = { ...usage, until };
  }
}

function finish(each: Followed): void {
  each.isDone = true;
  each.unwatch();
  each.cancel();
}

/** Null: it does not run. */
export function usageIn({ read, cpu_stats: cpu, memory_stats: memory }: ContainerStats): Usage | null {
  if (!(Date.parse(read ?? '') > 0) || cpu?.cpu_usage?.total_usage === undefined) return null;
  const { max_usage: peak = 0, limit = Number.POSITIVE_INFINITY } = memory ?? {};
  return {
    cpuMs: Math.round(cpu.cpu_usage.total_usage / 1e6),
    // Absent in version 2 of control groups. Podman says the limit instead.
    ...(peak > 0 && peak < limit && { peakBytes: peak }),
  };
}
