/**
 * The HTTP API. `buildApp` builds it without listening, so that tests can inject requests. It knows only the
 * scheduler handle. Closing it ends all streams that it opened.
 */

import type { IncomingMessage } from 'node:http';
import fastify, { type FastifyInstance } from 'fastify';
import { CarillonError } from '../errors.ts';
import type { Peers } from '../peers/client.ts';
import { authorized } from '../scheduler/authorized/handle.ts';
import type { ArchiveFigures, AuditFigures, SchedulerHandle, TraceFigures } from '../scheduler/handle.ts';
import type { Clock, Log, Member } from '../scheduler/ports.ts';
import type { Buckets } from '../scheduler/stats/tally.ts';
import { limitBodies, readBodies } from './body/read.ts';
import { boundBodies } from './body/room.ts';
import type { Bare } from './body/yaml-process.ts';
import { chronosApi, meantAddress } from './chronos/app.ts';
import type { ApiContext } from './context.ts';
import { boundAnswers } from './guard/answer-room.ts';
import type { Authenticator } from './guard/authenticator.ts';
import { compileCheck } from './guard/checking.ts';
import { Connections } from './guard/connections.ts';
import type { Credentials } from './guard/credentials.ts';
import { answerOwnHosts, type HostCheck, hostCheck } from './guard/host.ts';
import { refuseOtherMethods } from './guard/methods.ts';
import { askerIn, requireNeeds } from './guard/needs.ts';
import { limitReads, Reads } from './guard/reads.ts';
import { Room } from './guard/room.ts';
import { protect } from './guard/security.ts';
import { createListener, createPeerListener, isFromPeer, type ListenerTls } from './listener.ts';
import { withNearName } from './lists/near-name.ts';
import { LiveEvents } from './live.ts';
import { Metrics, type MetricsJobs } from './metrics/metrics.ts';
import type { Load } from './metrics/scrape.ts';
import { describeApi, openapiRoute } from './openapi.ts';
import { forwardToLeader } from './peers/forward.ts';
import { loginRoutes } from './routes/access/login.ts';
import { accessRoutes } from './routes/access/tokens.ts';
import { toldRoute } from './routes/access/told.ts';
import { alertRoutes } from './routes/alerts.ts';
import { applyRoutes } from './routes/apply.ts';
import { backfillRoutes } from './routes/backfills/backfills.ts';
import { backupRoutes } from './routes/backup.ts';
import { calendarRoutes } from './routes/calendars/calendars.ts';
import { exceptionRoutes } from './routes/calendars/exceptions.ts';
import { maintenanceRoutes } from './routes/calendars/maintenance.ts';
import { eventRoutes } from './routes/events.ts';
import { graphRoutes } from './routes/graph.ts';
import { gridRoute } from './routes/grid/grid.ts';
import { roundRoute } from './routes/grid/round.ts';
import { heartbeatRoutes } from './routes/heartbeats.ts';
import { installationRoutes } from './routes/installation.ts';
import { jobPastRoutes } from './routes/job-past.ts';
import { jobRoutes } from './routes/jobs.ts';
import { localRoutes } from './routes/local.ts';
import { logSearchRoutes } from './routes/log-search.ts';
import { logRoutes } from './routes/logs.ts';
import { type NodeParts, nodeRoutes } from './routes/node.ts';
import { overviewRoutes } from './routes/overview.ts';
import { pipelineRoutes } from './routes/pipelines.ts';
import { plotRoutes } from './routes/plots.ts';
import { renderedRoutes } from './routes/previews/rendered.ts';
import { runRoutes } from './routes/runs.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { statsRoutes } from './routes/stats.ts';
import { timelineRoutes } from './routes/timeline.ts';
import { verdictRoutes } from './routes/verdicts.ts';
import { Turns } from './turns.ts';
import { WebApp } from './web-app.ts';
import { answerNoRequest, nothingHere, sendError } from './wire/error-map.ts';
import { apiLimits } from './wire/limits.ts';

