/**
 * Maps each field of a Chronos job to native fields, and back. An aspect is a group of fields that have one
 * meaning together. `read` returns the native fields they decide, undefined for those that must be absent.
 * `write` returns the Chronos fields from a native definition. What `write` cannot return is stored with the
 * job.
 */

import { type JobDefinition, maxRetries, type PolicyDefinition } from '../job/definition.ts';
import { parentNames, parentsAs } from '../job/parents.ts';
import { shellVariableForm, variableForm } from '../job/schema/container-forms.ts';
import { isDownloadable } from '../job/schema/fetch.ts';
import { memoryBytes } from '../job/size.ts';
import { DAY_MS } from '../schedule/civil.ts';
import { durationMs, formatDuration, readPeriod } from '../schedule/period.ts';
import { chronosConstraint, nativeConstraint } from './constraints.ts';
import { containerOf, type RunPart, runOf } from './container.ts';
import { optionsOf } from './docker-options.ts';
import {
  type ChronosContainer,
  type ChronosField,
  type ChronosJob,
  chronosDefaults,
  type Generation,
} from './job.ts';
import { nativeName } from './names.ts';
import { nativeRepeat, onceNow, runsAtOnce, zoneName } from './schedule.ts';

export type PolicyPart = { readonly [field in keyof PolicyDefinition]?: PolicyDefinition[field] | undefined };

/** The native fields that the Chronos fields decide. */
export interface Native {
  readonly owner?: string | undefined;
  readonly description?: string | undefined;
  readonly labels?: JobDefinition['labels'] | undefined;
  readonly schedule?: JobDefinition['schedule'] | undefined;
  readonly run?: RunPart;
  readonly policy?: PolicyPart;
}

export interface Reading {
  readonly generation: Generation;
  /** Replaces an omitted start: epoch milliseconds. */
  readonly now: number;
  readonly given: (field: ChronosField) => boolean;
  /** True for a field that came back as a client reads it: its native setting stays. */
  readonly same: (field: ChronosField) => boolean;
  /** The existing definition. Null: there is none. */
  readonly into: JobDefinition | null;
  /** The container that the definition was read from. */
  readonly before: ChronosContainer | null;
  /** Parts of `run` that the engine does not support. */
  readonly unmapped: readonly Unmapped[];
}

export const droppable = [
  'resources',
  'constraints',
  'engine',
  'pull',
  'ports',
  'noNewPrivileges',
] as const satisfies readonly (keyof RunPart)[];
export type Unmapped = (typeof droppable)[number];

export interface Aspect {
  readonly fields: readonly ChronosField[];
  /** Other fields that this aspect reads: a change of them counts as one of this aspect. */
  readonly also?: readonly ChronosField[];
  /** Parts that an engine may refuse, and that the job can do without. */
  readonly drops?: readonly Unmapped[];
  readonly read: (job: ChronosJob, reading: Reading) => Native;
  readonly write: (definition: JobDefinition) => Partial<ChronosJob>;
}

const isDefault = (job: ChronosJob, field: ChronosField): boolean => job[field] === chronosDefaults[field];
const unlessEmpty = (text: string): string | undefined => (text === '' ? undefined : text);

const people: Aspect = {
  fields: ['owner', 'description'],
  read: ({ owner, description }) => ({ owner: unlessEmpty(owner), description: unlessEmpty(description) }),
  write: ({ owner = '', description = '' }) => ({ owner, description }),
};

export const timing: Aspect = {
  fields: ['schedule', 'scheduleTimeZone', 'parents'],
  read: ({ parents, schedule, scheduleTimeZone }, { now, into, same }) => {
    const own = into?.schedule;
    // Chronos cannot express which ends of the parents count, and by which interval.
    if (parents !== null)
      return {
        schedule: { after: { ...own?.after, parents: parentsAs(own?.after, parents.map(nativeName)) } },
      };
    if (same('schedule') && into !== null) {
      if (own === undefined) return {};
      if (own.cron !== undefined) return { schedule: inZone(own, zoneName(scheduleTimeZone)) };
    }
    return { schedule: nativeRepeat(schedule === '' ? onceNow : schedule, scheduleTimeZone, now) };
  },
  write: ({ schedule }) => ({
    parents: schedule?.after === undefined ? null : parentNames(schedule.after),
    schedule: schedule?.every ?? '',
    scheduleTimeZone: schedule?.timezone ?? '',
  }),
};

