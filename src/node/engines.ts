/**
 * The list of engines. Each describes itself (executor/engine.ts). Settings, checks, help and composition are
 * generated from this list, and no other code knows an engine by name.
 */

import { join } from 'node:path';
import { dockerEngine } from '../executor/docker/description.ts';
import type { CreatedEngine, Engine, EngineParts } from '../executor/engine.ts';
import { processEngine } from '../executor/process/description.ts';
import type { Secrets } from '../executor/secrets/secrets.ts';
import { sshEngine } from '../executor/ssh/description.ts';
import { swarmEngine } from '../executor/swarm/description.ts';
import type { EngineSettings, KnownEngine } from '../scheduler/model/model.ts';
import type { Launcher } from '../scheduler/ports.ts';
import { flagOf, type SettingsTable, type ValuesOf } from '../setting.ts';

/** In the order in which they are tried for a job that names none. */
export const engines: readonly Engine[] = [processEngine, dockerEngine, swarmEngine, sshEngine];

/** The settings of all engines. */
export const engineSettings: SettingsTable = Object.assign({}, ...engines.map(({ settings }) => settings));

/** Order of the settings in the help: addresses before limits. Settings that are not named here come last. */
export const helpOrder: readonly string[] = [
  ...['dockerHost', 'dockerTlsDir', 'dockerConfig', 'swarmHost', 'sshHosts'],
  ...['secretDir', 'secretEnv', 'secretExec', 'vaultFile'],
  ...[
    'processConcurrency',
    'dockerConcurrency',
    'swarmConcurrency',
    'startsInFlight',
    'processStarts',
    'dockerStarts',
  ],
];

/** The supervisor is stored with the processes that it starts, where only the scheduler can write. */
export const supervisorDir = (dataDir: string): string => join(dataDir, processEngine.name);

/** Engine descriptions for the core, including engines that are not configured here. */
export const knownEngines: readonly KnownEngine[] = engines.map(({ name, abilities, enabledBy }) => ({
  name,
  abilities,
  flag: enabledBy === null ? null : flagOf(enabledBy),
}));

/** Whether launches of this engine can be reached only from the node that started them. */
export const isPerNode = (name: string): boolean =>
  engines.some((engine) => engine.name === name && engine.perNode);

export interface Engines {
  readonly launchers: readonly Launcher[];
  readonly settings: Readonly<Record<string, EngineSettings>>;
  /** Names with addresses, for people. */
  readonly described: string;
  close(): Promise<void>;
}

/** Creates the engines that `values` enable. `host` is this node's id if there are other nodes, or null. */
export async function createEngines(
  parts: EngineParts,
  values: ValuesOf<SettingsTable>,
  host: string | null,
): Promise<Engines> {
  const all = await Promise.all(
    engines.map(async (engine) => ({ engine, created: await engine.create(parts, values) })),
  );
  const there = all.flatMap(({ engine, created }) => (created === null ? [] : [{ engine, created }]));
  return {
    launchers: there.map(({ created }) => created.launcher),
    settings: Object.fromEntries(
      there.map(({ engine, created }) => [engine.name, settingsOf(engine, created, parts.secrets, host)]),
    ),
    described: there
      .map(({ engine: { name }, created: { address } }) => (address === null ? name : `${name} (${address})`))
      .join(', '),
    async close() {
      for (const { created } of there) await created.close?.();
      parts.secrets.close();
    },
  };
}

/** Maximum concurrent attempts of each engine that only this node reaches. */
export const capacityOf = (settings: Engines['settings']): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(settings).flatMap(([name, { concurrency }]) =>
      isPerNode(name) && concurrency !== null ? [[name, concurrency]] : [],
    ),
  );

function settingsOf(
  engine: Engine,
  created: CreatedEngine,
  secrets: Secrets,
  host: string | null,
): EngineSettings {
  const abilities = created.abilities ?? engine.abilities;
  const startsInFlight = engine.startsInFlight ?? created.startsInFlight;
  return {
    concurrency: created.concurrency,
    abilities: { ...abilities, inabilities: [...abilities.inabilities, ...secrets.inabilities] },
    tombstoneMs: engine.tombstoneMs,
    ...(startsInFlight !== undefined && { startsInFlight }),
    ...(engine.perNode && host !== null && { host }),
    ...(created.launcher.hosts !== undefined && { onHosts: true as const }),
  };
}
