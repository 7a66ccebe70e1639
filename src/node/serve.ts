/** A node from start to end: creates the parts, connects them, serves, and stops in order. */

import { existsSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildApp } from '../api/app.ts';
import type { LogArchive } from '../executor/logs/archive.ts';
import { withArchive } from '../executor/logs/archived-logs.ts';
import { lastLines } from '../executor/logs/last-lines.ts';
import { createReportedOutput } from '../executor/logs/reported-output.ts';
import { createRunLogs } from '../executor/logs/run-logs.ts';
import { createRemoteEngine } from '../executor/remote.ts';
import { createSecrets } from '../executor/secrets/secrets.ts';
import { Vault } from '../executor/secrets/vault.ts';
import { readVaultFile } from '../executor/secrets/vault-file.ts';
import { installSupervisor, onlyDescriptors } from '../executor/supervisor/file.ts';
import { Alerts } from '../notify/alerts.ts';
import { type PeerSigner, Peers } from '../peers/client.ts';
import type { Election, Log, Member, Store } from '../scheduler/ports.ts';
import type { ReportedOutput } from '../scheduler/reported-output.ts';
import { LoopDelay } from '../scheduler/runtime/health/loop-delay.ts';
import { Scheduler } from '../scheduler/runtime/scheduler.ts';
import type { Traces } from '../traces/traces.ts';
import { AuditLog } from './audit-log.ts';
import { joinAuthentication } from './authentication.ts';
import { realClock } from './clock.ts';
import { type Config, type Environment, hostsOf, loadConfig } from './config.ts';
import { capacityOf, createEngines, type Engines, knownEngines, supervisorDir } from './engines.ts';
import { makeDataDir, nodeId, noteInstallation } from './files.ts';
import { Heartbeat } from './heartbeat.ts';
import { listenAll, reachable } from './listen.ts';
import { createLog } from './log.ts';
import { logArchiveOf } from './log-archive.ts';
import { type Greeting, greeting } from './process/greeting.ts';
import { raisePriority } from './process/priority.ts';
import { stopWithin } from './process/stop.ts';
import { RunPolicyFile } from './run-policy.ts';
import { type Bare, createShared } from './shared.ts';
import { type Certificates, openCertificates } from './tls/certificates.ts';
import { tracesOf } from './tracing.ts';

/** More concurrent starts only delay each one: measured with containers and with processes. */
const STARTS_PER_CORE = 2;

/** Standard input, output and error. */
const STANDARD = 3;

/** Without a file of alerts: always the same, so that it has not changed. */
const none: readonly never[] = [];

const stopSignals = ['SIGTERM', 'SIGINT'] as const;

export interface Program {
  /** The environment of this process. Engines pass parts of it on. */
  readonly environment: Environment;
  readonly version: string;
}

/** Runs one node until a signal ends it, and returns the exit code. */
export async function serve(args: readonly string[], program: Program): Promise<number> {
  const given = loadConfig(args, program.environment);
  // Jobs run in their own folders, where a relative path would mean another place.
  const config: Config = { ...given, dataDir: resolve(given.dataDir) };
  const log = createLog({ level: config.logLevel, format: config.logFormat });
  log.debug({ raised: raisePriority() }, 'node.priority');
  const parts = await openParts(config, program, log);
  const { node, store, engines, alerts, runPolicy, traces, archive, certificates } = parts;
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const { scheduler, app, heartbeat, joined } = await joinParts(parts, (error) => {
    log.error({ error }, 'node.fatal');
    end(1);
  });
  // The file of people and the ports first: if one of them cannot be used, nothing has been started.
  const opened = joined.authentication.open().then(() => listenAll(app, config));
  const [listening, peerListening] = await opened.catch(async (error: unknown) => {
    await app.close();
    await store.close();
    await engines.close();
    throw error;
  });
  node.url = config.advertiseUrl ?? reachable(listening);
  if (peerListening !== null) {
    node.peerUrl = peerListening;
    log.info({ url: peerListening }, 'node.listens-for-nodes');
  }
  const link = await joined.authentication.listening(Number(new URL(listening).port));
  endOnSignal(() => end(0));
  let code = 1;
  try {
    certificates.start();
    await heartbeat?.start();
    await traces?.start();
    await archive?.start();
    await alerts?.start();
    runPolicy?.start();
    // An engine that does not respond delays the start, but must not delay the stop.
    const endedFirst = await Promise.race([scheduler.start(), ended]);
    if (endedFirst === undefined) greet({ url: node.url, link, jobs: scheduler.jobCount() }, config, engines);
    code = await ended;
  } finally {
    log.info({ code }, 'node.stopping');
    // Another node leads before this one lets its clients go.
    const steps = [
      async () => heartbeat?.stop(),
      () => joined.stop(),
      () => scheduler.stop(),
      async () => parts.auditLog?.stop(),
      async () => alerts?.stop(),
      async () => runPolicy?.stop(),
      async () => traces?.stop(),
      async () => archive?.stop(),
      async () => app.close(),
      () => certificates.stop(),
      () => store.close(),
      () => engines.close(),
    ];
    if (!(await stopWithin(realClock, config.stopTimeout, steps))) {
      log.warn({ timeoutMs: config.stopTimeout }, 'node.stop-timed-out');
      process.exit(code);
    }
  }
  return code;
}

