#!/usr/bin/env node
/** The composition root: makes the parts, joins them, and takes signals. Nobody imports this file. */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { buildApp } from './api/app.ts';
import { runCli } from './cli/program.ts';
import { realClock } from './clock.ts';
import { type Config, loadConfig } from './config.ts';
import { CarillonError } from './errors.ts';
import { createDockerLauncher } from './executor/docker.ts';
import type { TlsFiles } from './executor/docker-address.ts';
import { createProcessLauncher } from './executor/process.ts';
import { createRunLogs, type RunLogs } from './executor/run-logs.ts';
import { createLog } from './log.ts';
import type { EngineSettings } from './scheduler/model.ts';
import type { Launcher, Log } from './scheduler/ports.ts';
import { Scheduler } from './scheduler/runtime/scheduler.ts';
import { createSoloElection } from './store/election-solo.ts';
import { createEmbeddedStore } from './store/embedded.ts';

/** About two starts per core serve best, on two cores and up. */
const STARTS_IN_FLIGHT = 4;
/** One node that holds its store's lock can't be paused past its own processes; a little for the clock's sake. */
const PROCESS_TOMBSTONE_MS = 60_000;
/** Longer than a machine may be suspended and come back as if nothing had happened. */
const DOCKER_TOMBSTONE_MS = 600_000;

interface Engines {
  readonly launchers: readonly Launcher[];
  readonly settings: Readonly<Record<string, EngineSettings>>;
}

function createEngines(config: Config, cluster: string, log: Log): Engines {
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
      environment: process.env,
      logBytesPerStream: config.logLimit,
    }),
  ];
  const settings: Record<string, EngineSettings> = {
    process: { concurrency: config.processConcurrency, images: false, tombstoneMs: PROCESS_TOMBSTONE_MS },
  };
  if (config.dockerHost !== null) {
    launchers.push(
      createDockerLauncher({ host: config.dockerHost, ...tlsOf(config), cluster, clock, log, logs }),
    );
    settings.docker = {
      concurrency: config.dockerConcurrency,
      images: true,
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

/** Runs one node until a signal ends it; answers the exit code. */
async function serve(args: readonly string[]): Promise<number> {
  const given = loadConfig(args, process.env);
  // Jobs run in folders of their own: a path that is relative to ours would mean another place there.
  const config: Config = { ...given, dataDir: resolve(given.dataDir) };
  if (config.zk !== null) {
    throw new CarillonError(
      'INVALID_FIELD',
      'this version keeps its state in the data directory only, not in ZooKeeper',
      {
        field: 'zk',
        value: config.zk,
        allowed: 'leave it out',
      },
    );
  }
  const log = createLog({ level: config.logLevel, format: config.logFormat });
  const store = createEmbeddedStore({ dir: join(config.dataDir, 'store') });
  await store.open();
  const cluster = await store.cluster();
  const engines = createEngines(config, cluster, log);
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const node = { id: cluster, host: hostname(), pid: process.pid, url: '', version: versionOf() };
  const scheduler = new Scheduler({
    settings: { engines: engines.settings, pools: config.pools },
    cluster,
    store,
    self: node,
    election: createSoloElection(store, node),
    launchers: engines.launchers,
    clock: realClock,
    log,
    startsInFlight: STARTS_IN_FLIGHT,
    onFatal: (error) => {
      log.error({ error }, 'fatal');
      end(1);
    },
  });
  const app = await buildApp({ scheduler, clock: realClock, log, node });
  // The port first: where it is taken, nothing has been started.
  node.url = await app.listen({ host: config.host, port: config.port });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end(0));
  await scheduler.start();
  greet(node.url, config);
  const code = await ended;
  log.info({ code }, 'stopping');
  await app.close();
  await scheduler.stop();
  await store.close();
  return code;
}

function versionOf(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}

function greet(url: string, config: Config): void {
  process.stdout.write(
    [
      `Carillon is running at ${url}`,
      `  data     ${config.dataDir}`,
      `  engines  process${config.dockerHost === null ? '' : `, docker (${config.dockerHost})`}`,
      '  next     carillon apply -f examples/etl   then   carillon jobs',
      `           the API: ${url}/api/v1/openapi.json`,
      '',
    ].join('\n'),
  );
}

process.exitCode = await runCli(process.argv.slice(2), {
  serve,
  environment: process.env,
  version: versionOf(),
});