/** A cron schedule has no form of its own in Chronos: if only its zone changed, it stays a cron schedule. */
function inZone(
  { timezone: _, ...schedule }: NonNullable<JobDefinition['schedule']>,
  timezone: string | null,
): JobDefinition['schedule'] {
  return timezone === null ? schedule : { ...schedule, timezone };
}

/** The shell's no-op command. */
const nothing = ':';

const command: Aspect = {
  fields: ['command', 'shell', 'arguments'],
  also: ['container'],
  read: (job, { into, before }) => {
    const own = optionsOf(before).options.entrypoint === undefined ? into?.run?.entrypoint : undefined;
    const entrypoint =
      optionsOf(job.container).options.entrypoint ?? (job.container === null ? undefined : own);
    const none = { command: undefined, argv: undefined, args: undefined, entrypoint: undefined };
    return { run: { ...none, ...commandOf(job, entrypoint) } };
  },
  write: ({ run = {} }) => {
    const words = run.argv ?? run.args;
    if (words === undefined) return { command: run.command ?? '', shell: true, arguments: [] };
    return { command: words[0] ?? '', shell: false, arguments: words.slice(1) };
  },
};

/** Chronos appends the arguments to a shell command, although its documentation says that it ignores them. */
function commandOf(
  { command, shell, arguments: words, container }: ChronosJob,
  entrypoint: RunPart['entrypoint'],
): RunPart {
  const all = command === '' ? [...words] : [command, ...words];
  if (entrypoint !== undefined && entrypoint.length > 0) {
    const args = shell && command !== '' ? ['/bin/sh', '-c', all.join(' ')] : all;
    return { entrypoint, ...(args.length > 0 && { args }) };
  }
  if (all.length === 0) return container === null ? { command: nothing } : {};
  if (shell && command !== '') return { command: all.join(' ') };
  // A container without a shell passes its words to the image's entrypoint, unless that was removed.
  return container === null || entrypoint !== undefined ? { argv: all } : { args: all };
}

const container: Aspect = {
  fields: ['container'],
  drops: ['pull', 'ports', 'noNewPrivileges'],
  read: (job, { unmapped, before, into }) => {
    const all = Object.entries(runOf(job.container, before, into?.run ?? {}));
    return {
      run: Object.fromEntries(all.filter(([part]) => !(unmapped as readonly string[]).includes(part))),
    };
  },
  write: ({ run = {} }) => ({ container: containerOf(run) }),
};

const asks = (job: ChronosJob, field: 'cpus' | 'mem'): boolean => !isDefault(job, field) && job[field] > 0;

/** Chronos prints its defaults with every job, so defaults request nothing. Only containers have limits. */
const resources: Aspect = {
  fields: ['cpus', 'mem'],
  drops: ['resources'],
  also: ['container'],
  read: (job, { unmapped, into, before, same }) => {
    if (job.container === null) return { run: { resources: undefined } };
    if (unmapped.includes('resources')) return {};
    const decided: Partial<Record<string, unknown>> = {
      ...(!same('cpus') && { cpus: true }),
      ...(!same('mem') && { memory: true }),
      ...optionsOf(before).options.resources,
    };
    const own = Object.entries(into?.run?.resources ?? {}).filter(([limit]) => !(limit in decided));
    const limits = {
      ...(asks(job, 'cpus') && { cpus: job.cpus }),
      ...(asks(job, 'mem') && { memory: `${job.mem}MiB` }),
      ...Object.fromEntries(own),
      ...optionsOf(job.container).options.resources,
    };
    return { run: { resources: Object.keys(limits).length > 0 ? limits : undefined } };
  },
  write: ({ run: { resources = {} } = {} }) => ({
    cpus: resources.cpus ?? chronosDefaults.cpus,
    mem: megabytes(resources.memory) ?? chronosDefaults.mem,
  }),
};

const megabytes = (memory: string | undefined): number | null =>
  memory === undefined ? null : memoryBytes(memory, 'run.resources.memory') / 2 ** 20;