interface Parts {
  readonly config: Config;
  readonly environment: Environment;
  readonly log: Log;
  readonly bare: Bare;
  readonly installation: string;
  /** This node, as other nodes know it. */
  readonly node: Member & { url: string; peerUrl?: string };
  readonly store: Store;
  readonly election: Election;
  readonly engines: Engines;
  /** Null: there is no file of alerts. */
  readonly alerts: Alerts | null;
  /** Null: there is no run policy. */
  readonly runPolicy: RunPolicyFile | null;
  /** Null: no collector is configured. */
  readonly traces: Traces | null;
  /** Null: no archive of logs is configured. */
  readonly archive: LogArchive | null;
  readonly reportedOutput: ReportedOutput;
  /** Null: the audit is in the store alone. */
  readonly auditLog: AuditLog | null;
  readonly certificates: Certificates;
}

/** Opens the data directory, the store and the engines, which everything else needs. */
async function openParts(config: Config, { environment, version }: Program, log: Log): Promise<Parts> {
  const { dataDir, zk, logLimit } = config;
  makeDataDir(dataDir);
  const certificates = await openCertificates(config, { clock: realClock, log });
  const supervisor = await installSupervisor(supervisorDir(dataDir), log);
  const bare: Bare = (count, argv) => onlyDescriptors(supervisor, count, argv);
  let installation = '';
  const alerts =
    config.alertsFile === null
      ? null
      : new Alerts(config.alertsFile, {
          ...{ clock: realClock, log, environment },
          installation: () => installation,
          bare: (argv) => bare(STANDARD, argv),
        });
  await alerts?.open();
  const { runPolicyFile } = config;
  const runPolicy =
    runPolicyFile === null ? null : new RunPolicyFile(runPolicyFile, { clock: realClock, log });
  await runPolicy?.open();
  const { store, election } = createShared(config, log, bare);
  if (zk !== null) log.info({ zk }, 'zookeeper.connecting');
  await store.open();
  installation = await store.installation();
  if (zk !== null) noteInstallation(dataDir, zk, installation);
  const id = zk === null ? installation : nodeId(dataDir);
  const dir = join(dataDir, 'logs');
  const archive = await logArchiveOf(config, { installation, dir, environment, clock: realClock, log });
  const kept = createRunLogs({
    dir,
    clock: realClock,
    logBytes: logLimit,
    maxAgeMs: config.logRetention,
  });
  const logs = archive === null ? kept : withArchive(kept, archive);
  const vault =
    config.vaultFile === null
      ? null
      : new Vault(await readVaultFile(config.vaultFile), { clock: realClock, log });
  const secrets = createSecrets({
    clock: realClock,
    environment,
    variables: config.secretEnv,
    programs: config.secretExec,
    server: vault,
    bare: (argv) => bare(STANDARD, argv),
  });
  const engines = await createEngines(
    {
      installation,
      dataDir,
      clock: realClock,
      log,
      logs,
      logBytesPerStream: logLimit,
      environment,
      secrets,
      supervisor,
    },
    config.engines,
    zk === null ? null : id,
  );
  const labels = { host: hostname(), ...config.nodeLabel };
  const capacity = capacityOf(engines.settings);
  const node = { id, host: hostname(), pid: process.pid, url: '', version, labels, capacity };
  const reportedOutput = createReportedOutput(logs, zk === null ? null : id);
  const traces = tracesOf(config, { installation, node, environment, clock: realClock, log });
  return {
    ...{ config, environment, log, bare, installation, node, store, engines, alerts, runPolicy, traces },
    ...{ archive, reportedOutput, certificates },
    auditLog: config.auditLog === null ? null : new AuditLog(config.auditLog, log),
    election: election(node),
  };
}

