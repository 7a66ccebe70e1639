/** A launch in an engine-independent form, derived from the run, the job and the settings. */

/** A secret is identified by where it is read at launch. Its value is never stored. */
export type SecretRef =
  | { readonly file: string }
  | { readonly env: string }
  | { readonly exec: readonly string[] }
  | { readonly vault: VaultKey };

/** A key of a secret in Vault. `path` has the mount. */
export interface VaultKey {
  readonly path: string;
  readonly key: string;
  /** Absent: the newest. */
  readonly version?: number;
}

export interface LaunchSpec {
  /** `[a-z0-9-]{1,63}`, unique per attempt: container name, service name, directory. */
  readonly launchName: string;
  readonly engine: string;
  readonly installation: string;
  readonly term: number;
  readonly job: string;
  readonly run: string;
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly due: number;
  /** Null: a process on the scheduler's host. */
  readonly image: string | null;
  /** Program and arguments. Null: the image's own program, with `container.args` if given. */
  readonly argv: readonly string[] | null;
  /** The whole environment, including the CARILLON_* variables. */
  readonly env: Readonly<Record<string, string>>;
  /** By the environment variable that receives the value. */
  readonly secrets: Readonly<Record<string, SecretRef>>;
  readonly workdir: string | null;
  readonly user: string | null;
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
  readonly gpus: number | null;
  /** Maximum number of processes and threads. Null: no limit. */
  readonly pids: number | null;
  /** Share of disk access, 10 to 1,000. Null: the engine's default. */
  readonly ioWeight: number | null;
  /** Limits of the system for each process. */
  readonly ulimits: readonly Ulimit[];
  /** How long it may run. Null: without limit. The scheduler ends it; engines only when no scheduler is there. */
  readonly timeoutMs: number | null;
  /** Time between TERM and KILL, for engines that must know it in advance. Null: the engine's default. */
  readonly stopGraceMs: number | null;
  readonly constraints: readonly string[];
  /** `source:target[:ro]`. */
  readonly volumes: readonly string[];
  readonly pull: 'missing' | 'always' | 'never';
  readonly registrySecret: SecretRef | null;
  readonly labels: Readonly<Record<string, string>>;
  /** It runs on all hosts that this choice allows. `names`: these hosts, once they are known. Absent: on one. */
  readonly everywhere?: { readonly on: string; readonly names?: readonly string[] };
  readonly container: ContainerSpec;
  /** Downloaded before the process starts. */
  readonly fetch?: readonly FetchItem[];
}

export interface FetchItem {
  readonly uri: string;
  /** Path below the working folder of the process. */
  readonly output: string;
  readonly executable: boolean;
  /** Unpack a file with an archive extension. */
  readonly extract: boolean;
}

/** Settings that only containers have. A process is launched with `plainContainer`. */
export interface ContainerSpec {
  /** Arguments for the image's program, replacing those of the image. Null if there is an argv. */
  readonly args: readonly string[] | null;
  /** Network names, or one mode: host, none, bridge, `container:…`. Empty: no network. */
  readonly networks: readonly string[];
  readonly ports: readonly PublishedPort[];
  /** Null: chosen by the engine. */
  readonly hostname: string | null;
  /** Addresses by host name, for the container's /etc/hosts. */
  readonly hosts: Readonly<Record<string, string>>;
  /** Maximum bytes by absolute path. */
  readonly tmpfs: Readonly<Record<string, number>>;
  readonly secretFiles: readonly SecretFile[];
  /** Null: the engine's default. */
  readonly shmBytes: number | null;
  /** A small init as process 1, which forwards signals and reaps children. */
  readonly init: boolean;
  readonly readOnly: boolean;
  readonly noNewPrivileges: boolean;
  /**
   * In addition to the engine's defaults; names without CAP_. Added ones are not in `drop`, except through
   * ALL.
   */
  readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] };
}

export interface PublishedPort {
  /** Port in the container. */
  readonly target: number;
  /** Port on the host. Null: chosen by the engine. */
  readonly published: number | null;
  /** Address of the host. Null: all addresses. */
  readonly address: string | null;
  readonly protocol: 'tcp' | 'udp';
}

/** A secret as a file in the container, readable by everyone there and writable by no one. */
export type SecretFile = SecretRef & {
  readonly name: string;
  /** Absolute. */
  readonly mount: string;
};

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
  shmBytes: null,
  init: true,
  readOnly: false,
  noNewPrivileges: false,
  capabilities: { add: [], drop: [] },
};
