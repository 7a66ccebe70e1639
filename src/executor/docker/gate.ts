/**
 * An engine on which a container can wait at a gate (gate.c) before its job's first instruction.
 *
 * This class reports a container that waits at its gate, or whose gate ended unopened, as created but never
 * started. It is neither counted as a run nor adopted, and may be removed like any container that an older
 * term created. Removing shuts the gate first, and the gate alone decides between an opening and a shutting
 * at the same time: if it was already open, the job runs and the removal is refused, as for any running
 * container. The start time is when the gate opened. A scheduler that did not open it uses the due time,
 * because no gate opens earlier.
 *
 * The gate's program is in a volume of the engine, created once, so that it works with engines on other
 * machines, empty images, and read-only root file systems.
 */

import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import { readFrames } from '../container/frames.ts';
import { labelOf } from '../container/labels.ts';
import { EngineRefusal } from '../container/transport.ts';
import { DockerEngine, type DockerEngineParts } from './engine.ts';
import { closing, gatePrograms, opening, unopened } from './gate-program.ts';
import type { DockerCreateRequest } from './request.ts';
import { type ContainerInspection, isGated } from './state.ts';
import { tarOf } from './tar.ts';

const askTimeoutMs = 15_000;
const gateFolder = '/.carillon';
const gatePath = `${gateFolder}/gate`;
/** Time limit for a gate to end when told to; it takes milliseconds on a working engine. */
const shutPatienceMs = 5_000;
const pollMs = 20;
/** Inspections of a running container whose processes cannot be listed, before it counts as waiting. */
const maxInspections = 50;
/** How long the connection stays open after the byte that opens: the engine has forwarded it long before. */
const lingerMs = 1_000;
/**
 * Opened containers with a remembered start time. For older ones the due time is used, or they are inspected
 * again.
 */
const maxOpened = 10_000;
/** The engine's zero time, year 1. */
const never = '0001-01-01T00:00:00Z';

/** What the gate needs to know about an image. */
export interface GatedImage {
  readonly Architecture: string;
  readonly Config: {
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
  } | null;
}

/** The input of one waiting container: when it ends, the gate ends unopened. */
export interface Gate {
  /**
   * Resolves when the byte is sent; the container shows whether it had an effect. Rejects if the gate is
   * gone.
   */
  open(): Promise<void>;
  /** Called once when the engine closes the input: the gate has ended, or the engine has. */
  onEnd(listener: () => void): void;
}

export class GatedEngine extends DockerEngine {
  readonly #clock: Clock;
  /** Inputs of the containers that wait for us, by id. */
  readonly #waiting = new Map<string, Duplex>();
  /** Ids waiting for other schedulers at the last inspection; limited by removal, and by the lease. */
  readonly #waitingForOthers = new Set<string>();
  /** By id: when it was opened. */
  readonly #opened = new Map<string, number>();
  /** By architecture: the gate is in its volume. */
  readonly #installed = new Map<string, Promise<void>>();

  constructor(parts: DockerEngineParts) {
    super(parts);
    this.#clock = parts.clock;
  }

  /** Null if the image is missing. */
  async image(name: string): Promise<GatedImage | null> {
    const path = `/images/${encodeURIComponent(name)}/json`;
    return this.transport.tolerating([404], { method: 'GET', path, timeoutMs: askTimeoutMs });
  }

  /** The same container behind a gate that waits for at most `leaseMs`. Null: there is no gate for its machine. */
  async gated(
    request: DockerCreateRequest,
    image: GatedImage,
    leaseMs: number,
  ): Promise<DockerCreateRequest | null> {
    const { Architecture: architecture, Config: config } = image;
    if (gatePrograms[architecture] === undefined) return null;
    await this.#install(architecture, request._body.Image);
    const { _query, _body: body } = request;
    const entry = body.Entrypoint ?? config?.Entrypoint ?? [];
    // Setting another entrypoint drops the image's arguments for its own.
    const args = body.Cmd ?? (body.Entrypoint === undefined ? config?.Cmd : null) ?? [];
    const binds = [...body.HostConfig.Binds, `${volumeOf(architecture)}:${gateFolder}:ro`];
    return {
      _query,
      _body: {
        ...body,
        Entrypoint: [gatePath, String(leaseMs), ...entry, ...args],
        Cmd: [],
        // Ends with our connection, and so with this process.
        OpenStdin: true,
        StdinOnce: true,
        Labels: { ...body.Labels, [labelOf.gate]: architecture },
        HostConfig: { ...body.HostConfig, Binds: binds },
      },
    };
  }

