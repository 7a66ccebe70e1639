/**
 * What an engine knows about ended containers besides the inspection: whether it observed the end itself, why
 * a program could not be started, and, with a delay, that memory ran out. The recall methods take ended
 * containers. Kept by id while the containers exist.
 */

import type { Clock, EndReason, LaunchReport } from '../../scheduler/ports.ts';
import { readFrames } from '../container/frames.ts';
import { isCut } from '../container/log-cut.ts';
import { EngineRefusal } from '../container/transport.ts';
import { exitReason, startFailure } from '../exit-reason.ts';
import { type ContainerEvent, type DockerEngine, maxHistory } from './engine.ts';
import { type ContainerInspection, endedFromOutside } from './state.ts';

/**
 * How long to wait for that news: a memory limit is the most likely reason, and a busy machine reports it
 * late.
 */
const lateNewsWithinMs = { bounded: 5_000, unbounded: 1_000 } as const;

/** An engine that starts finds all of its dead containers within this time. */
const foundWithinMs = 60_000;

export interface ContainerEndsParts {
  readonly engine: DockerEngine;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export class ContainerEnds {
  readonly #parts: ContainerEndsParts;
  /** What the engine remembers of ends that we did not observe: true if it did not observe them either. */
  readonly #foundDead = new Map<string, boolean>();
  /** The last output of containers whose program could not be started. */
  readonly #startFailures = new Map<string, EndReason | undefined>();
  /** Whether the engine has dropped the oldest output. */
  readonly #cut = new Map<string, boolean>();
  /** Containers with an `oom` event. The engine sets its flag only if that event precedes the exit. */
  readonly #outOfMemory = new Set<string>();
  /** Since when an end is unexplained, by the monotonic clock. */
  readonly #unexplained = new Map<string, number>();

  constructor(parts: ContainerEndsParts) {
    this.#parts = parts;
  }

  /**
   * Asks the engine about a container that ended unobserved, as if by a signal: it remembers deaths that it
   * observed, and kills by others, of which the first is returned. It does not remember containers that it
   * found dead when it started, because its machine had died or it had stopped everything itself. Also
   * records that memory ran out.
   */
  async recallDeath({ Id, State }: ContainerInspection): Promise<ContainerEvent | undefined> {
    if (this.#foundDead.has(Id) || !endedFromOutside.has(State.ExitCode)) return undefined;
    const { own, unseen } = await this.#historyOf(Id);
    if (own.some(({ Action }) => Action === 'oom')) this.noteOutOfMemory(Id);
    this.#foundDead.set(Id, unseen);
    return own.find(({ Action }) => Action === 'kill');
  }

  /**
   * Some engines record exit code 0 for a container that they find dead when they start (moby#45800). Such an end is as
   * recent as the engine, which has no event of it. A real end in the same moment cannot be told apart.
   */
  async recallCode({ Id, State }: ContainerInspection): Promise<void> {
    if (State.ExitCode !== 0 || this.#foundDead.has(Id)) return;
    const startedAt = await this.#parts.engine.startedAt();
    const afterMs = startedAt === null ? Number.NaN : Date.parse(State.FinishedAt) - startedAt;
    const isRecent = afterMs >= 0 && afterMs < foundWithinMs;
    this.#foundDead.set(Id, isRecent && (await this.#historyOf(Id)).unseen);
  }

  /** The events of a container, and whether the engine certainly did not observe its end. */
  async #historyOf(id: string): Promise<{ own: ContainerEvent[]; unseen: boolean }> {
    const history = await this.#parts.engine.history().catch((error: unknown) => {
      // Not every engine has a history; then nothing speaks against the job.
      if (error instanceof EngineRefusal) return null;
      throw error;
    });
    const own = history?.filter(({ Actor }) => Actor.ID === id) ?? [];
    const isWhole = history !== null && history.length < maxHistory;
    return { own, unseen: isWhole && !own.some(({ Action }) => Action === 'die') };
  }

  /**
   * For the engine, a program that could not be started is an end like others: only the container's last line
   * says why.
   */
  async recallStart({ Id, State }: ContainerInspection): Promise<void> {
    if (exitReason(State.ExitCode) === undefined || this.#startFailures.has(Id)) return;
    const query = { stdout: false, stderr: true, follow: false, tail: 1 } as const;
    let line = '';
    try {
      const frames = readFrames(await this.#parts.engine.logs(Id, query, this.#parts.signal));
      for await (const { bytes } of frames) line = Buffer.from(bytes).toString().trimEnd();
    } catch (error) {
      // The output is gone or unreadable for the engine, so only the exit code is left.
      if (!(error instanceof EngineRefusal)) throw error;
    }
    this.#startFailures.set(Id, startFailure(line));
  }

  async recallOutput({ Id }: ContainerInspection): Promise<void> {
    if (this.#cut.has(Id)) return;
    const { engine, signal } = this.#parts;
    const query = { stdout: true, stderr: true, follow: false } as const;
    try {
      const cut = await isCut(async function* (tail, parser) {
        yield* readFrames(await engine.logs(Id, { ...query, tail }, signal), parser);
      });
      this.#cut.set(Id, cut);
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error;
    }
  }

  /** Whether the engine has dropped the oldest output; undefined while that may still change. */
  isCut(id: string): boolean | undefined {
    return this.#cut.get(id);
  }

  noteOutOfMemory(id: string): void {
    this.#outOfMemory.add(id);
  }

  ranOutOfMemory({ Id, State }: ContainerInspection): boolean {
    return State.OOMKilled || this.#outOfMemory.has(Id);
  }

  wasFoundDead(id: string): boolean {
    return this.#foundDead.get(id) === true;
  }

  startFailure(id: string): EndReason | undefined {
    return this.#startFailures.get(id);
  }

  /**
   * The engine learns separately that a process was killed and that its memory ran out, and on a busy machine
   * in the wrong order: then only an `oom` event says so. An unexplained KILL is therefore reported only
   * after a delay, in which that event may arrive and the container is inspected again. The watch and
   * inventories both wait. It may never arrive: containerd drops it if the container's control group is gone before
   * it looks, which happened to 3 of 40 containers that lived for a tenth of a second on a machine with six times
   * more work than cores.
   */
  awaitsNews({ Id, HostConfig }: ContainerInspection, { exitCode, reason }: LaunchReport): boolean {
    if (exitCode !== 137 || reason !== undefined) return false;
    const now = this.#parts.clock.monotonicMs();
    const since = this.#unexplained.get(Id) ?? now;
    this.#unexplained.set(Id, since);
    return now - since < lateNewsWithinMs[(HostConfig?.Memory ?? 0) > 0 ? 'bounded' : 'unbounded'];
  }

  /** Drops containers that no longer exist. */
  keepOnly(listed: ReadonlySet<string>): void {
    for (const known of [
      this.#foundDead,
      this.#startFailures,
      this.#cut,
      this.#outOfMemory,
      this.#unexplained,
    ])
      for (const id of known.keys()) if (!listed.has(id)) known.delete(id);
  }
}
