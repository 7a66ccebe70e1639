/** A launcher made of the hosts of an engine, as the leader uses them: for the conformance suite. */

import { realClock } from '../../src/node/clock.ts';
import type { Event } from '../../src/scheduler/event.ts';
import type {
  EngineHost,
  Launcher,
  LaunchReport,
  LocalEngine,
  Log,
  Member,
  Observation,
} from '../../src/scheduler/ports.ts';
import { Hosts } from '../../src/scheduler/runtime/hosts.ts';
import { testMember } from '../support/rig.ts';
import { until } from '../support/until.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

export interface ThroughHostParts {
  readonly engine: string;
  readonly host: string;
  /** The host as a node, or as a host of the engine. */
  readonly members?: readonly Member[];
  readonly engineHosts?: readonly EngineHost[];
  readonly there: Required<LocalEngine>;
  readonly logs: Launcher['logs'];
  readonly describe: Launcher['describe'];
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export function throughHost({
  engine,
  host,
  members = [],
  engineHosts = [],
  there,
  ...parts
}: ThroughHostParts): Launcher {
  const listeners: ((observation: Observation) => void)[] = [];
  const told = new Set<string>();
  const emit = (observation: Observation): void => {
    told.add(observation.launchName);
    for (const listener of listeners) listener(observation);
  };
  let isOpen = false;
  const hosts = new Hosts({
    term: 0,
    self: testMember,
    members: () => [testMember, ...members],
    engineHosts: () => engineHosts.map((each) => ({ engine, ...each })),
    engineOf: () => there,
    unfinished: () => [],
    isUnclear: () => false,
    running: () => new Set(),
    clock: realClock,
    log,
    post: (event: Exclude<Event, { kind: 'command' }>) => {
      if (event.kind === 'observed') emit(event.observation);
      else if (event.kind === 'inventory')
        for (const report of event.inventory.reports) observationsOf(report).forEach(emit);
      else if (event.kind === 'nodes')
        isOpen = event.nodes.some(({ capacity }) => capacity[engine] !== undefined);
    },
  });
  return {
    engine,
    onObservation: (listener) => void listeners.push(listener),
    async start() {
      await parts.start();
      hosts.start();
      await until('the host takes launches', () => isOpen, 30_000);
    },
    async stop() {
      hosts.stop();
      await parts.stop();
    },
    async launch(spec, mayStart = () => true) {
      await hosts.launch(host, spec, mayStart);
      // It follows, also if this leader ends right after.
      await until('the start was told', () => told.has(spec.launchName));
    },
    kill: there.kill,
    takeBack: there.takeBack,
    remove: there.remove,
    inventory: there.inventory,
    logs: parts.logs,
    describe: parts.describe,
  };
}

/** What an inventory tells to who has heard nothing else. */
function observationsOf({ state, startedAt, endedAt, ...report }: LaunchReport): Observation[] {
  const { launchName, exitCode = null } = report;
  if (startedAt === undefined) return [];
  const started: Observation = { kind: 'started', launchName, at: startedAt };
  if (state !== 'ended' || endedAt === undefined) return [started];
  return [started, { ...report, kind: 'ended', at: endedAt, startedAt, exitCode }];
}
