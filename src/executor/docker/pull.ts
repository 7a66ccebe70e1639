/**
 * Fetches images: each once however many launches wait for it, with the login that the job or this host has, and
 * with word of how far it is, for a person who asks why a run does not start.
 */

import { CarillonError } from '../../errors.ts';
import type { Clock, Log } from '../../scheduler/ports.ts';
import type { FindCredentials } from '../container/credentials.ts';
import { fullImageName } from '../container/registry.ts';
import { EngineRefusal, type RegistryAuth } from '../container/transport.ts';
import type { DockerEngine, PullLine } from './engine.ts';

/** Engines speak many times a second; a person reads now and then, and each word is kept with the run. */
const tellEveryMs = 5_000;
/** Images have some tens of layers; what is beyond is not counted. */
const maxLayers = 1_000;

export interface ImagePullsOptions {
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
  readonly #options: ImagePullsOptions;
  readonly #running = new Map<string, Pull>();

  constructor(options: ImagePullsOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the image is there. `auth` is the job's own login; without one this host's is looked for.
   * `onProgress` hears at once, and then every few seconds while something moves. LAUNCH_REFUSED in the words of
   * the engine or of who has the login; ENGINE_UNAVAILABLE.
   */
  async fetch(
    image: string,
    auth: RegistryAuth | null,
    onProgress: (progress: string) => void,
  ): Promise<void> {
    const name = fullImageName(image);
    const login = auth ?? (await this.#options.credentials(name));
    // Who has another login must not profit from this one's.
    const key = JSON.stringify([name, login]);
    const pull = this.#running.get(key) ?? this.#begin(key, name, login);
    pull.listeners.add(onProgress);
    onProgress(`pulling ${name}`);
    try {
      await pull.done;
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error;
      throw new CarillonError('LAUNCH_REFUSED', `Image ${name} can not be pulled: ${error.words}`, {
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
    const { engine, clock, log } = this.#options;
    log.info({ image: name, login: login !== null }, 'image.pull');
    const progress = new PullProgress();
    const began = clock.monotonicMs();
    let told = began;
    let said = '';
    await engine.pull(name, login, (line) => {
      progress.hear(line);
      const now = clock.monotonicMs();
      const words = `pulling ${name}: ${progress.words()}`;
      if (now - told < tellEveryMs || words === said) return;
      told = now;
      said = words;
      log.info({ image: name, progress: progress.words() }, 'image.pulling');
      for (const listener of listeners) listener(words);
    });
    log.info({ image: name, ms: Math.round(clock.monotonicMs() - began) }, 'image.pulled');
  }
}

/** What an engine says of the layers of one image, added up. */
export class PullProgress {
  readonly #layers = new Map<string, { current: number; total: number; done: boolean }>();

  hear({ id, status, progressDetail }: PullLine): void {
    if (id === undefined || status === undefined || !layerStatus.test(status)) return;
    const layer = this.#layers.get(id) ?? { current: 0, total: 0, done: false };
    if (!this.#layers.has(id) && this.#layers.size >= maxLayers) return;
    const { current = 0, total = 0 } = progressDetail ?? {};
    if (status === 'Downloading') Object.assign(layer, { current, total });
    // Unpacking is told in bytes as well, which were counted already.
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

/** A line with the tag of the image as its id is about none of the layers. */
const layerStatus =
  /^(?:Pulling fs layer|Waiting|Downloading|Verifying Checksum|Download complete|Extracting|Pull complete|Already exists|Retrying)/;

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
