#!/usr/bin/env node
/** The composition root: makes the parts, joins them, and takes signals. Nobody imports this file. */

import { readFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { buildApp } from './api/app.ts';
import { runCli } from './cli/program.ts';
import { CarillonError } from './errors.ts';
import type { TlsFiles } from './executor/container/address.ts';
import { createCredentials } from './executor/container/credentials.ts';
import { createDockerLauncher } from './executor/docker/launcher.ts';
import { createRunLogs, type RunLogs } from './executor/logs/run-logs.ts';
import { openCgroups, removeCgroup } from './executor/process/cgroup.ts';
import { createProcessLauncher } from './executor/process/launcher.ts';
import { createRemoteEngine } from './executor/remote.ts';
import { installSupervisor, onlyDescriptors } from './executor/supervisor/file.ts';
import { createSwarmLauncher } from './executor/swarm/launcher.ts';
import { realClock } from './node/clock.ts';
import { type Config, hostsOf, isWildcard, loadConfig } from './node/config.ts';
import { knownInstallation, makeDataDir, nodeId, noteInstallation } from './node/files.ts';
import { createLog } from './node/log.ts';
import { restoreBackup } from './node/restore.ts';
import { stopWithin } from './node/stop.ts';
import type { EngineSettings } from './scheduler/model/model.ts';
import type { Election, Launcher, Log, Member, Store } from './scheduler/ports.ts';
import { Scheduler } from './scheduler/runtime/scheduler.ts';
import { createSoloElection } from './store/election-solo.ts';
import { createEmbeddedStore } from './store/embedded/store.ts';
import { createZooKeeperElection } from './store/zookeeper/election.ts';
import { createZooKeeperStore } from './store/zookeeper/store.ts';
import { readZooKeeperAuth } from './store/zookeeper/wire/auth.ts';
import { createZooKeeperSession } from './store/zookeeper/wire/session.ts';

/** More at once only make each one later: measured with containers and with processes. */
const STARTS_PER_CORE = 2;
/** One node that holds its store's lock can't be paused past its own processes; a little for the clock's sake. */
const PROCESS_TOMBSTONE_MS = 60_000;
/** Longer than a machine may be suspended and come back as if nothing had happened. */
const DOCKER_TOMBSTONE_MS = 600_000;
/** They start on its nodes: three small ones gain little from more. */
const SWARM_STARTS = 16;

const stopSignals = ['SIGTERM', 'SIGINT'] as const;

interface Engines {
  readonly launchers: readonly Launcher[];
  readonly settings: Readonly<Record<string, EngineSettings>>;
}

interface Surroundings {
  readonly config: Config;
  readonly log: Log;
  /** The path of the supervisor's program; null where a shell takes its place. */
  readonly supervisor: string | null;
  /** For children of ours: the command line by which they get their first `count` descriptors and no other. */
  readonly bare: (count: number, argv: readonly [string, ...string[]]) => readonly [string, ...string[]];
  /** The folder for the cgroups of processes; null: there are none. */
  readonly cgroups: string | null;
}

/** `host`: this node, where there are others; the process engine is its own then. */
function createEngines(around: Surroundings, cluster: string, host: string | null): Engines {
  const { config, log, supervisor, cgroups, bare } = around;
  const clock = realClock;
  const logs: RunLogs = createRunLogs({
    dir: join(config.dataDir, 'logs'),
    clock,
    bytesPerStream: config.logLimit,
    maxAgeMs: config.logRetention,
  });
  const launchers: Launcher[] = [
    createProcessLauncher({
      dir: join(config.dataDir, 'process'),
      cluster,
      clock,
      log,
      logs,
      supervisor,
      cgroups,
      environment: process.env,
      secretFolders: config.secretDir,
      logBytesPerStream: config.logLimit,
    }),
  ];
  const settings: Record<string, EngineSettings> = {
    process: {
      concurrency: config.processConcurrency,
      kind: 'process',
      tombstoneMs: PROCESS_TOMBSTONE_MS,
      ...(host === null ? {} : { host }),
    },
  };
  const containers = {
    ...{ ...tlsOf(config), cluster, clock, log, logs },
    credentials: createCredentials({
      configFile: config.dockerConfig,
      environment: process.env,
      clock,
      bare: (argv) => bare(3, argv),
    }),
  };
  if (config.dockerHost !== null) {
    launchers.push(createDockerLauncher({ host: config.dockerHost, ...containers }));
    settings.docker = {
      concurrency: config.dockerConcurrency,
      kind: 'docker',
      ...(config.dockerStarts === null ? {} : { startsInFlight: config.dockerStarts }),
      tombstoneMs: DOCKER_TOMBSTONE_MS,
    };
  }
  if (config.swarmHost !== null) {
    launchers.push(createSwarmLauncher({ hosts: config.swarmHost.split(','), ...containers }));
    settings.swarm = {
      concurrency: config.swarmConcurrency,
      kind: 'swarm',
      startsInFlight: SWARM_STARTS,
      tombstoneMs: DOCKER_TOMBSTONE_MS,
    };
  }
  return { launchers, settings };
}

function tlsOf({ dockerTlsDir }: Config): { tls?: TlsFiles } {
  if (dockerTlsDir === null) return {};
  const file = (name: string): string => join(dockerTlsDir, name);
  return { tls: { caFile: file('ca.pem'), certFile: file('cert.pem'), keyFile: file('key.pem') } };
}

/** What all nodes of the installation share, and how this one takes part. */
interface Shared {
  readonly store: Store;
  readonly election: (self: Member) => Election;
}

function createShared({ config, log, bare }: Surroundings): Shared {
  if (config.zk === null) {
    const store = createEmbeddedStore({ dir: join(config.dataDir, 'store'), bare });
    return { store, election: (self) => createSoloElection(store, self) };
  }
  const clock = realClock;
  const session = createZooKeeperSession({
    hosts: config.zk,
    sessionTimeoutMs: config.zkSessionTimeout,
    auth: config.zkAuthFile === null ? null : readZooKeeperAuth(config.zkAuthFile),
    clock,
    log,
  });
  const { host } = config;
  return {
    store: createZooKeeperStore({
      session,
      hosts: config.zk,
      known: knownInstallation(config.dataDir, config.zk),
      clock,
      log,
    }),
    election: (self) => createZooKeeperElection({ session, self, host, clock, log }),
  };
}

/** Runs one node until a signal ends it; answers the exit code. */
async function serve(args: readonly string[]): Promise<number> {
  const given = loadConfig(args, process.env);
  // Jobs run in folders of their own: a path that is relative to ours would mean another place there.
  const config: Config = { ...given, dataDir: resolve(given.dataDir) };
  const log = createLog({ level: config.logLevel, format: config.logFormat });
  makeDataDir(config.dataDir);
  const processDir = join(config.dataDir, 'process');
  const supervisor = await installSupervisor(processDir, log);
  const cgroups = supervisor === null ? null : await openCgroups(processDir, log);
  const bare: Surroundings['bare'] = (count, argv) => onlyDescriptors(supervisor, count, argv);
  const around = { config, log, supervisor, cgroups, bare };
  const { store, election: electionOf } = createShared(around);
  if (config.zk !== null) log.info({ zk: config.zk }, 'connecting');
  await store.open();
  const cluster = await store.cluster();
  if (config.zk !== null) noteInstallation(config.dataDir, config.zk, cluster);
  const id = config.zk === null ? cluster : nodeId(config.dataDir);
  const engines = createEngines(around, cluster, config.zk === null ? null : id);
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const node = { id, host: hostname(), pid: process.pid, url: '', version: versionOf() };
  const election = electionOf(node);
  const scheduler = new Scheduler({
    settings: { engines: engines.settings, pools: config.pools },
    cluster,
    self: node,
    store,
    election,
    launchers: engines.launchers,
    elsewhere: ({ engine, host }) =>
      createRemoteEngine({
        engine,
        host,
        url: () => election.members().find((member) => member.id === host)?.url ?? null,
      }),
    clock: realClock,
    log,
    startsInFlight: config.startsInFlight ?? STARTS_PER_CORE * availableParallelism(),
    onFatal: (error) => {
      log.error({ error }, 'fatal');
      end(1);
    },
  });
  const webDir = fileURLToPath(new URL('../dist/web', import.meta.url));
  const settings = { webDir, hosts: hostsOf(config), bare };
  const app = await buildApp({ scheduler, clock: realClock, log, node, settings });
  // The port first: where it is taken, nothing has been started.
  const listening = await listen(app, config).catch(async (error: unknown) => {
    await app.close();
    await store.close();
    throw error;
  });
  node.url = config.advertiseUrl ?? reachable(listening);
  const onSignal = (): void => {
    // Whoever asks twice does not want to wait: the next signal ends the process as the system does.
    for (const signal of stopSignals) process.off(signal, onSignal);
    end(0);
  };
  for (const signal of stopSignals) process.on(signal, onSignal);
  let code = 1;
  try {
    // An engine that does not answer holds up the start for a while, and must not hold up its end too.
    const endedFirst = await Promise.race([scheduler.start(), ended]);
    if (endedFirst === undefined) greet(node.url, config);
    code = await ended;
  } finally {
    log.info({ code }, 'stopping');
    // Another node leads before this one lets its clients go.
    const steps = [() => scheduler.stop(), async () => app.close(), () => store.close()];
    if (!(await stopWithin(realClock, config.stopTimeout, steps))) {
      log.warn({ timeoutMs: config.stopTimeout }, 'stop-timed-out');
      process.exit(code);
    }
    // The system keeps it while jobs run on in groups below it.
    if (cgroups !== null) await removeCgroup(cgroups);
  }
  return code;
}

/** Why an address of one's own can't be had, by the system's name for it. */
const addressProblems: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EADDRNOTAVAIL: 'this host does not have the address',
  EACCES: 'this user may not listen there',
  ENOTFOUND: 'the name has no address',
};

