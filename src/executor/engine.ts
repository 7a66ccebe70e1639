/**
 * How an engine describes itself: one value, exported by its folder. The rest of the program knows nothing
 * else about the engine. `src/node/engines.ts` lists all engines.
 */

import type { EngineAbilities } from '../scheduler/job/engine-abilities.ts';
import type { Clock, Launcher, Log } from '../scheduler/ports.ts';
import type { SettingsTable, ValuesOf } from '../setting.ts';
import type { RunLogs } from './logs/run-logs.ts';
import type { Secrets } from './secrets/secrets.ts';

export interface Engine {
  /** The name in jobs, settings and records. It never changes. */
  readonly name: string;
  readonly abilities: EngineAbilities;
  /** By their keys in the file. Keys are unique among all engines, unless they share the row. */
  readonly settings: SettingsTable;
  /** The setting that enables it. Null: always enabled. */
  readonly enabledBy: string | null;
  /** Each node has its own, and no other node reaches what runs there. */
  readonly perNode: boolean;
  /** How long it remembers an ended launch, in ms: longer than any tolerated pause of a leader. */
  readonly tombstoneMs: number;
  /** Maximum concurrent starts, regardless of the settings. Default: the limit of all engines. */
  readonly startsInFlight?: number;
  /** Null if the settings do not enable it. Starts nothing: the scheduler starts the launcher. */
  create(parts: EngineParts, values: ValuesOf<SettingsTable>): Promise<CreatedEngine | null>;
}

/** With the types of its own settings. */
export interface EngineWith<S extends SettingsTable> extends Engine {
  readonly settings: S;
  readonly enabledBy: (keyof S & string) | null;
  create(parts: EngineParts, values: ValuesOf<S>): Promise<CreatedEngine | null>;
}

/** The parts of the node that engines use. */
export interface EngineParts {
  /** The id of the installation; names and labels of launches contain it. */
  readonly installation: string;
  /** The node's data directory; an engine keeps its files in a folder of its own name there. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Where logs go when a launch is removed. */
  readonly logs: RunLogs;
  readonly logBytesPerStream: number;
  /** The scheduler's environment. Jobs only see what their engine passes on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly secrets: Secrets;
  /** The path of the supervisor's program. Null if a shell replaces it. */
  readonly supervisor: string | null;
}

export interface CreatedEngine {
  readonly launcher: Launcher;
  /** If this host limits those of the engine. */
  readonly abilities?: EngineAbilities;
  /** Maximum concurrent attempts. Null: each of its hosts has a limit. */
  readonly concurrency: number | null;
  /** Maximum concurrent starts, if its own settings have it. */
  readonly startsInFlight?: number;
  /** Its address, for people. Null: this host. */
  readonly address: string | null;
  /** Removes what is only needed while the node runs, once the launcher has stopped. */
  readonly close?: () => Promise<void>;
}
