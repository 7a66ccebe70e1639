/** Looks at intervals whether what the leader depends on works: engines, the store, certificates. */

import type { Expiries, Expiry } from '../../expiry.ts';
import type { CommitFigures } from '../../handle.ts';
import type { Trouble } from '../../model/alert.ts';
import type { Clock, EngineDescription, Launcher } from '../../ports.ts';
import { within } from '../../waiting.ts';

const LOOK_MS = 15_000;
/** A hanging engine does not respond. */
const DESCRIBE_WITHIN_MS = 10_000;
/** A commit that takes longer is slow, by the bound of the histogram in seconds. */
const SLOW_FROM_S = 1;
/** Of a minute: a store that takes ten seconds for a commit makes few in one look. */
const COMMIT_LOOKS = 4;
/** Fewer commits in that time say nothing. */
const COMMITS_FROM = 2;
/** Before the names of this node's own certificates. */
const OWN_CERTIFICATES = 'tls';
const EXPIRES_WITHIN_MS = 14 * 86_400_000;

export interface WatchParts {
  readonly launchers: ReadonlyMap<string, Launcher>;
  /** Of this node itself. */
  readonly certificates?: Expiries | undefined;
  readonly commits: () => CommitFigures;
  readonly clock: Clock;
  readonly onLooked: (troubles: readonly Trouble[]) => void;
}

export class Watch {
  readonly #parts: WatchParts;
  #cancel: (() => void) | null = null;
  #stopped = false;
  /** As of the last looks, oldest first. */
  #commits: { readonly all: number; readonly slow: number }[] = [];

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#commits = [countsOf(this.#parts.commits())];
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #later(): void {
    if (this.#stopped) return;
    this.#cancel = this.#parts.clock.after(LOOK_MS, () => void this.#look().finally(() => this.#later()));
  }

  async #look(): Promise<void> {
    const { launchers, clock, certificates } = this.#parts;
    const looks = [...launchers.values()].map(async (launcher) => [
      ...troublesOf(launcher.engine, await describe(launcher, clock)),
      ...expiring(launcher.engine, (await launcher.expiries?.()) ?? [], clock.now()),
    ]);
    const own = expiring(OWN_CERTIFICATES, (await certificates?.()) ?? [], clock.now());
    const troubles = [...(await Promise.all(looks)).flat(), ...own, ...this.#store()];
    if (!this.#stopped) this.#parts.onLooked(troubles);
  }

  /** Half of the commits in the last looks were slow. */
  #store(): Trouble[] {
    const now = countsOf(this.#parts.commits());
    const before = this.#commits.at(-COMMIT_LOOKS);
    this.#commits = [...this.#commits, now].slice(-COMMIT_LOOKS);
    if (before === undefined) return [];
    const commits = now.all - before.all;
    const slow = now.slow - before.slow;
    if (commits < COMMITS_FROM || slow * 2 < commits) return [];
    return [{ condition: 'store-slow', subject: '', reason: { code: 'store-slow', slow, commits } }];
  }
}

const unreachable: EngineDescription = {
  reachable: false,
  version: null,
  detail: 'it does not respond in time',
};

const describe = async (launcher: Launcher, clock: Clock): Promise<EngineDescription> =>
  (await within(clock, DESCRIBE_WITHIN_MS, launcher.describe())) ?? unreachable;

function troublesOf(engine: string, { reachable, detail, hosts = [] }: EngineDescription): Trouble[] {
  const about = (subject: string, text: string | null): Trouble => ({
    condition: 'engine-unreachable',
    subject,
    reason: { code: 'engine-unavailable', text: text ?? 'it does not respond' },
  });
  const silent = hosts.filter((host) => !host.reachable);
  // A host that is gone says more than its engine, all of whose hosts are.
  if (silent.length > 0) return silent.map((host) => about(subjectOf(engine, host.name), host.detail));
  return reachable ? [] : [about(engine, detail)];
}

/** It becomes part of keys and headers; names of files may have any characters. */
const subjectOf = (engine: string, name: string): string => `${engine}.${name.replaceAll(/[^\w.-]/g, '_')}`;

const expiring = (engine: string, expiries: readonly Expiry[], now: number): Trouble[] =>
  expiries
    .filter(({ at }) => at - now < EXPIRES_WITHIN_MS)
    .map(({ name, at }) => ({
      condition: 'expiring',
      subject: subjectOf(engine, name),
      reason: { code: 'expires', at },
    }));

function countsOf({ times: { bounds, counts }, failed }: CommitFigures): { all: number; slow: number } {
  const all = counts.at(-1) ?? 0;
  const quick = counts[bounds.indexOf(SLOW_FROM_S)] ?? all;
  return { all: all + failed, slow: all - quick + failed };
}
