/** A launch in words that every engine understands: run, job and settings become one value here. */

/** A secret is named by where it is read at launch; its value is never kept. */
export interface SecretRef {
  readonly file: string;
}

export interface LaunchSpec {
  /** `[a-z0-9-]{1,63}`, unique per attempt: container name, service name, directory. */
  readonly launchName: string;
  readonly engine: string;
  readonly cluster: string;
  readonly term: number;
  readonly job: string;
  readonly run: string;
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly due: number;
  /** Null: a process on the scheduler's host. */
  readonly image: string | null;
  /** Program and arguments. Null: what the image starts by itself, with `container.args` if there are any. */
  readonly argv: readonly string[] | null;
  /** All of it, the CARILLON_* names included. */
  readonly env: Readonly<Record<string, string>>;
  /** By the environment variable that holds the value. */
  readonly secrets: Readonly<Record<string, SecretRef>>;
  readonly workdir: string | null;
  readonly user: string | null;
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
  readonly gpus: number | null;
  readonly constraints: readonly string[];
  /** `source:target[:ro]`. */
  readonly volumes: readonly string[];
  readonly pull: 'missing' | 'always' | 'never';
  readonly registrySecret: SecretRef | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly container: ContainerSpec;
  /** Downloaded before a process begins. */
  readonly fetch?: readonly FetchItem[];
}

export interface FetchItem {
  readonly uri: string;
  /** Below the folder in which the process runs. */
  readonly output: string;
  readonly executable: boolean;
  /** Unpack what ends like an archive. */
  readonly extract: boolean;
}

/** What only a container has. A process is launched with `plainContainer`. */
export interface ContainerSpec {
  /** For the image's own program, instead of the arguments it has in the image. Null where there is an argv. */
  readonly args: readonly string[] | null;
  /** Names of networks, or one mode: host, none, bridge, `container:…`. Empty: no network. */
  readonly networks: readonly string[];
  readonly ports: readonly PublishedPort[];
  /** Null: what the engine makes up. */
  readonly hostname: string | null;
  /** Addresses by host name, for the container's /etc/hosts. */
  readonly hosts: Readonly<Record<string, string>>;
  /** Bytes at most, by absolute path. */
  readonly tmpfs: Readonly<Record<string, number>>;
  readonly secretFiles: readonly SecretFile[];
  /** Between TERM and KILL, for engines that must know it beforehand. Null: what the engine gives. */
  readonly stopGraceMs: number | null;
  /** Null: what the engine gives. */
  readonly shmBytes: number | null;
  /** Processes and threads at most; null: no bound. */
  readonly pids: number | null;
  readonly ulimits: readonly Ulimit[];
  /** A small init as process 1, which passes signals on and reaps. */
  readonly init: boolean;
  readonly readOnly: boolean;
  readonly noNewPrivileges: boolean;
  /** Beside what the engine gives by itself; names without CAP_. What is added is not in `drop`, unless by ALL. */
  readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] };
}

export interface PublishedPort {
  /** In the container. */
  readonly target: number;
  /** On the host; null: the engine chooses. */
  readonly published: number | null;
  /** Of the host; null: all of its addresses. */
  readonly address: string | null;
  readonly protocol: 'tcp' | 'udp';
}

/** A secret as a file in the container, readable there by everybody and writable by nobody. */
export interface SecretFile extends SecretRef {
  readonly name: string;
  /** Absolute. */
  readonly mount: string;
}

export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

export const plainContainer: ContainerSpec = {
  args: null,
  networks: [],
  ports: [],
  hostname: null,
  hosts: {},
  tmpfs: {},
  secretFiles: [],
  stopGraceMs: null,
  shmBytes: null,
  pids: null,
  ulimits: [],
  init: true,
  readOnly: false,
  noNewPrivileges: false,
  capabilities: { add: [], drop: [] },
};