async function listen(app: FastifyInstance, { host, port }: Config): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const problem = addressProblems[(error as NodeJS.ErrnoException).code ?? ''];
    if (problem === undefined) throw error;
    const isHost = problem === addressProblems.EADDRNOTAVAIL || problem === addressProblems.ENOTFOUND;
    throw new CarillonError('ADDRESS_UNAVAILABLE', `Can not listen on ${host} port ${port}: ${problem}.`, {
      field: isHost ? 'host' : 'port',
      value: isHost ? host : port,
      allowed: isHost ? 'an address of this host (--host)' : 'a free port (--port); 0 takes any',
    });
  }
}

/** Other nodes cannot connect to 0.0.0.0 or [::]; advertise the host name instead. */
function reachable(listening: string): string {
  const url = new URL(listening);
  if (isWildcard(url.hostname)) url.hostname = hostname();
  return url.origin;
}

function versionOf(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}

function describeEngines({ dockerHost, swarmHost }: Config): string {
  const others = Object.entries({ docker: dockerHost, swarm: swarmHost });
  const described = others.flatMap(([name, host]) => (host === null ? [] : `${name} (${host})`));
  return ['process', ...described].join(', ');
}

function greet(url: string, config: Config): void {
  process.stdout.write(
    [
      `Carillon is running at ${url}`,
      `  state    ${config.zk === null ? config.dataDir : `ZooKeeper at ${config.zk}`}`,
      `  engines  ${describeEngines(config)}`,
      '  next     carillon apply -f examples/etl   then   carillon jobs',
      `           the API: ${url}/api/v1/openapi.json`,
      '',
    ].join('\n'),
  );
}

process.exitCode = await runCli(process.argv.slice(2), {
  serve,
  restore: restoreBackup,
  environment: process.env,
  version: versionOf(),
});