/** Names that no job can have are stored and reported. */
export const isVariable = ({ name }: { readonly name: string }): boolean =>
  variableForm.test(name) && !name.startsWith('CARILLON_');

/** A native process has no variables that shells drop; for a Chronos job they are set at launch. */
export const isGivenAtLaunch = (name: string, container: ChronosContainer | null): boolean =>
  container === null && !shellVariableForm.test(name);

const environment: Aspect = {
  fields: ['environmentVariables'],
  also: ['container'],
  read: ({ environmentVariables, container }) => {
    const sent = environmentVariables
      .filter((each) => isVariable(each) && !isGivenAtLaunch(each.name, container))
      .map(({ name, value }) => [name, value] as const);
    const options = Object.entries(optionsOf(container).options.env ?? {});
    const env = Object.fromEntries([...sent, ...options]);
    return { run: { env: Object.keys(env).length > 0 ? env : undefined } };
  },
  write: ({ run: { env = {} } = {} }) => ({
    environmentVariables: Object.entries(env).map(([name, value]) => ({ name, value })),
  }),
};

/** Chronos prints the user of its own process, root, with every job, so root requests nothing either. */
const user: Aspect = {
  fields: ['runAsUser'],
  also: ['container'],
  read: (job, { into, before, same }) => {
    const option = optionsOf(job.container).options.user;
    const own = optionsOf(before).options.user === undefined ? into?.run?.user : undefined;
    const sent = isDefault(job, 'runAsUser') ? undefined : job.runAsUser;
    return { run: { user: option ?? (same('runAsUser') ? (own ?? sent) : sent) } };
  },
  write: ({ run = {} }) => ({ runAsUser: run.user ?? chronosDefaults.runAsUser }),
};

/** Labels of the container become labels of the job; native ones stay. */
const labels: Aspect = {
  fields: [],
  also: ['container'],
  read: ({ container }, { into, before }) => {
    const gone = optionsOf(before).options.labels ?? {};
    const own = Object.entries(into?.labels ?? {}).filter(([name]) => !Object.hasOwn(gone, name));
    const all = { ...Object.fromEntries(own), ...optionsOf(container).options.labels };
    return { labels: Object.keys(all).length > 0 || into?.labels !== undefined ? all : undefined };
  },
  write: () => ({}),
};

const placement: Aspect = {
  fields: ['constraints'],
  drops: ['constraints', 'engine'],
  read: ({ constraints, container }, { unmapped, into }) => {
    if (container === null || unmapped.includes('constraints')) return {};
    const sent = constraints.flatMap(([attribute = '', operator = '', value = '']) =>
      nativeConstraint(attribute, operator, value),
    );
    const own = (into?.run?.constraints ?? []).filter((text) => chronosConstraint(text).length === 0);
    const native = [...own, ...sent];
    if (native.length === 0) return { run: { constraints: undefined } };
    return {
      run: { constraints: native, ...(!unmapped.includes('engine') && { engine: 'swarm' }) },
    };
  },
  write: ({ run = {} }) => ({ constraints: (run.constraints ?? []).flatMap(chronosConstraint) }),
};

/** One minute apart, as in Chronos. */
const retries: Aspect = {
  fields: ['retries'],
  read: ({ retries: wanted }, { into }) => {
    // A negative limit means none.
    const limit = Math.max(0, Math.min(wanted, maxRetries));
    const delays = into?.policy?.retries ?? { delay: 'PT1M', factor: 1, jitter: false };
    return { policy: { retries: limit === 0 ? undefined : { ...delays, limit } } };
  },
  write: ({ policy }) => ({ retries: policy?.retries?.limit ?? 0 }),
};

/**
 * Without `concurrent`, a run that is due too early waits. Chronos drops a manually triggered one. Other
 * native policies of a job stay.
 */
