/**
 * One process of the cluster, in its namespace: a ZooKeeper server, or a scheduler. It is started, killed,
 * paused and started again on the same data; it dies with the harness.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Network } from './network.ts';

interface Program {
  readonly argv: readonly string[];
  readonly cwd: string;
}

export class Member {
  readonly name: string;
  readonly on: 'scheduler' | 'zookeeper';
  readonly #upgraded: Program | null;
  #program: Program;
  readonly #log: number;
  #child: ChildProcess | null = null;

  constructor(given: {
    readonly name: string;
    readonly on: 'scheduler' | 'zookeeper';
    readonly program: Program;
    /** What an upgrade runs instead. */
    readonly upgraded?: Program;
    readonly logFile: string;
  }) {
    this.name = given.name;
    this.on = given.on;
    this.#program = given.program;
    this.#upgraded = given.upgraded ?? null;
    this.#log = openSync(given.logFile, 'w');
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  start(): void {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    const { argv, cwd } = this.#program;
    const [program = '', ...args] = argv;
    // The job's environment is the scheduler's business: only what a login gives is handed on.
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8' };
    // Each has its own session, like a service.
    const stdio = ['ignore', this.#log, this.#log] as const;
    this.#child = spawn(program, args, { cwd, stdio: [...stdio], env, detached: true });
    this.#child.on('error', () => {});
  }

  /** From the next start on. */
  upgrade(): void {
    if (this.#upgraded === null) throw new Error(`${this.name} has no other release to run`);
    this.#program = this.#upgraded;
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null || !this.isRunning) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}

/** What makes the kernel end the process should the harness be killed. */
const dieWithHarness = ['setpriv', '--pdeathsig', 'KILL'];

/** Every half second; with it sessions may last from 1 to 10 seconds. */
const tickMs = 500;

export function zookeeperServers(
  network: Network,
  names: readonly string[],
  workDir: string,
  logDir: string,
): Member[] {
  const servers = names.map((name, i) => `server.${i + 1}=${network.address(name)}:2888:3888`);
  return names.map((name, i) => {
    const dir = join(workDir, name);
    mkdirSync(join(dir, 'data'), { recursive: true });
    writeFileSync(join(dir, 'data/myid'), `${i + 1}\n`);
    const settings = [
      `tickTime=${tickMs}`,
      'initLimit=20',
      'syncLimit=6',
      `dataDir=${dir}/data`,
      'clientPort=2181',
      'maxClientCnxns=0',
      'admin.enableServer=false',
      '4lw.commands.whitelist=*',
      'autopurge.purgeInterval=1',
      ...servers,
    ];
    writeFileSync(join(dir, 'zoo.cfg'), `${settings.join('\n')}\n`);
    const java = [
      ...['java', '-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'],
      ...['-Djava.net.preferIPv4Stack=true', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'],
      ...['-Dorg.slf4j.simpleLogger.showDateTime=true', '-Dzookeeper.cnxTimeout=1000'],
      // Kilobytes: its log would take 64 MiB of memory at once.
      '-Dzookeeper.preAllocSize=1024',
      ...['-cp', '/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar'],
      ...['org.apache.zookeeper.server.quorum.QuorumPeerMain', join(dir, 'zoo.cfg')],
    ];
    const argv = [...network.enter(name), ...dieWithHarness, ...java];
    return new Member({
      name,
      on: 'zookeeper',
      program: { argv, cwd: dir },
      logFile: join(logDir, `${name}.log`),
    });
  });
}

export const schedulerPort = 4400;

export interface SchedulerSetting {
  /** The tree whose src/main.ts is run. */
  readonly source: string;
  /** The tree that is run until the upgrade; null: `source` from the beginning. */
  readonly earlier: string | null;
  /** `host:2181,…/chroot`; null: a node by itself, on its own data directory. */
  readonly zk: string | null;
  /** The login to it. */
  readonly zkAuthFile: string;
  readonly sessionTimeoutMs: number;
  readonly dockerHost: string | null;
  /** Null: there are no receivers. */
  readonly alertsFile: string | null;
}

/** Earlier releases call it otherwise that their network is trusted. */
const insecure = (source: string): string =>
  existsSync(join(source, 'src/node/settings-access.ts')) ? '--insecure-http' : '--insecure';

/** In its namespace, with a folder of its own for the state of programs. */
const inside = (network: Network, name: string, dir: string): string[] => [
  ...network.enter(name),
  ...['env', `XDG_STATE_HOME=${dir}`],
];

/** Makes a token as the scheduler's user on its host. Null: it does not lead, nor reaches who does. */
export async function tokenFrom(
  network: Network,
  name: string,
  dir: string,
  source: string,
): Promise<string | null> {
  const url = `http://${network.address(name)}:${schedulerPort}`;
  const cli = [process.execPath, '--import', 'tsx', join(source, 'src/main.ts'), '--url', url];
  const [program = '', ...args] = [
    ...inside(network, name, dir),
    ...cli,
    'token',
    'create',
    name,
    '--role',
    'admin',
  ];
  const made = promisify(execFile)(program, args, { cwd: source, timeout: 30_000 });
  return made.then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
}

export function schedulers(
  network: Network,
  names: readonly string[],
  dirs: { readonly workDir: string; readonly logDir: string },
  setting: SchedulerSetting,
): Member[] {
  return names.map((name) => {
    const dir = join(dirs.workDir, name);
    mkdirSync(dir, { recursive: true });
    const cluster =
      setting.zk === null
        ? []
        : [
            ...['--zk', setting.zk, '--zk-auth-file', setting.zkAuthFile],
            ...['--zk-session-timeout', `PT${setting.sessionTimeoutMs / 1_000}S`],
          ];
    const docker = setting.dockerHost === null ? [] : ['--docker-host', setting.dockerHost];
    const alerts = setting.alertsFile === null ? [] : ['--alerts-file', setting.alertsFile];
    const options = [
      ...['--host', network.address(name), '--port', String(schedulerPort)],
      ...['--data-dir', dir, '--log-format', 'json', ...cluster, ...docker, ...alerts],
    ];
    const programOf = (source: string): Program => {
      const serve = [process.execPath, '--import', 'tsx', join(source, 'src/main.ts'), 'serve', ...options];
      return {
        argv: [...inside(network, name, dir), ...dieWithHarness, ...serve, insecure(source)],
        cwd: source,
      };
    };
    const upgraded = programOf(setting.source);
    const program = setting.earlier === null ? upgraded : programOf(setting.earlier);
    return new Member({
      name,
      on: 'scheduler',
      program,
      upgraded,
      logFile: join(dirs.logDir, `${name}.log`),
    });
  });
}
