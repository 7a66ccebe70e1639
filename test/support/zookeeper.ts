/**
 * ZooKeeper servers of our own for the tests: one JVM for each node on loopback, data below one temporary
 * directory. They are children of the test process and die with it; a killed run leaves its
 * folder in the system's temporary directory. Assumes test/support/install.sh has run.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { until } from './until.ts';

const netty = ['buffer', 'codec', 'common', 'handler', 'resolver', 'transport'].map(
  (part) => `netty-${part}`,
);
const jars = ['zookeeper', 'slf4j-simple', ...netty].map((name) => `/usr/share/java/${name}.jar`);
/** Alone a start takes a third of a second; on a machine that runs other tests as well, several. */
const startTimeoutMs = 60_000;

/** Why no server can be started here, or null when one can. */
export const zookeeperMissing: string | null = missing();

export interface ZooKeeperOptions {
  readonly nodes: 1 | 3;
  /** The unit of all times of the server; sessions last between 2 and 20 of it. */
  readonly tickMs?: number;
  /** Of each server; enough for tests unless given. */
  readonly heapMb?: number;
  /** A port with TLS on each server: PEM with certificate and key, and the authority of clients. */
  readonly tls?: { readonly pem: string; readonly ca: string };
  /** Loopback addresses, one for each node; 127.0.0.1 for all unless given. */
  readonly hosts?: readonly string[];
}

/** Where a server listens: for clients, and for its peers. */
interface Place {
  readonly host: string;
  readonly port: number;
  readonly peerPort: number;
  readonly electionPort: number;
  /** With TLS. */
  readonly securePort: number;
}

export class ZooKeeper {
  readonly servers: readonly ZooKeeperServer[];
  readonly #dir: string;

  private constructor(dir: string, servers: readonly ZooKeeperServer[]) {
    this.#dir = dir;
    this.servers = servers;
  }

  /** Resolves when every server serves. */
  static async start(options: ZooKeeperOptions): Promise<ZooKeeper> {
    if (zookeeperMissing !== null) throw new Error(zookeeperMissing);
    const dir = mkdtempSync(join(tmpdir(), 'carillon-zookeeper-'));
    writeFileSync(join(dir, 'login'), 'carillon:of the tests', { mode: 0o600 });
    const places = await freePlaces(options);
    const servers = places.map((_, index) => new ZooKeeperServer(dir, places, index, options));
    const ensemble = new ZooKeeper(dir, servers);
    try {
      await Promise.all(servers.map((server) => server.start()));
    } catch (error) {
      await ensemble.stop();
      throw error;
    }
    return ensemble;
  }

  /** The text a client is given. */
  get connect(): string {
    return this.servers.map(({ host, port }) => `${host}:${port}`).join(',');
  }

  /** How a node is told to use the path below its root, with a login. */
  at(path: string): string[] {
    return ['--zk', `${this.connect}${path}`, ...this.login];
  }

  /** The login of all nodes. */
  get login(): string[] {
    return ['--zk-auth-file', this.loginFile];
  }