const overlap: Aspect = {
  fields: ['concurrent'],
  also: ['schedule', 'parents'],
  read: ({ concurrent, schedule, parents }, { into, same }) => {
    if (concurrent) return { policy: { overlap: 'allow' } };
    // Of several runs at once, none is lost because of earlier ones.
    if (parents === null && runsAtOnce(schedule)) return { policy: { overlap: 'queue-all' } };
    const wereAtOnce = runsAtOnce(String(into?.chronos?.schedule ?? ''));
    return same('concurrent') && into !== null && !wereAtOnce ? {} : { policy: { overlap: 'queue' } };
  },
  write: ({ policy }) => ({ concurrent: policy?.overlap === 'allow' }),
};

const HIGH_PRIORITY = 10;

const priority: Aspect = {
  fields: ['highPriority'],
  read: ({ highPriority }) => ({ policy: { priority: highPriority ? HIGH_PRIORITY : undefined } }),
  write: ({ policy }) => ({ highPriority: (policy?.priority ?? 0) > 0 }),
};

const failure: Aspect = {
  fields: ['softError'],
  read: ({ softError }) => ({ policy: { onFailure: softError ? 'continue' : undefined } }),
  write: ({ policy }) => ({ softError: policy?.onFailure === 'continue' }),
};

const completion: Aspect = {
  fields: ['async'],
  read: (job, { generation }) =>
    generation === 3 ? {} : { policy: { completion: job.async ? 'callback' : undefined } },
  write: ({ policy }) => ({ async: policy?.completion === 'callback' }),
};

const timeout: Aspect = {
  fields: ['maxCompletionTime'],
  read: ({ maxCompletionTime: seconds }) => ({
    policy: { timeout: seconds <= 0 ? undefined : `PT${seconds}S` },
  }),
  write: ({ policy }) => ({
    maxCompletionTime:
      policy?.timeout === undefined ? 0 : Math.ceil(durationMs(policy.timeout, 'policy.timeout') / 1_000),
  }),
};

/** Natively a month has no fixed length; a month that Chronos added to a date is 31 days here. */
function exactDuration(epsilon: string): string {
  const period = readPeriod(epsilon);
  if (typeof period === 'string' || period.months === 0) return epsilon;
  return formatDuration(period.months * 31 * DAY_MS + period.days * DAY_MS + period.ms);
}

/** The third generation reads it and never skips a run; the second skips runs that are later than this. */
const lateness: Aspect = {
  fields: ['epsilon'],
  read: ({ epsilon }, { generation, given }) => {
    if (generation === 3) return given('epsilon') ? { policy: { startWithin: undefined } } : {};
    return { policy: { startWithin: given('epsilon') ? exactDuration(epsilon) : undefined } };
  },
  write: ({ policy }) => ({ epsilon: policy?.startWithin ?? chronosDefaults.epsilon }),
};

/** Mesos downloaded into the sandbox of every task; here processes have a folder of their own. */
const fetching: Aspect = {
  fields: ['fetch', 'uris'],
  read: ({ fetch, uris, container }) => {
    if (container !== null) return { run: { fetch: undefined } };
    const old = uris.map((uri) => ({ uri, executable: false, extract: true }));
    // A download that is not supported is stored, and its job is blocked.
    const all = (fetch.length > 0 ? fetch : old)
      .filter(({ uri }) => isDownloadable(uri))
      .map((item) => ({
        uri: item.uri,
        ...('output_file' in item && item.output_file !== '' && { output: item.output_file }),
        ...(item.executable && { executable: true }),
        ...(item.extract && { extract: true }),
      }));
    return { run: { fetch: all.length > 0 ? all : undefined } };
  },
  write: ({ run = {} }) => ({
    uris: [],
    fetch: (run.fetch ?? []).map(({ uri, output, executable = false, extract = false }) => ({
      uri,
      ...(output !== undefined && { output_file: output }),
      executable,
      cache: false,
      extract,
    })),
  }),
};

/** In reading order; if two decide the same field, the later one wins. */
export const aspects: readonly Aspect[] = [
  people,
  timing,
  command,
  container,
  resources,
  environment,
  user,
  labels,
  placement,
  retries,
  overlap,
  priority,
  failure,
  completion,
  timeout,
  lateness,
  fetching,
];

/** Fields without a native counterpart: stored unchanged. */
export const keptOnly: readonly ChronosField[] = [
  'ownerName',
  'executor',
  'executorFlags',
  'taskInfoData',
  'dataProcessingJobType',
  'disk',
];