export type { Authenticator };

export interface AppParts {
  readonly scheduler: SchedulerHandle;
  readonly clock: Clock;
  readonly log: Log;
  readonly node: Member;
  /** The app closes it after its last response. */
  readonly peers: Peers;
  readonly authenticator: Authenticator;
  /** How people and programs get what it takes. */
  readonly credentials: Credentials;
  readonly settings?: AppSettings;
}

export interface AppSettings {
  /**
   * Returns a command line that passes only the first `count` file descriptors to a child. Default: the child
   * gets all.
   */
  readonly bare?: Bare;
  /** Maximum size of a request body in bytes. */
  readonly bodyLimitBytes?: number;
  /** Interval of the heartbeats on a quiet event stream. */
  readonly heartbeatMs?: number;
  /** Host names of this server besides loopback names, without ports. */
  readonly hosts?: readonly string[];
  /** Absent: there are no other nodes. */
  readonly peers?: { readonly tls: ListenerTls | null };
  /** Whether a request came in at the listener for other nodes. Default: that of the app. */
  readonly isPeer?: (raw: IncomingMessage) => boolean;
  /** Metrics need no log-in. Default: false. */
  readonly openMetrics?: boolean;
  /** How late timers fire, as measured for metrics. */
  readonly loopDelay?: () => Buckets;
  /** Default: plain HTTP. */
  readonly tls?: ListenerTls;
  /** Spans of this node, for metrics. Absent: runs are not traced. */
  readonly traces?: () => TraceFigures;
  /** Absent: there is no archive of logs. */
  readonly archive?: () => ArchiveFigures;
  /** Absent: the audit goes to the store alone. */
  readonly audit?: () => AuditFigures;
  /** Jobs with metrics of their own. Default: none. */
  readonly metricsJobs?: MetricsJobs;
  /** Folder of the built web app. Without it there are no pages. */
  readonly webDir?: string;
}

/** Maximum length of a path parameter, percent-encoded: a run id has up to 200 characters. */
const maxParamLength = 1_024;

const apiRoutes = [
  jobRoutes,
  applyRoutes,
  runRoutes,
  pipelineRoutes,
  backfillRoutes,
  renderedRoutes,
  verdictRoutes,
  heartbeatRoutes,
  jobPastRoutes,
  logRoutes,
  logSearchRoutes,
  scheduleRoutes,
  graphRoutes,
  statsRoutes,
  plotRoutes,
  overviewRoutes,
  timelineRoutes,
  gridRoute,
  roundRoute,
  eventRoutes,
  installationRoutes,
  alertRoutes,
  calendarRoutes,
  exceptionRoutes,
  maintenanceRoutes,
  backupRoutes,
  accessRoutes,
];

export function buildApp(parts: AppParts): FastifyInstance {
  const { scheduler, clock, log, node, peers, authenticator, credentials, settings = {} } = parts;
  const checkHost = hostCheck(settings.hosts ?? []);
  const connections = new Connections();
  const app = serverOf(parts, checkHost, connections);
  const live = new LiveEvents(scheduler, {
    process: `${node.pid.toString(36)}${scheduler.now().toString(36)}`,
    clock,
    heartbeatMs: settings.heartbeatMs ?? 15_000,
  });
  const { bodies, answers, load, ...rooms } = roomFor(connections);
  connections.use(app);
  const { peers: others } = settings;
  app.decorate('peerListener', others ? createPeerListener(app, others.tls, connections) : null);
  const turns = new Turns(clock);
  const metrics = new Metrics({
    scheduler,
    turns,
    version: node.version,
    jobs: settings.metricsJobs ?? { most: 0, labels: [] },
    load,
    loopDelay: settings.loopDelay,
    traces: settings.traces,
    archive: settings.archive,
    audit: settings.audit,
  });
  const closing = new AbortController();
  const context: ApiContext = {
    whole: scheduler,
    clock,
    node,
    live,
    peers,
    authenticator,
    credentials,
    as: (request) => authorized(scheduler, askerIn(request)),
    ...rooms,
    turns,
    closing: closing.signal,
  };

  app.setValidatorCompiler(compileCheck);
  // Responses are built and typed by their schemas, and tests validate each one, so they are not filtered
  // again here.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error, request, reply) => {
    const said = error instanceof CarillonError ? withNearName(error, () => context.as(request)) : error;
    return sendError(log, said, request, reply);
  });
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
  requireNeeds(app, { authenticator, isPeer: settings.isPeer ?? isFromPeer });
  refuseUnknownParameters(app);
  describeApi(app, node.version);

  addRoutes(app, context, { log, metrics, web, openMetrics: settings.openMetrics ?? false });
  // Before the server waits for its connections to close: open streams would keep it waiting forever.
  app.addHook('preClose', async () => {
    closing.abort();
    live.close();
    metrics.close();
  });
  // After the last response, so that forwarded requests complete.
  app.addHook('onClose', async () => peers.close());
  return app;
}

