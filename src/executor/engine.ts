/**
 * How an engine describes itself: one value, which its folder exports. The rest of the program knows nothing else about
 * the engine. `src/node/engines.ts` lists them.
 */

import type { EngineAbilities } from '../scheduler/job/engine-abilities.ts';
import type { Clock, Launcher, Log } from '../scheduler/ports.ts';
import type { SettingsTable, ValuesOf } from '../setting.ts';
import type { RunLogs } from './logs/run-logs.ts';

export interface Engine {
  /** By which jobs, settings and records name it; stays for ever. */
  readonly name: string;
  readonly abilities: EngineAbilities;
  /** By their keys in the file. Keys are unique among all engines, unless it is the same row. */
  readonly settings: SettingsTable;
  /** The setting by which a scheduler gets it; null: it always has it. */
  readonly enabledBy: string | null;
  /** Each node has one of its own, and no other node reaches what runs there. */
  readonly perNode: boolean;
  /** How long it remembers an ended launch, in ms: longer than any pause of a leader that we tolerate. */
  readonly tombstoneMs: number;
  /** Maximum concurrent starts, regardless of the settings. Default: the limit of all engines. */
  readonly startsInFlight?: number;
  /** Null where the settings do not ask for it. Starts nothing: its launcher is started by the scheduler. */
  create(parts: EngineParts, values: ValuesOf<SettingsTable>): Promise<CreatedEngine | null>;
}

/** As its folder knows it: with the types of its own settings. */
export interface EngineWith<S extends SettingsTable> extends Engine {
  readonly settings: S;
  readonly enabledBy: (keyof S & string) | null;
  create(parts: EngineParts, values: ValuesOf<S>): Promise<CreatedEngine | null>;
}

/** The parts of the node that engines use. */
export interface EngineParts {
  /** The installation's id; names and labels of launches carry it. */
  readonly cluster: string;
  /** The node's; an engine keeps its files in a folder of its own name there. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Where logs go when a launch is removed. */
  readonly logs: RunLogs;
  readonly logBytesPerStream: number;
  /** The scheduler's. Jobs see only what their engine hands on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The path of the supervisor's program; null where a shell takes its place. */
  readonly supervisor: string | null;
}

export interface CreatedEngine {
  readonly launcher: Launcher;
  /** Attempts it may have at once. */
  readonly concurrency: number;
  /** Maximum concurrent starts, if its own settings have it. */
  readonly startsInFlight?: number;
  /** Its address, for people; null: this host. */
  readonly address: string | null;
  /** Clears away what is needed only while the node runs, once the launcher has stopped. */
  readonly close?: () => Promise<void>;
}