  /** Starts a gated container, which then waits. */
  async hold(id: string): Promise<Gate> {
    const input = await this.transport.upgrade({
      method: 'POST',
      path: `/containers/${id}/attach`,
      // The engine only reports the end through an output.
      query: { stream: true, stdin: true, stdout: true },
      timeoutMs: askTimeoutMs,
    });
    input.on('error', () => {});
    input.resume();
    // Before the start, because the engine reports the start before it responds.
    this.#waiting.set(id, input);
    let onEnd = () => {};
    input.once('close', () => {
      this.#waiting.delete(id);
      onEnd();
    });
    await this.start(id).catch((error: unknown) => {
      input.destroy();
      throw error;
    });
    return {
      open: () => this.#open(id, input),
      onEnd: (listener) => {
        onEnd = listener;
        if (input.destroyed) listener();
      },
    };
  }

  /** The gate waits for us. */
  holds(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** Ends our gates by closing their inputs; removes nothing. */
  override close(): void {
    for (const input of this.#waiting.values()) input.destroy();
    super.close();
  }

  override async inspect(nameOrId: string): Promise<ContainerInspection | null> {
    for (let inspections = 1; ; inspections++) {
      const found = await super.inspect(nameOrId);
      if (found === null || !isGated(found)) return found;
      if (found.State.StartedAt === never) return found;
      const gate = await this.#gateOf(found);
      if (gate === 'open') return this.#asOpened(found);
      if (gate === 'shut' || inspections === maxInspections) return this.#asCreated(found);
      await sleep(this.#clock, pollMs);
    }
  }

  /** 409 also for a waiting container that turns out to have been opened, though it may have ended since. */
  override async remove(id: string): Promise<void> {
    if (this.#waiting.has(id) || this.#waitingForOthers.has(id)) await this.#shut(id);
    await super.remove(id);
    this.#waiting.get(id)?.destroy();
    this.#waitingForOthers.delete(id);
    this.#opened.delete(id);
  }

  #open(id: string, input: Duplex): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!input.writable) return reject(this.unavailable('the gate has ended'));
      this.#waiting.delete(id);
      this.#remember(id, this.#clock.now());
      // From then on it would carry the job's output.
      this.#clock.after(lingerMs, () => input.destroy());
      input.end(opening, (error?: Error | null) =>
        error ? reject(this.unavailable(error.message)) : resolve(),
      );
    });
  }

  #remember(id: string, at: number): void {
    this.#opened.set(id, at);
    if (this.#opened.size > maxOpened) this.#opened.delete(this.#opened.keys().next().value as string);
  }

  #asOpened(found: ContainerInspection): ContainerInspection {
    const { Id: id, State: state, Config } = found;
    this.#waitingForOthers.delete(id);
    const openedAt = this.#opened.get(id) ?? dueOf(Config);
    const startedAt = Math.max(Date.parse(state.StartedAt), openedAt);
    return { ...found, State: { ...state, StartedAt: new Date(startedAt).toISOString() } };
  }

  #asCreated(found: ContainerInspection): ContainerInspection {
    const { Id: id, State: state } = found;
    if (state.Running && !this.#waiting.has(id)) this.#waitingForOthers.add(id);
    const State = { ...state, Status: 'created', Running: false, StartedAt: never };
    return { ...found, State, endedUnopened: !state.Running };
  }

