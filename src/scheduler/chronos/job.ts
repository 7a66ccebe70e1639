/**
 * A job in Chronos' form: every field, with Chronos' default if absent. read.ts parses it leniently, as its
 * clients need; aspects.ts defines what each field means here.
 */

/** 2: `/scheduler`, with epsilon and async. 3: `/v1/scheduler`. */
export type Generation = 2 | 3;

export interface ChronosVolume {
  readonly containerPath: string;
  readonly hostPath?: string;
  readonly mode?: string;
  readonly external?: unknown;
}

export interface ChronosContainer {
  readonly type: string;
  readonly image: string;
  readonly network: string;
  readonly networkName?: string;
  readonly networkInfos: readonly { readonly name: string; readonly [field: string]: unknown }[];
  readonly volumes: readonly ChronosVolume[];
  readonly forcePullImage: boolean;
  readonly parameters: readonly { readonly key: string; readonly value: string }[];
}

export interface ChronosFetch {
  readonly uri: string;
  readonly output_file?: string;
  readonly executable: boolean;
  readonly cache: boolean;
  readonly extract: boolean;
}

export interface ChronosJob {
  readonly name: string;
  readonly command: string;
  readonly shell: boolean;
  /** Second generation only: how late a run may start. */
  readonly epsilon: string;
  readonly executor: string;
  readonly executorFlags: string;
  readonly taskInfoData: string;
  readonly retries: number;
  /** Recipients, separated by commas. */
  readonly owner: string;
  readonly ownerName: string;
  readonly description: string;
  /** Second generation only: the end of the task is not the end of the job. */
  readonly async: boolean;
  readonly successCount: number;
  readonly errorCount: number;
  readonly lastSuccess: string;
  readonly lastError: string;
  readonly cpus: number;
  /** In MB. */
  readonly disk: number;
  /** In MB. */
  readonly mem: number;
  readonly disabled: boolean;
  readonly softError: boolean;
  readonly dataProcessingJobType: boolean;
  readonly errorsSinceLastSuccess: number;
  readonly fetch: readonly ChronosFetch[];
  readonly uris: readonly string[];
  readonly environmentVariables: readonly { readonly name: string; readonly value: string }[];
  readonly arguments: readonly string[];
  readonly highPriority: boolean;
  readonly runAsUser: string;
  readonly concurrent: boolean;
  /** In seconds; 0 means none. */
  readonly maxCompletionTime: number;
  readonly container: ChronosContainer | null;
  /** Attribute, operator, value. */
  readonly constraints: readonly (readonly string[])[];
  /** Of a dependent job. Null: the job has a schedule. */
  readonly parents: readonly string[] | null;
  readonly schedule: string;
  readonly scheduleTimeZone: string;
}

export type ChronosField = keyof ChronosJob;

/** Defaults for absent fields. */
export const chronosDefaults: ChronosJob = Object.freeze({
  name: '',
  command: '',
  shell: true,
  epsilon: 'PT60S',
  executor: '',
  executorFlags: '',
  taskInfoData: '',
  retries: 2,
  owner: '',
  ownerName: '',
  description: '',
  async: false,
  successCount: 0,
  errorCount: 0,
  lastSuccess: '',
  lastError: '',
  cpus: 0.1,
  disk: 256,
  mem: 128,
  disabled: false,
  softError: false,
  dataProcessingJobType: false,
  errorsSinceLastSuccess: 0,
  fetch: [],
  uris: [],
  environmentVariables: [],
  arguments: [],
  highPriority: false,
  runAsUser: 'root',
  concurrent: false,
  maxCompletionTime: 0,
  container: null,
  constraints: [],
  parents: null,
  schedule: '',
  scheduleTimeZone: '',
});

/** Counters of the server; a client sends them back as it read them. */
export const counters = [
  'successCount',
  'errorCount',
  'lastSuccess',
  'lastError',
  'errorsSinceLastSuccess',
] as const satisfies readonly ChronosField[];

/** The order in which each generation prints its fields; the schedule or the parents come last. */
const printed: readonly (readonly [ChronosField, Generation | null])[] = [
  ['name', null],
  ['command', null],
  ['shell', null],
  ['epsilon', 2],
  ['executor', null],
  ['executorFlags', null],
  ['taskInfoData', null],
  ['retries', null],
  ['owner', null],
  ['ownerName', null],
  ['description', null],
  ['async', 2],
  ['successCount', null],
  ['errorCount', null],
  ['lastSuccess', null],
  ['lastError', null],
  ['cpus', null],
  ['disk', null],
  ['mem', null],
  ['disabled', null],
  ['softError', null],
  ['dataProcessingJobType', null],
  ['errorsSinceLastSuccess', null],
  ['fetch', null],
  ['uris', null],
  ['environmentVariables', null],
  ['arguments', null],
  ['highPriority', null],
  ['runAsUser', null],
  ['concurrent', null],
  ['maxCompletionTime', null],
  ['container', null],
  ['constraints', null],
];

/** The third generation accepts fields of the second and ignores them. */
const knows = (generation: Generation, field: ChronosField): boolean =>
  !printed.some(([each, only]) => each === field && only !== null && only !== generation);

/**
 * True for an absent field that does not mean its default: this generation does not know it, or all fields
 * but those of the second generation are present, so the job was read from the third.
 */
export const saysNothingOf = (
  field: ChronosField,
  given: ReadonlySet<ChronosField>,
  generation: Generation,
): boolean => !given.has(field) && (!knows(generation, field) || isWholeOfThird(given));

const isWholeOfThird = (given: ReadonlySet<ChronosField>): boolean =>
  printed.every(([field, only]) => field === 'container' || given.has(field) === (only === null));

/** The job with the keys in the order of its generation. */
export function printJob(job: ChronosJob, generation: Generation): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const [field, only] of printed) {
    if (only !== null && only !== generation) continue;
    if (field === 'container') {
      if (job.container !== null) json.container = printContainer(job.container, generation);
    } else json[field] = job[field];
  }
  if (job.parents !== null) return { ...json, parents: job.parents };
  return { ...json, schedule: job.schedule, scheduleTimeZone: job.scheduleTimeZone };
}

/** The second generation prints the container type in lower case. */
function printContainer(container: ChronosContainer, generation: Generation): ChronosContainer {
  return generation === 3 ? container : { ...container, type: container.type.toLowerCase() };
}

/** Lists show downloads in both the old and the new field, whichever was sent. */
export function crossFilled(job: ChronosJob): ChronosJob {
  if (job.fetch.length > 0) return { ...job, uris: job.fetch.map(({ uri }) => uri) };
  const fetch = job.uris.map((uri) => ({ uri, executable: false, cache: false, extract: true }));
  return { ...job, fetch };
}
