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
  /** Null: what the image starts by itself. */
  readonly argv: readonly string[] | null;
  /** All of it, the CARILLON_* names included. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, SecretRef>>;
  readonly workdir: string | null;
  readonly user: string | null;
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
  readonly gpus: number | null;
  readonly constraints: readonly string[];
  readonly network: string | null;
  /** `source:target[:ro]`. */
  readonly volumes: readonly string[];
  readonly pull: 'missing' | 'always' | 'never';
  readonly registrySecret: SecretRef | null;
  readonly labels: Readonly<Record<string, string>>;
}