  /** Unknown: the container is ending, so its processes are gone or the engine no longer lists them. */
  async #gateOf({ Id: id, State: state, Config }: ContainerInspection): Promise<'shut' | 'open' | 'unknown'> {
    if (!state.Running) {
      if (state.ExitCode !== unopened.exitCode) return 'open';
      return (await this.#said(id)) === unopened.words ? 'shut' : 'open';
    }
    if (this.#waiting.has(id)) return 'shut';
    if (this.#opened.has(id)) return 'open';
    const programs = await this.#programs(id);
    // We opened it meanwhile.
    if (this.#opened.has(id)) return 'open';
    if (programs.length === 0) return 'unknown';
    if (programs.every((program) => waiting.test(program))) return 'shut';
    this.#remember(id, dueOf(Config));
    return 'open';
  }

  /** The command lines of a container's living processes; empty if the engine cannot list them. */
  async #programs(id: string): Promise<string[]> {
    const path = `/containers/${id}/top`;
    const query = { ps_args: '-eo pid,args' };
    const call = { method: 'GET', path, query, timeoutMs: askTimeoutMs } as const;
    const answer = await this.transport.tolerating<{ Processes: string[][] | null }>([404, 409, 500], call);
    return (answer?.Processes ?? []).map(([, args = '']) => args).filter((args) => !defunct.test(args));
  }

  /** Its first output, slightly more than the gate's own. */
  async #said(id: string): Promise<string> {
    const reading = new AbortController();
    let said = '';
    try {
      const query = { stdout: true, stderr: true, follow: false, tail: 'all' } as const;
      for await (const { bytes } of readFrames(await this.logs(id, query, reading.signal))) {
        said += Buffer.from(bytes).toString('latin1');
        if (said.length > unopened.words.length) break;
      }
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error;
      // Being removed by a scheduler that found it unopened, because runs are not removed that soon.
      return unopened.words;
    } finally {
      reading.abort();
    }
    return said;
  }

  /** Resolves when the gate has ended unopened; 409 if it was opened first. */
  async #shut(id: string): Promise<void> {
    const path = `/containers/${id}/kill`;
    const call = {
      method: 'POST',
      path,
      query: { signal: closing.signal },
      timeoutMs: askTimeoutMs,
    } as const;
    for (let waitedMs = 0; waitedMs < shutPatienceMs; waitedMs += pollMs) {
      // Repeatedly, because a process that has just started does not listen yet.
      if (waitedMs % (10 * pollMs) === 0) await this.transport.tolerating([404, 409], call);
      const found = await super.inspect(id);
      if (found === null) return;
      // Querying the processes is expensive, and rarely needed.
      const asks = !found.State.Running || waitedMs % (10 * pollMs) === 9 * pollMs;
      if (asks && (await this.#gateOf(found)) === 'open')
        throw new EngineRefusal(409, 'its gate was already open');
      if (!found.State.Running) return;
      await sleep(this.#clock, pollMs);
    }
    throw this.unavailable('a gate does not close');
  }

  #install(architecture: string, image: string): Promise<void> {
    let installed = this.#installed.get(architecture);
    if (installed === undefined) {
      installed = this.#putGate(architecture, image);
      this.#installed.set(architecture, installed);
      installed.catch(() => this.#installed.delete(architecture));
    }
    return installed;
  }

  /** Volumes can be written only through a container: one that is never started. */
  async #putGate(architecture: string, image: string): Promise<void> {
    const volume = volumeOf(architecture);
    const name = `${volume}-setup`;
    // Left by a dead scheduler, or used by another one at this moment: then this is retried.
    await super.remove(name);
    const path = '/containers/create';
    const body = { Image: image, Entrypoint: [gatePath], HostConfig: { Binds: [`${volume}:${gateFolder}`] } };
    const call = { method: 'POST', path, query: { name }, body, timeoutMs: askTimeoutMs } as const;
    const { Id: id } = await this.transport.ask<{ Id: string }>(call);
    const bytes = Buffer.from(gatePrograms[architecture] ?? '', 'base64');
    await this.upload(id, gateFolder, tarOf([{ name: 'gate', mode: 0o755, bytes }]));
    await super.remove(id);
  }

  /** Call it after a gated container ended at once: its volume may have been removed. */
  forgetGate(): void {
    this.#installed.clear();
  }
}

/** The gate, or an init or runtime that is about to become it. */
const waiting = new RegExp(`^(?:${gatePath} |\\S+ -- ${gatePath} |\\S*runc init)`);

/** What `ps` calls an ended process. */
const defunct = / <defunct>$/;

/** No gate opens before the due time. */
function dueOf({ Labels }: ContainerInspection['Config']): number {
  return Date.parse(Labels?.[labelOf.due] ?? '') || 0;
}

/** Named by its content, so that two versions of the scheduler do not overwrite each other's. */
function volumeOf(architecture: string): string {
  const hash = createHash('sha256').update(gatePrograms[architecture] ?? '');
  return `carillon-gate-${architecture}-${hash.digest('hex').slice(0, 12)}`;
}
