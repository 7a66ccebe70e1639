/**
 * Turns what an engine shows of an installation's containers into observations: one event stream for speed, and a
 * list at every connect and every half minute for correctness, because events are lost while nothing listens.
 * Both only name containers; their state is always read by inspection, and reported once per name and phase.
 *
 * Runs until stopped, however often the engine disappears, and throws nothing. Listing also detects a
 * connection that is silently dead.
 */

import { setMaxListeners } from 'node:events';
import type { Clock, EndReason, LaunchReport, Log, Observation } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import { isLaunchName } from '../logs/run-logs.ts';
import { ContainerCgroup } from './cgroup.ts';
import { ContainerEnds } from './ends.ts';
import { type ContainerEvent, type DockerEngine, nameOf } from './engine.ts';
import { closing } from './gate-program.ts';
import { type Death, Inspections } from './inspections.ts';
import { type ContainerInspection, isGated, launchNameOf, launchReport } from './state.ts';
import { ContainerUsages } from './usage.ts';

/** Maximum delay until an end without an event is found. */
const listEveryMs = 30_000;
/** Delay between attempts to connect, doubled from the first to the last. */
const retryMs = { first: 100, last: 10_000 } as const;
/**
 * Delay between inspections of an unexplained end by KILL: the engine may learn later that its memory ran
 * out.
 */
const lateNewsMs = 1_000;

export interface DockerWatchParts {
  readonly engine: DockerEngine;
  readonly installation: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: (observation: Observation) => void;
  /** Whether a launch of this name is in progress. */
  readonly isLaunching: (launchName: string) => boolean;
}

interface Known {
  readonly id: string;
  phase: 'started' | 'ended';
  /** The connection through which it was last seen running. */
  connection: number;
  /** Once it has ended: why it did not cause that itself. */
  readonly interruption: EndReason | null;
}

export class DockerWatch {
  readonly #parts: DockerWatchParts;
  readonly #stopping = new AbortController();
  readonly #ends: ContainerEnds;
  readonly #usages: ContainerUsages;
  /** By launch name; limited to existing containers, because every list drops the others. */
  readonly #known = new Map<string, Known>();
  /** Names that we killed, and ids that others killed, with the signal. Limited in the same way. */
  readonly #killed = new Set<string>();
  readonly #killedByOthers = new Map<string, string>();
  /** Unexplained ends with a planned inspection, by id. */
  readonly #checksPlanned = new Set<string>();
  /** Reports of ended containers by id, which no longer change. Limited in the same way. */
  readonly #ended = new Map<string, LaunchReport>();
  readonly #inspections: Inspections;
  /** Number of connections; a container last seen through an earlier one has survived an outage. */
  #connection = 0;
  #loop: Promise<void> = Promise.resolve();

