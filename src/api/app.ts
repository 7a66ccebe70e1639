/**
 * The HTTP interface, built apart from being served: whoever calls `buildApp` listens, or injects requests.
 * Everything it knows comes from the scheduler handle; closing it ends all streams it opened.
 */

import fastify, { type FastifyInstance } from 'fastify';
import type { SchedulerHandle } from '../scheduler/handle.ts';
import type { Clock, Log, Member } from '../scheduler/ports.ts';
import { limitBodies, readBodies } from './body/read.ts';
import { boundBodies } from './body/room.ts';
import type { Bare } from './body/yaml-process.ts';
import { chronosApi, meantAddress } from './chronos/app.ts';
import type { ApiContext } from './context.ts';
import { boundAnswers } from './guard/answer-room.ts';
import { compileCheck } from './guard/checking.ts';
import { Connections } from './guard/connections.ts';
import { answerOwnHosts, hostCheck } from './guard/host.ts';
import { refuseOtherMethods } from './guard/methods.ts';
import { Room } from './guard/room.ts';
import { protect } from './guard/security.ts';
import { LiveEvents } from './live.ts';
import { Metrics } from './metrics.ts';
import { describeApi, openapiRoute } from './openapi.ts';
import { forwardToLeader } from './peers/forward.ts';
import { Peers } from './peers/peer.ts';
import { applyRoutes } from './routes/apply.ts';
import { backupRoutes } from './routes/backup.ts';
import { eventRoutes } from './routes/events.ts';
import { graphRoutes } from './routes/graph.ts';
import { installationRoutes } from './routes/installation.ts';
import { jobPastRoutes } from './routes/job-past.ts';
import { jobRoutes } from './routes/jobs.ts';
import { localRoutes } from './routes/local.ts';
import { logRoutes } from './routes/logs.ts';
import { nodeRoutes } from './routes/node.ts';
import { overviewRoutes } from './routes/overview.ts';
import { plotRoutes } from './routes/plots.ts';
import { runRoutes } from './routes/runs.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { statsRoutes } from './routes/stats.ts';
import { timelineRoutes } from './routes/timeline.ts';
import { verdictRoutes } from './routes/verdicts.ts';
import { Turns } from './turns.ts';
import { WebApp } from './web-app.ts';
import { answerNoRequest, nothingHere, sendError } from './wire/error-map.ts';
import { apiLimits } from './wire/limits.ts';

export interface AppParts {
  readonly scheduler: SchedulerHandle;
  readonly clock: Clock;
  readonly log: Log;
  readonly node: Member;
  readonly settings?: AppSettings;
}

export interface AppSettings {
  /** The command line by which a child gets its first `count` descriptors and no other; absent: it gets all. */
  readonly bare?: Bare;
  /** Bytes of one request body. */
  readonly bodyLimitBytes?: number;
  /** How often a quiet stream of events says that it is still there. */
  readonly heartbeatMs?: number;
  /** Names by which this server is reached, besides those of loopback; without ports. */
  readonly hosts?: readonly string[];
  /** Folder of the built web app; without it there are no pages. */
  readonly webDir?: string;
}

/** Receiving a whole request may take this long: a full body over a slow line. */
const requestTimeoutMs = 120_000;
/** Longer than the keep-alive of common proxies, so that they close first and never meet a closed connection. */
const keepAliveMs = 75_000;
/** Longest part of a path, percent-encoded: a run's id is at most 200 characters. */
const maxParamLength = 1_024;

const apiRoutes = [
  jobRoutes,
  applyRoutes,
  runRoutes,
  verdictRoutes,
  jobPastRoutes,
  logRoutes,
  scheduleRoutes,
  graphRoutes,
  statsRoutes,
  plotRoutes,
  overviewRoutes,
  timelineRoutes,
  eventRoutes,
  installationRoutes,
  backupRoutes,
];

export function buildApp({ scheduler, clock, log, node, settings = {} }: AppParts): FastifyInstance {
  const checkHost = hostCheck(settings.hosts ?? []);
  const app = fastify({
    bodyLimit: settings.bodyLimitBytes ?? apiLimits.bodyBytes,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    rewriteUrl: ({ url = '/' }) => meantAddress(url),
    routerOptions: { maxParamLength },
    clientErrorHandler: answerNoRequest,
    // No hook ran before these.
    frameworkErrors: (error, request, reply) =>
      void sendError(log, thrownBy(() => checkHost(request)) ?? error, request, reply),
  });
  // Otherwise headers beyond the thousandth are dropped without a word. All of them have 16 KiB.
  app.server.maxHeadersCount = 0;
  const live = new LiveEvents(scheduler, {
    process: `${node.pid.toString(36)}${scheduler.now().toString(36)}`,
    clock,
    heartbeatMs: settings.heartbeatMs ?? 15_000,
  });
  const connections = new Connections(app);
  const streams = new Room({ what: 'streams of events or output', ...apiLimits.streams });
  const bodies = new Room({ what: 'bytes of request bodies', ...apiLimits.bodyRoom });
  const answers = new Room({ what: 'bytes of unread answers', ...apiLimits.answerRoom });
  const metrics = new Metrics(scheduler, () => ({
    connections: connections.count,
    streams: streams.held,
    bodyBytes: bodies.held,
    answerBytes: answers.held,
  }));
  const closing = new AbortController();
  const peers = new Peers(clock, () => scheduler.cluster().self);
  const context: ApiContext = {
    scheduler,
    clock,
    node,
    live,
    peers,
    streams,
    turns: new Turns(clock),
    closing: closing.signal,
  };

  app.setValidatorCompiler(compileCheck);
  // Answers are built for the wire and typed by their schemas; the tests hold every one of them to its schema.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error, request, reply) => sendError(log, error, request, reply));
  const web = new WebApp(settings.webDir ?? null);
  app.setNotFoundHandler(
    (request, reply) => web.answer(request, reply) ?? sendError(log, nothingHere(request), request, reply),
  );
  answerOwnHosts(app, checkHost);
  readBodies(app, { clock, turns: context.turns, bare: settings.bare });
  boundBodies(app, bodies, clock);
  boundAnswers(app, answers, clock);
  protect(app);
  refuseOtherMethods(app, (request) => web.has(request), maxParamLength);
  refuseUnknownParameters(app);
  describeApi(app, node.version);

  app.register(async (root) => nodeRoutes(root, context, metrics, web));
  app.register(async (local) => localRoutes(local, context), { prefix: '/internal' });
  app.register(
    async (api) => {
      forwardToLeader(api, context);
      limitBodies(api);
      for (const routes of apiRoutes) routes(api, context);
      openapiRoute(api);
    },
    { prefix: '/api/v1' },
  );
  chronosApi(app, context, log);
  // Before the server waits for its connections: streams would keep it waiting for ever.
  app.addHook('preClose', async () => {
    closing.abort();
    live.close();
    metrics.close();
  });
  // After the last answer: what was passed on comes to its end.
  app.addHook('onClose', async () => peers.close());
  return app;
}

function thrownBy(check: () => void): unknown {
  try {
    check();
    return null;
  } catch (error) {
    return error;
  }
}

/** A route that names no query parameters takes none: a misspelt one is never silently ignored. */
function refuseUnknownParameters(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    route.schema ??= {};
    route.schema.querystring ??= { type: 'object', properties: {}, additionalProperties: false };
  });
}
