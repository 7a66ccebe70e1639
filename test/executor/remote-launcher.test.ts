/** The process engine of another node, over HTTP, is as good a launcher as the node's own. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import type { ApiContext } from '../../src/api/context.ts';
import { localRoutes } from '../../src/api/routes/local.ts';
import { sendError } from '../../src/api/wire/error-map.ts';
import { processEngine } from '../../src/executor/process/description.ts';
import { createRemoteEngine } from '../../src/executor/remote.ts';
import { realClock } from '../../src/node/clock.ts';
import { Peers } from '../../src/peers/client.ts';
import type { Event } from '../../src/scheduler/event.ts';
import type { Launcher, LaunchReport, Log, Observation } from '../../src/scheduler/ports.ts';
import { Hosts } from '../../src/scheduler/runtime/hosts.ts';
import { LentEngine } from '../../src/scheduler/runtime/lent-engine.ts';
import { type LauncherHarness, launcherConformance } from '../conformance/launcher.ts';
import { testMember } from '../support/rig.ts';
import { until } from '../support/until.ts';
import { processHarness } from './process/harness.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const why = 'it is prepared on its own node only';
/** Without preparations. */
const engine = {
  ...processEngine,
  abilities: { ...processEngine.abilities, ahead: { prestage: why, warmStart: why } },
};

launcherConformance(engine, remoteHarness, { limits: 'of another node' });

async function remoteHarness(): Promise<LauncherHarness> {
  const harness = await processHarness();
  return {
    ...harness,
    createLauncher: (installation) => throughNode(harness.createLauncher(installation), installation),
  };
}

/** The leader's view of a launcher that another node has. */
function throughNode(own: Launcher, installation = 'conformance'): Launcher {
  const listeners: ((observation: Observation) => void)[] = [];
  const told = new Set<string>();
  const emit = (observation: Observation): void => {
    told.add(observation.launchName);
    for (const listener of listeners) listener(observation);
  };
  const lent = new LentEngine({ launcher: own, installation, clock: realClock, term: () => 0 });
  own.onObservation((observation) => lent.observed(observation));
  const app = fastify();
  app.setErrorHandler((error, request, reply) => sendError(log, error, request, reply));
  const context = { scheduler: { local: () => lent } } as unknown as ApiContext;
  app.register(async (routes) => localRoutes(routes, context), { prefix: '/internal' });
  let url: string | null = null;
  let isOpen = false;
  const peers = new Peers(realClock, 'n1');
  const remote = createRemoteEngine({ engine: engine.name, host: 'n2', url: () => url, peers });
  const hosts = new Hosts({
    term: 0,
    self: testMember,
    members: () => [testMember, { ...testMember, id: 'n2', capacity: { [engine.name]: 64 } }],
    engineOf: () => remote,
    unfinished: () => [],
    isUnclear: () => false,
    running: () => new Set(),
    clock: realClock,
    log,
    post: (event: Exclude<Event, { kind: 'command' }>) => {
      if (event.kind === 'observed') emit(event.observation);
      else if (event.kind === 'inventory')
        for (const report of event.inventory.reports) observationsOf(report).forEach(emit);
      else if (event.kind === 'nodes') isOpen = event.nodes.length > 0;
    },
  });
  return {
    engine: own.engine,
    onObservation: (listener) => void listeners.push(listener),
    async start() {
      await own.start();
      await app.listen({ port: 0, host: '127.0.0.1' });
      url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
      hosts.start();
      await until('the node takes launches', () => isOpen);
    },
    async stop() {
      hosts.stop();
      lent.stop();
      peers.close();
      if (app.server.listening) {
        const closed = once(app.server, 'close');
        await app.close();
        await closed;
      }
      await own.stop();
    },
    async launch(spec, mayStart = () => true) {
      await hosts.launch('n2', spec, mayStart);
      // It follows, also if this leader ends right after.
      await until('the start was told', () => told.has(spec.launchName));
    },
    kill: remote.kill,
    takeBack: remote.takeBack,
    remove: remote.remove,
    inventory: remote.inventory,
    logs: (launchName, query) => own.logs(launchName, query),
    describe: () => own.describe(),
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