/** Creates the scheduler and its API without starting them. */
async function joinParts(parts: Parts, onFatal: (error: unknown) => void) {
  const { config, log, bare, installation, node, store, election, engines, alerts, traces, archive } = parts;
  const { runPolicy, auditLog } = parts;
  const signer: PeerSigner = { headersFor: (method, path) => joined.introduce({ method, path }) };
  const peers = new Peers(realClock, node.id, { tls: parts.certificates.peer, signer });
  const scheduler = new Scheduler({
    settings: {
      engines: engines.settings,
      known: knownEngines,
      pools: config.pools,
      labels: node.labels ?? {},
      traced: traces !== null,
      get routes() {
        return alerts?.routes ?? none;
      },
      get maintenance() {
        return alerts?.maintenance ?? none;
      },
      get runPolicy() {
        return runPolicy?.policy ?? null;
      },
      get receivers() {
        return [...(alerts?.receivers ?? [])];
      },
      get services() {
        return [...(alerts?.services ?? [])];
      },
    },
    installation,
    self: node,
    store,
    election,
    launchers: engines.launchers,
    elsewhere: ({ engine, host }) =>
      createRemoteEngine({
        engine,
        host,
        peer: () => election.members().find((member) => member.id === host) ?? null,
        peers,
      }),
    clock: realClock,
    log,
    startsInFlight: config.startsInFlight ?? STARTS_PER_CORE * availableParallelism(),
    ...(alerts !== null && { notifier: alerts }),
    ...(traces !== null && { traces }),
    lastLines,
    reportedOutput: parts.reportedOutput,
    ...(auditLog !== null && { auditSink: auditLog }),
    auditRetentionMs: config.auditRetention,
    certificates: parts.certificates.expiries,
    onFatal,
  });
  const joined = joinAuthentication({ config, environment: parts.environment, log, node, scheduler, peers });
  const webDir = fileURLToPath(new URL('../../dist/web', import.meta.url));
  const loopDelay = new LoopDelay(realClock);
  const settings = {
    webDir,
    hosts: hostsOf(config),
    bare,
    ...(parts.certificates.server !== null && { tls: parts.certificates.server }),
    ...(config.zk !== null && { peers: { tls: parts.certificates.peer } }),
    metricsJobs: config.metricsJobs,
    loopDelay: () => loopDelay.buckets(),
    ...(traces !== null && { traces: () => traces.figures() }),
    ...(archive !== null && { archive: () => archive.figures() }),
    ...(auditLog !== null && { audit: () => auditLog.figures() }),
  };
  const { authenticator, logIns: credentials } = joined.authentication;
  const shared = { scheduler, clock: realClock, log, node, peers };
  const app = await buildApp({ ...shared, authenticator, credentials, settings });
  loopDelay.start();
  app.addHook('onClose', async () => loopDelay.stop());
  return { scheduler, app, heartbeat: heartbeatOf(parts, scheduler), joined };
}

function heartbeatOf({ config, log, environment }: Parts, scheduler: Scheduler): Heartbeat | null {
  const { heartbeatUrlFile: file, heartbeatEvery: everyMs } = config;
  if (file === null) return null;
  const isWell = (): boolean => scheduler.leadership().leading && scheduler.cluster().store.reachable;
  return new Heartbeat({ file, everyMs, isWell, clock: realClock, log, environment });
}

function endOnSignal(end: () => void): void {
  const onSignal = (): void => {
    // Someone who signals twice does not want to wait: the next signal ends the process at once.
    for (const signal of stopSignals) process.off(signal, onSignal);
    end();
  };
  for (const signal of stopSignals) process.on(signal, onSignal);
}

/** As somebody beside the program would name it. */
const EXAMPLES = 'examples/etl';

function greet(at: Pick<Greeting, 'url' | 'link' | 'jobs'>, { zk, dataDir }: Config, engines: Engines): void {
  const state = zk === null ? dataDir : `ZooKeeper at ${zk}`;
  const examples = existsSync(EXAMPLES) ? EXAMPLES : null;
  process.stdout.write(greeting({ ...at, state, engines: engines.described, examples }));
}