  constructor(parts: DockerWatchParts) {
    this.#parts = parts;
    setMaxListeners(0, this.#stopping.signal);
    const { engine, clock } = parts;
    const { signal } = this.#stopping;
    this.#ends = new ContainerEnds({ engine, clock, signal });
    this.#usages = new ContainerUsages({
      findCgroup: /^(unix:|\/)/.test(engine.host) ? ContainerCgroup.find : null,
      stats: (id) => engine.stats(id),
      clock,
    });
    this.#inspections = new Inspections((id, death) => this.#check(id, death), signal);
  }

  /** Resolves when the first attempt to connect has succeeded or failed; continues by itself. */
  async start(): Promise<void> {
    await new Promise<void>((attempted) => {
      this.#loop = this.#run(attempted);
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#usages.stop();
    await this.#loop;
    await this.#inspections.settled();
  }

  /** Processes an inspection and reports what it shows. `again` repeats earlier reports. */
  take(container: ContainerInspection, again: 'once' | 'again' = 'once'): LaunchReport {
    const interruption = this.#interruption(container);
    const report = this.#reportOf(container, interruption);
    const { launchName, startedAt, image } = report;
    if (report.state === 'created' || startedAt === undefined) {
      // An inspection from before the gate was opened may arrive after the start: only an end is proof.
      if (container.endedUnopened) this.#takeBack(launchName, container.Id);
      return report;
    }
    if (report.state === 'running') this.#usages.follow(container);
    const before = this.#known.get(launchName);
    const reported = before?.id === container.Id ? before.phase : null;
    const phase = report.state === 'ended' ? 'ended' : 'started';
    // An inspection that began before the end may arrive after it.
    if (reported === 'ended' && (again === 'once' || phase === 'started')) return report;
    const unexplained = this.#awaitsNews(container, report);
    this.#known.set(launchName, {
      id: container.Id,
      phase: unexplained ? 'started' : phase,
      connection: this.#connection,
      interruption,
    });
    if (reported === null || again === 'again') {
      this.#emit({ kind: 'started', launchName, at: startedAt, ...(image !== undefined && { image }) });
    }
    if (unexplained) {
      this.#checkAgain(container.Id);
    } else if (report.state === 'ended') {
      this.#ended.set(container.Id, report);
      const { endedAt = startedAt, exitCode = null, state: _, image: __, ...rest } = report;
      this.#emit({ kind: 'ended', at: endedAt, exitCode, ...rest });
    }
    return report;
  }

  /** A launch has ended, in whatever way. */
  launched(launchName: string): void {
    this.#inspections.release(launchName);
  }

  /** The report of an ended container. Undefined while it must still be inspected. */
  ended(id: string): LaunchReport | undefined {
    return this.#ended.get(id);
  }

  /**
   * The state according to an inspection and the observed history of the engine. An end that is not reported
   * yet, because the engine may still learn the reason, appears as running.
   */
  report(container: ContainerInspection): LaunchReport {
    const report = this.#reportOf(container, this.#interruption(container));
    if (!this.#awaitsNews(container, report)) return report;
    this.#checkAgain(container.Id);
    const { launchName, startedAt, image } = report;
    return {
      launchName,
      state: 'running',
      ...(startedAt !== undefined && { startedAt }),
      ...(image && { image }),
    };
  }

  /**
   * Call it before `take` and `report`: asks the engine for details of an end that the inspection does not
   * have.
   */
  async recall(container: ContainerInspection): Promise<void> {
    const { Id } = container;
    if (launchReport(container, null).state !== 'ended') return;
    await Promise.all([this.#ends.recallStart(container), this.#ends.recallOutput(container)]);
    const known = this.#known.get(launchNameOf(container));
    // Its end comes through the connection through which it was seen running.
    if (known?.id === Id && known.connection === this.#connection) return;
    await this.#ends.recallCode(container);
    if (known?.id === Id) return;
    const kill = await this.#ends.recallDeath(container);
    if (kill !== undefined) this.#noteKill(kill);
  }

  #reportOf(container: ContainerInspection, interruption: EndReason | null): LaunchReport {
    const State = { ...container.State, OOMKilled: this.#ends.ranOutOfMemory(container) };
    const isInvented = State.ExitCode === 0 && this.#ends.wasFoundDead(container.Id);
    const report = launchReport({ ...container, State }, interruption, isInvented);
    const isCut = this.#ends.isCut(container.Id);
    const usage = this.#usages.of(container.Id);
    return {
      ...report,
      ...this.#ends.startFailure(container.Id),
      ...(isCut === true && { bytesDropped: null }),
      ...(report.state === 'ended' && usage && { usage }),
    };
  }

  /** Whether the engine has dropped the oldest output. Undefined if unknown. */
  isCut(id: string): boolean | undefined {
    return this.#ends.isCut(id);
  }

  /** From now on, an end by signal is caused by us. */
  expectEnd(launchName: string): void {
    this.#killed.add(launchName);
  }

  /** It is about to be removed, so its absence is not reported. */
  forget(launchName: string): void {
    this.#known.delete(launchName);
  }

  #awaitsNews(container: ContainerInspection, report: LaunchReport): boolean {
    return !this.#killed.has(report.launchName) && this.#ends.awaitsNews(container, report);
  }

  #checkAgain(id: string): void {
    if (this.#checksPlanned.has(id)) return;
    this.#checksPlanned.add(id);
    void this.#pause(lateNewsMs).then(() => {
      this.#checksPlanned.delete(id);
      this.#inspections.add(id, null);
    });
  }

  #interruption(container: ContainerInspection): EndReason | null {
    const { Id } = container;
    const launchName = launchNameOf(container);
    const known = this.#known.get(launchName);
    if (known?.id === Id && known.phase === 'ended') return known.interruption;
    if (this.#killed.has(launchName)) return null;
    const signal = this.#killedByOthers.get(Id);
    if (signal !== undefined) {
      const reason = `killed by the engine, or by others through it (signal ${signal})`;
      return { reason, cause: { code: 'killed-from-outside' } };
    }
    const outage = known?.id === Id && known.connection < this.#connection;
    const cause = { code: 'engine-restarted' } as const;
    if (outage) return { reason: 'the engine was restarted', cause };
    if (!this.#ends.wasFoundDead(Id)) return null;
    return { reason: 'the engine or its machine was restarted in the meantime', cause };
  }

  async #run(attempted: () => void): Promise<void> {
    const { log, engine } = this.#parts;
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#follow(() => {
          log.info({ engine: engine.host, failures }, 'engine.connected');
          failures = 0;
          attempted();
        });
      } catch (error) {
        if (this.#stopping.signal.aborted) break;
        // Once per outage, to keep the log short.
        if (failures === 0) log.warn({ engine: engine.host, cause: (error as Error).message }, 'engine.lost');
      }
      this.#connection++;
      attempted();
      await this.#pause(Math.min(retryMs.first * 2 ** failures++, retryMs.last));
    }
    attempted();
  }

  /** One connection from start to end; always ends with an error, or by stopping. */
  async #follow(connected: () => void): Promise<void> {
    const { engine, installation, clock } = this.#parts;
    const session = new AbortController();
    const end = () => session.abort();
    this.#stopping.signal.addEventListener('abort', end, { once: true });
    let cancelList = () => {};
    let failure: unknown = null;
    const listAgain = () => {
      cancelList = clock.after(listEveryMs, () => {
        this.#list().then(listAgain, (error: unknown) => {
          failure = error;
          end();
        });
      });
    };
    try {
      const events = await engine.events(installation, session.signal);
      // After the stream is open, so that nothing is lost between the two.
      await this.#list();
      connected();
      listAgain();
      for await (const event of events) this.#hear(event);
    } finally {
      cancelList();
      this.#stopping.signal.removeEventListener('abort', end);
      session.abort();
    }
    throw failure ?? engine.unavailable('the event stream ended');
  }

  #hear(event: ContainerEvent): void {
    const { Action: action, time } = event;
    const { ID: id, Attributes: attributes } = event.Actor;
    // Swarm tasks have our labels too, but different names.
    if (!isLaunchName(attributes.name ?? '')) return;
    if (action === 'kill') {
      this.#noteKill(event);
    } else if (action === 'die') {
      const exitCode = /^\d+$/.test(attributes.exitCode ?? '') ? Number(attributes.exitCode) : null;
      this.#inspections.add(id, { at: time * 1000, exitCode });
    } else {
      if (action === 'oom') this.#ends.noteOutOfMemory(id);
      this.#inspections.add(id, null);
    }
  }

  #noteKill({ Actor: { ID: id, Attributes: attributes } }: ContainerEvent): void {
    const { name = '', signal = 'unknown' } = attributes;
    if (!this.#killed.has(name) && signal !== closing.number) this.#killedByOthers.set(id, signal);
  }

  async #list(): Promise<void> {
    const before = new Map(this.#known);
    const killed = [...this.#killed];
    const connection = this.#connection;
    const dropUsages = this.#usages.beforeList();
    const entries = await this.#parts.engine.list(this.#parts.installation);
    const listed = new Set(entries.map(({ Id }) => Id));
    for (const [launchName, known] of before) if (!listed.has(known.id)) this.#lose(launchName, known);
    const names = new Set(entries.map(nameOf));
    for (const name of killed) if (!names.has(name)) this.#killed.delete(name);
    for (const id of this.#killedByOthers.keys()) if (!listed.has(id)) this.#killedByOthers.delete(id);
    this.#ends.keepOnly(listed);
    dropUsages(listed);
    for (const id of this.#ended.keys()) if (!listed.has(id)) this.#ended.delete(id);
    for (const entry of entries) {
      const known = this.#known.get(nameOf(entry));
      const running = entry.State === 'running' || entry.State === 'paused';
      if (known?.id === entry.Id && known.phase === 'started' && running) known.connection = connection;
      else if (known?.id === entry.Id && known.phase === 'ended') continue;
      else if (entry.State !== 'created') this.#inspections.add(entry.Id, null);
    }
  }

  /** Never fails: a failed inspection is repeated by the next list. */
  async #check(id: string, death: Death | null): Promise<void> {
    const { engine, log, isLaunching } = this.#parts;
    try {
      const container = await engine.inspect(id);
      if (container === null) {
        this.#vanished(id, death);
        return;
      }
      // Its launch opens it, or replaces it if it ends unopened in that moment: until then, neither is known.
      const launchName = launchNameOf(container);
      if (isGated(container) && isLaunching(launchName)) {
        this.#inspections.hold(launchName, id, death);
        return;
      }
      await this.recall(container);
      // Observed with a full disk: the engine reports that it died but continues to show it as running.
      if (this.take(container).state === 'running' && death !== null) this.#vanished(id, death);
    } catch (error) {
      log.debug(
        { engine: engine.host, container: id, cause: (error as Error).message },
        'engine.inspect-failed',
      );
    }
  }

  #vanished(id: string, death: Death | null): void {
    const [launchName, known] = [...this.#known].find(([, { id: knownId }]) => knownId === id) ?? [];
    if (launchName === undefined || known === undefined) return;
    if (death === null || known.phase === 'ended') {
      this.#lose(launchName, known);
    } else {
      known.phase = 'ended';
      this.#emit({ kind: 'ended', launchName, at: death.at, exitCode: death.exitCode });
    }
  }

  /** Its gate ended in the moment in which it was asked to open, so it never started. */
  #takeBack(launchName: string, id: string): void {
    const known = this.#known.get(launchName);
    if (known?.id !== id || known.phase === 'ended') return;
    this.#known.delete(launchName);
    const reason = 'it ended at its gate, before it was started';
    const at = this.#parts.clock.now();
    const cause = { code: 'never-started' } as const;
    this.#emit({ kind: 'ended', launchName, at, exitCode: null, reason, cause, infrastructure: true });
  }

  /** It existed and is gone, and we did not remove it. */
  #lose(launchName: string, known: Known): void {
    if (this.#known.get(launchName) !== known) return;
    this.#known.delete(launchName);
    if (known.phase === 'ended') return;
    const reason = 'its container was removed from the engine by others';
    const cause = { code: 'launch-removed' } as const;
    this.#emit({ kind: 'ended', launchName, at: this.#parts.clock.now(), exitCode: null, reason, cause });
  }

  #emit(observation: Observation): void {
    if (!this.#stopping.signal.aborted) this.#parts.emit(observation);
  }

  #pause(delayMs: number): Promise<void> {
    return sleep(this.#parts.clock, delayMs, this.#stopping.signal);
  }
}
