/**
 * Pulls images: each once for any number of waiting launches, with the login of the job or this host, and
 * reports progress for users who ask why a run does not start.
 */

import { CarillonError } from '../../errors.ts';
import type { Clock, Log } from '../../scheduler/ports.ts';
import type { FindCredentials } from '../container/credentials.ts';
import { fullImageName } from '../container/registry.ts';
import { EngineRefusal, type RegistryAuth } from '../container/transport.ts';
import type { DockerEngine, PullLine } from './engine.ts';

/** Engines report many times a second, but people read rarely, and each report is stored with the run. */
const tellEveryMs = 5_000;
/** Images have some tens of layers; further ones are not counted. */
const maxLayers = 1_000;

export interface ImagePullsParts {
  readonly engine: Pick<DockerEngine, 'pull'>;
  readonly credentials: FindCredentials;
  readonly clock: Clock;
  readonly log: Log;
}

interface Pull {
  readonly done: Promise<void>;
  readonly listeners: Set<(progress: string) => void>;
}

export class ImagePulls {
  readonly #parts: ImagePullsParts;
  readonly #running = new Map<string, Pull>();

  constructor(parts: ImagePullsParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the image is present. `auth` is the job's own login; without one this host's is used.
   * `onProgress` is called at once, and then every few seconds while there is progress. LAUNCH_REFUSED with
   * the message of the engine or of the credentials; ENGINE_UNAVAILABLE.
   */
  async fetch(
    image: string,
    auth: RegistryAuth | null,
    onProgress: (progress: string) => void,
  ): Promise<void> {
    const name = fullImageName(image);
    const login = auth ?? (await this.#parts.credentials(name));
    // A job with another login must not benefit from this one's.
    const key = JSON.stringify([name, login]);
    const pull = this.#running.get(key) ?? this.#begin(key, name, login);
    pull.listeners.add(onProgress);
    onProgress(`pulling ${name}`);
    try {
      await pull.done;
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error;
      throw new CarillonError('LAUNCH_REFUSED', `Image ${name} cannot be pulled: ${error.words}`, {
        field: 'run.image',
        value: name,
      });
    } finally {
      pull.listeners.delete(onProgress);
    }
  }

  #begin(key: string, name: string, login: RegistryAuth | null): Pull {
    const listeners = new Set<(progress: string) => void>();
    const done = this.#pull(name, login, listeners).finally(() => this.#running.delete(key));
    const pull = { done, listeners };
    this.#running.set(key, pull);
    return pull;
  }

  async #pull(
    name: string,
    login: RegistryAuth | null,
    listeners: ReadonlySet<(progress: string) => void>,
  ): Promise<void> {
    const { engine, clock, log } = this.#parts;
    log.info({ image: name, login: login !== null }, 'image.pull');
    const progress = new PullProgress();
    const began = clock.monotonicMs();
    let reportedAt = began;
    let said = '';
    await engine.pull(name, login, (line) => {
      progress.hear(line);
      const now = clock.monotonicMs();
      const words = `pulling ${name}: ${progress.words()}`;
      if (now - reportedAt < tellEveryMs || words === said) return;
      reportedAt = now;
      said = words;
      log.info({ image: name, progress: progress.words() }, 'image.pulling');
      for (const listener of listeners) listener(words);
    });
    log.info({ image: name, ms: Math.round(clock.monotonicMs() - began) }, 'image.pulled');
  }
}

/** Adds up what an engine reports about the layers of one image. */
export class PullProgress {
  readonly #layers = new Map<string, { current: number; total: number; done: boolean }>();

  hear({ id, status, progressDetail }: PullLine): void {
    if (id === undefined || status === undefined || !layerStatus.test(status)) return;
    const layer = this.#layers.get(id) ?? { current: 0, total: 0, done: false };
    if (!this.#layers.has(id) && this.#layers.size >= maxLayers) return;
    const { current = 0, total = 0 } = progressDetail ?? {};
    if (status === 'Downloading') Object.assign(layer, { current, total });
    // Unpacking is also reported in bytes, which were already counted.
    else if (status === 'Download complete' || status === 'Verifying Checksum') layer.current = layer.total;
    else if (status === 'Pull complete' || status === 'Already exists')
      Object.assign(layer, { current: layer.total, done: true });
    this.#layers.set(id, layer);
  }

  words(): string {
    const layers = [...this.#layers.values()];
    if (layers.length === 0) return 'asking the registry';
    const sum = (key: 'current' | 'total') => layers.reduce((bytes, layer) => bytes + layer[key], 0);
    const ready = layers.filter(({ done }) => done).length;
    return `${megabytes(sum('current'))} of ${megabytes(sum('total'))} MB, ${ready} of ${layers.length} layers ready`;
  }
}

/** A line whose id is the image's tag is not about a layer. */
const layerStatus =
  /^(?:Pulling fs layer|Waiting|Downloading|Verifying Checksum|Download complete|Extracting|Pull complete|Already exists|Retrying)/;

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
