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
import type { Launcher, Log } from '../../src/scheduler/ports.ts';
import { LentEngine } from '../../src/scheduler/runtime/lent-engine.ts';
import { type LauncherHarness, launcherConformance } from '../conformance/launcher.ts';
import { believing, localAdmin } from '../support/askers.ts';
import { testMember } from '../support/rig.ts';
import { processHarness } from './process/harness.ts';
import { throughHost } from './through-hosts.ts';

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
  const lent = new LentEngine({ launcher: own, installation, clock: realClock, term: () => 0 });
  own.onObservation((observation) => lent.observed(observation));
  const app = fastify();
  app.setErrorHandler((error, request, reply) => sendError(log, error, request, reply));
  const context = {
    whole: { local: () => lent, cluster: () => ({ term: 0 }) },
    authenticator: believing(),
  } as unknown as ApiContext;
  app.decorateRequest('asker', null);
  app.addHook('onRequest', async (request) => {
    request.asker = { principal: { ...localAdmin, kind: 'node', name: 'n1' }, from: null, via: null };
  });
  app.register(async (routes) => localRoutes(routes, context), { prefix: '/internal' });
  let url: string | null = null;
  const peers = new Peers(realClock, 'n1');
  return throughHost({
    engine: own.engine,
    host: 'n2',
    members: [{ ...testMember, id: 'n2', capacity: { [engine.name]: 64 } }],
    there: createRemoteEngine({
      engine: engine.name,
      host: 'n2',
      peer: () => (url === null ? null : { url }),
      peers,
    }),
    logs: (launchName, query) => own.logs(launchName, query),
    describe: () => own.describe(),
    async start() {
      await own.start();
      await app.listen({ port: 0, host: '127.0.0.1' });
      url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    },
    async stop() {
      lent.stop();
      peers.close();
      if (app.server.listening) {
        const closed = once(app.server, 'close');
        await app.close();
        await closed;
      }
      await own.stop();
    },
  });
}
