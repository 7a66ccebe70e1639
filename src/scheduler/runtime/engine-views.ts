/**
 * Current data of each engine: its own description, requested with a time limit, and what this node knows
 * about attempts on it. And of each pool.
 */

import type { EngineHostView, EngineView, PoolView } from '../handle.ts';
import type { Attempt } from '../model/model.ts';
import type { Clock, EngineDescription, EngineHosts, HostDescription, Launcher } from '../ports.ts';
import { engineLimit, poolLimit } from '../rules/launch.ts';
import type { State } from '../state/state.ts';
import { within } from '../waiting.ts';

/** A hanging engine must not delay the response; a busy one responds within milliseconds. */
const DESCRIBE_WITHIN_MS = 2_000;

export interface EngineViewParts {
  readonly launchers: Iterable<Launcher>;
  readonly state: State;
  /** Number of starts in the engine's start queue. */
  readonly startQueue: (engine: string) => number;
  readonly clock: Clock;
}

export function engineViews({ launchers, state, startQueue, clock }: EngineViewParts): Promise<EngineView[]> {
  const running = underWay(state, ({ engine }) => engine);
  return Promise.all(
    [...launchers].map(async (launcher) => {
      const { engine } = launcher;
      const { reachable, version, detail, cpus, memoryBytes, hosts } = await describe(launcher, clock);
      return {
        name: engine,
        reachable,
        version,
        detail,
        capacity: {
          ...slotsOf(state, engine),
          cpus: cpus ?? null,
          memoryBytes: memoryBytes ?? null,
        },
        running: running.get(engine) ?? 0,
        startQueue: startQueue(engine),
        queued: state.slots.waiting('engine', engine),
        startLatency: state.startTimes.summary(engine),
        ...(launcher.hosts && { hosts: hostViews(state, launcher.hosts, engine, hosts ?? []) }),
      };
    }),
  );
}

function hostViews(
  state: State,
  hosts: EngineHosts,
  engine: string,
  described: readonly HostDescription[],
): EngineHostView[] {
  const running = underWay(state, (attempt) => (attempt.engine === engine ? attempt.host : null));
  return hosts.list().flatMap(({ id: name, labels, slots: attempts, isAll }) => {
    if (isAll) return [];
    const { reachable = false, detail = null } = described.find((host) => host.name === name) ?? {};
    return [{ name, reachable, detail, labels, attempts, running: running.get(name) ?? 0 }];
  });
}

/** Sorted by name. */
export function poolViews({ settings, slots }: State): PoolView[] {
  return Object.keys(settings.pools)
    .sort()
    .flatMap((name) => {
      const limit = poolLimit(settings, name);
      if (limit === null) return [];
      const { key } = limit;
      return { name, places: limit.slots, taken: slots.inUse(key), queued: slots.waiting('pool', name) };
    });
}

/** The slots of an engine: if each node has it for itself, or it has hosts, those of all that respond. */
function slotsOf({ settings, others }: State, engine: string): { attempts: number | null; nodes: number } {
  const own = engineLimit(settings, engine)?.slots ?? null;
  const more = others.flatMap(({ capacity, isAll }) => (isAll ? [] : (capacity[engine] ?? [])));
  const onHosts = settings.engines[engine]?.onHosts === true;
  const attempts = own === null && !onHosts ? null : more.reduce((sum, slots) => sum + slots, own ?? 0);
  return { attempts, nodes: (onHosts ? 0 : 1) + more.length };
}

/** Numbers of attempts that were launched and have not ended, by `keyOf`; without those for which that is null. */
function underWay(state: State, keyOf: (attempt: Attempt) => string | null): Map<string, number> {
  const running = new Map<string, number>();
  for (const run of state.runs.values()) {
    const attempt = run.attempts.at(-1);
    if (attempt === undefined || (run.state !== 'launching' && run.state !== 'running')) continue;
    const key = keyOf(attempt);
    if (key !== null) running.set(key, (running.get(key) ?? 0) + 1);
  }
  return running;
}

async function describe(launcher: Launcher, clock: Clock): Promise<EngineDescription> {
  const detail = `the engine did not respond within ${DESCRIBE_WITHIN_MS / 1_000} seconds`;
  return (
    (await within(clock, DESCRIBE_WITHIN_MS, launcher.describe())) ?? {
      reachable: false,
      version: null,
      detail,
    }
  );
}