  get loginFile(): string {
    return join(this.#dir, 'login');
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

export class ZooKeeperServer {
  readonly host: string;
  readonly port: number;
  readonly securePort: number;
  readonly #dir: string;
  readonly #heapMb: number;
  #child: ChildProcess | null = null;

  constructor(
    parent: string,
    places: readonly Place[],
    index: number,
    { tickMs = 200, heapMb, tls }: ZooKeeperOptions,
  ) {
    const place = places[index] as Place;
    this.host = place.host;
    this.port = place.port;
    this.securePort = place.securePort;
    this.#heapMb = heapMb ?? (places.length === 1 ? 128 : 256);
    this.#dir = join(parent, String(index + 1));
    mkdirSync(join(this.#dir, 'data'), { recursive: true });
    writeFileSync(join(this.#dir, 'data', 'myid'), `${index + 1}\n`);
    writeFileSync(
      join(this.#dir, 'zoo.cfg'),
      settings(this.#dir, places, place, tickMs) + secure(place, tls),
    );
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Resolves when it serves, which a node of an ensemble does once there is a majority. */
  async start(): Promise<void> {
    if (this.#child !== null) return;
    const output = openSync(join(this.#dir, 'output.log'), 'a');
    // The kernel ends the server should this process die without having stopped it.
    const command = ['--pdeathsig', 'KILL', 'java', ...this.#javaOptions(), join(this.#dir, 'zoo.cfg')];
    const child = spawn('setpriv', command, {
      stdio: ['ignore', output, output],
    });
    this.#child = child;
    child.once('exit', () => {
      if (this.#child === child) this.#child = null;
    });
    await until(`ZooKeeper serves at ${this.host}:${this.port}`, () => this.#serves(child), startTimeoutMs);
  }

  /** Resolves when the process is gone; a paused one needs SIGKILL, which is the default. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  /** Stops answering, with every connection left open. Resolves when the last of its threads stands still. */
  async pause(): Promise<void> {
    const { pid } = this;
    if (pid === null) return;
    process.kill(pid, 'SIGSTOP');
    await until('every thread stands still', () =>
      readdirSync(`/proc/${pid}/task`).every((thread) =>
        readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').includes(') T '),
      ),
    );
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** One of the four letter words of the server: `srvr`, `cons`, `ruok`. */
  async ask(word: string): Promise<string> {
    const socket = createConnection(this.port, this.host);
    socket.setTimeout(1_000, () => socket.destroy());
    socket.write(word);
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes.toString();
    });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('close', resolve));
    return answer;
  }

  async #serves(child: ChildProcess): Promise<boolean> {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(
        `ZooKeeper ended:\n${readFileSync(join(this.#dir, 'output.log'), 'utf8').slice(-2_000)}`,
      );
    return /^Mode: /m.test(await this.ask('srvr'));
  }

  #javaOptions(): string[] {
    return [
      `-Xmx${this.#heapMb}m`,
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Xshare:auto',
      '-Djava.net.preferIPv4Stack=true',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-cp',
      jars.join(delimiter),
      'org.apache.zookeeper.server.quorum.QuorumPeerMain',
    ];
  }
}

function settings(dir: string, places: readonly Place[], place: Place, tickMs: number): string {
  const lines = [
    `tickTime=${tickMs}`,
    `dataDir=${join(dir, 'data')}`,
    `clientPort=${place.port}`,
    `clientPortAddress=${place.host}`,
    'maxClientCnxns=0',
    'admin.enableServer=false',
    '4lw.commands.whitelist=*',
    // In ticks, so as times: ten seconds to start and two to lag, whatever the tick.
    `initLimit=${Math.ceil(10_000 / tickMs)}`,
    `syncLimit=${Math.ceil(2_000 / tickMs)}`,
  ];
  if (places.length > 1)
    places.forEach(({ host, peerPort, electionPort }, index) => {
      lines.push(`server.${index + 1}=${host}:${peerPort}:${electionPort}`);
    });
  return `${lines.join('\n')}\n`;
}

function secure({ securePort }: Place, tls: ZooKeeperOptions['tls']): string {
  if (tls === undefined) return '';
  return [
    `secureClientPort=${securePort}`,
    'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
    'authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider',
    `ssl.keyStore.location=${tls.pem}`,
    'ssl.keyStore.type=PEM',
    `ssl.trustStore.location=${tls.ca}`,
    'ssl.trustStore.type=PEM',
    'ssl.clientAuth=want',
    '',
  ].join('\n');
}

/**
 * Ports that were free a moment ago, all held at the same time so that they differ. They are below the range that
 * the kernel gives to outgoing connections, which would take the port of a server that is down for a while.
 */
async function freePlaces({ nodes, hosts = [] }: ZooKeeperOptions): Promise<Place[]> {
  const held: Server[] = [];
  const freePort = async (host: string): Promise<number> => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const port = randomInt(15_000, 32_000);
      const server = createServer().listen(port, host);
      // `once` rejects at an error: taken, so the next.
      const free = await once(server, 'listening').then(
        () => true,
        () => false,
      );
      if (!free) continue;
      held.push(server);
      return port;
    }
    throw new Error(`no free port at ${host}`);
  };
  const places: Place[] = [];
  for (let i = 0; i < nodes; i++) {
    const host = hosts[i] ?? '127.0.0.1';
    places.push({
      host,
      port: await freePort(host),
      peerPort: await freePort(host),
      electionPort: await freePort(host),
      securePort: await freePort(host),
    });
  }
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return places;
}

function missing(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const absent = [
    ...['java', 'setpriv'].filter((program) => !folders.some((folder) => existsSync(join(folder, program)))),
    ...jars.filter((jar) => !existsSync(jar)),
  ];
  if (absent.length === 0) return null;
  return `${absent.join(', ')} not installed; on Debian as root: bash test/support/install.sh`;
}