/** The server, without routes and hooks. */
function serverOf(
  { log, settings = {} }: AppParts,
  checkHost: HostCheck,
  connections: Connections,
): FastifyInstance {
  return fastify({
    serverFactory: (handler) => createListener(handler, settings.tls ?? null, connections),
    bodyLimit: settings.bodyLimitBytes ?? apiLimits.bodyBytes,
    rewriteUrl: ({ url = '/' }) => meantAddress(url),
    routerOptions: { maxParamLength },
    clientErrorHandler: answerNoRequest,
    // These requests did not pass the hooks.
    frameworkErrors: (error, request, reply) =>
      void sendError(log, thrownBy(() => checkHost(request)) ?? error, request, reply),
  });
}

/** Limits of what clients use at the same time, and the current values. */
function roomFor(connections: Connections) {
  const streams = new Room({ what: 'event or output streams', ...apiLimits.streams });
  const bodies = new Room({ what: 'bytes of request bodies', ...apiLimits.bodyRoom });
  const answers = new Room({ what: 'bytes of unread responses', ...apiLimits.answerRoom });
  const reads = new Reads(apiLimits.reads);
  const longAnswers = new Room({ what: 'long responses', ...apiLimits.longAnswers });
  const searches = new Room({ what: 'searches in output', ...apiLimits.searches });
  const logIns = new Room({ what: 'log-ins', ...apiLimits.logIns });
  const load = (): Load => ({
    connections: connections.count,
    reads: reads.inProgress,
    streams: streams.held,
    bodyBytes: bodies.held,
    answerBytes: answers.held,
  });
  return { streams, bodies, answers, reads, longAnswers, searches, logIns, load };
}

interface RouteParts extends NodeParts {
  readonly log: Log;
}

function addRoutes(app: FastifyInstance, context: ApiContext, { log, ...parts }: RouteParts): void {
  app.register(async (root) => nodeRoutes(root, context, parts));
  app.register(async (api) => loginRoutes(api, context), { prefix: '/api/v1' });
  app.register(async (local) => localRoutes(local, context), { prefix: '/internal' });
  app.register(async (local) => toldRoute(local, context), { prefix: '/internal' });
  app.register(
    async (api) => {
      forwardToLeader(api, context);
      limitReads(api, context.reads);
      limitBodies(api);
      for (const routes of apiRoutes) routes(api, context);
      openapiRoute(api);
    },
    { prefix: '/api/v1' },
  );
  chronosApi(app, context, log);
}

function thrownBy(check: () => void): unknown {
  try {
    check();
    return null;
  } catch (error) {
    return error;
  }
}

/**
 * A route that declares no query parameters accepts none, so that a misspelt one is never silently ignored.
 */
function refuseUnknownParameters(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    route.schema ??= {};
    route.schema.querystring ??= { type: 'object', properties: {}, additionalProperties: false };
  });
}
