/**
 * Masks secrets in output that an engine keeps. The engine has the values of variables itself, so whoever reads the output
 * finds them there, also after another node has become the leader. It does not return mounted files: those that this process
 * created are known, and those of others are read again from their source.
 */

import { CarillonError } from '../../errors.ts';
import type { LaunchSpec, SecretFile } from '../../scheduler/job/spec.ts';
import type { Log, LogChunk } from '../../scheduler/ports.ts';
import { Mask, masksOf } from '../secrets/mask.ts';
import type { Secrets } from '../secrets/secrets.ts';

const label = 'carillon.secrets';
const newline = 0x0a;
/** Launches whose files are known. */
const mostKnown = 10_000;

/** Names and sources, and no values. */
interface Noted {
  readonly variables: readonly string[];
  readonly files: readonly SecretFile[];
}

/** For every launch, so that its output can be masked later. Labels of its job and its image do not count. */
export function secretsLabel({ secrets, container }: LaunchSpec): Record<string, string> {
  const noted: Noted = { variables: Object.keys(secrets), files: container.secretFiles };
  const hasSome = noted.variables.length + noted.files.length > 0;
  return { [label]: hasSome ? JSON.stringify(noted) : '' };
}

/** A launch as its engine has it. */
export interface MaskedLaunch {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>> | null;
  /** `NAME=value`. */
  readonly env: readonly string[] | null | undefined;
}

export class LaunchMasks {
  readonly #secrets: Secrets;
  readonly #log: Log;
  readonly #files = new Map<string, readonly (string | Uint8Array)[]>();

  constructor(secrets: Secrets, log: Log) {
    this.#secrets = secrets;
    this.#log = log;
  }

  /** The contents of the files with which a launch is created. */
  note(launchName: string, files: readonly (string | Uint8Array)[]): void {
    if (files.length === 0) return;
    this.#files.delete(launchName);
    this.#files.set(launchName, files);
    const [oldest] = this.#files.keys();
    if (this.#files.size > mostKnown && oldest !== undefined) this.#files.delete(oldest);
  }

  forget(launchName: string): void {
    this.#files.delete(launchName);
  }

  /** ENGINE_UNAVAILABLE while a source cannot be read. One that has gone is left out. */
  async of({ name, labels, env }: MaskedLaunch): Promise<readonly Buffer[]> {
    const text = labels?.[label];
    if (text === undefined || text === '') return [];
    const { variables, files } = JSON.parse(text) as Noted;
    const values = (env ?? []).flatMap((each) => {
      const [variable = ''] = each.split('=', 1);
      return variables.includes(variable) ? [each.slice(variable.length + 1)] : [];
    });
    const contents =
      this.#files.get(name) ?? (await Promise.all(files.map((file) => this.#read(name, file))));
    return masksOf([...values, ...contents]);
  }

  async #read(launch: string, { name, mount: _, ...ref }: SecretFile): Promise<Uint8Array> {
    const field = `run.secrets.${name}`;
    return this.#secrets.read(field, ref).catch((error: unknown) => {
      if (!(error instanceof CarillonError) || error.code !== 'LAUNCH_REFUSED') throw error;
      this.#log.warn({ launch, field }, 'launch.secret-not-masked');
      return new Uint8Array(0);
    });
  }
}

/** Output in which the masks are replaced, wherever its chunks are cut. */
export async function* maskedOutput(
  source: AsyncIterable<LogChunk>,
  masks: readonly Buffer[],
): AsyncGenerator<LogChunk> {
  if (masks.length === 0) return yield* source;
  const streams = { stdout: new MaskedStream(masks), stderr: new MaskedStream(masks) };
  for await (const chunk of source) yield* streams[chunk.stream].take(chunk);
  for (const stream of ['stdout', 'stderr'] as const) yield* streams[stream].rest(stream);
}

class MaskedStream {
  readonly #mask: Mask;
  /** Of what is held back: when it was printed. */
  #held: LogChunk['printed'] | null = null;

  constructor(masks: readonly Buffer[]) {
    this.#mask = new Mask(masks);
  }

  *take(chunk: LogChunk): Generator<LogChunk> {
    const printed = this.#held ?? chunk.printed;
    const bytes = this.#mask.push(chunk.bytes);
    if (bytes.length > 0) yield { ...chunk, bytes, ...(printed && { printed }) };
    this.#held = null;
    if (!this.#mask.isHolding || chunk.printed === undefined) return;
    this.#held =
      bytes.length === 0 ? (printed ?? null) : { ...chunk.printed, inLine: bytes.at(-1) !== newline };
  }

  *rest(stream: LogChunk['stream']): Generator<LogChunk> {
    const bytes = this.#mask.end();
    if (bytes.length > 0) yield { stream, bytes, ...(this.#held && { printed: this.#held }) };
  }
}
