/**
 * `container.parameters`: options of `docker run` as Mesos passed them on. Options with a native equivalent
 * are converted; the others are stored and reported. An option is only converted if all of it can be
 * honoured.
 */

import { publishedPort } from '../job/container-spec.ts';
import type { RunDefinition } from '../job/definition.ts';
import { capabilityNames } from '../job/schema/capability-names.ts';
import {
  addressForm,
  hostNameForm,
  isPath,
  isUlimit,
  ownHostnameForm,
  ulimitName,
  variableForm,
  volumeForm,
} from '../job/schema/container-forms.ts';
import { memoryBytes } from '../job/size.ts';
import type { ChronosContainer } from './job.ts';

/** The native settings of a container's options. */
export interface Options extends Pick<RunDefinition, 'entrypoint' | 'env' | 'hosts' | 'hostname' | 'init'> {
  readonly user?: string;
  readonly workdir?: string;
  readonly network?: string;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly tmpfs?: Readonly<Record<string, string>>;
  readonly ulimits?: NonNullable<RunDefinition['ulimits']>;
  readonly capabilities?: NonNullable<RunDefinition['capabilities']>;
  readonly resources?: NonNullable<RunDefinition['resources']>;
  readonly readOnly?: boolean;
  readonly noNewPrivileges?: boolean;
  readonly pull?: NonNullable<RunDefinition['pull']>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Null: this value is not supported. */
type Reader = (value: string) => Options | null;

const when = (holds: boolean, options: Options): Options | null => (holds ? options : null);

/** Splits `name=value`, or `name:value` if the option uses that form. */
function pair(text: string, form: RegExp = /^([^=]+)=(.*)$/s): [string, string] | null {
  const match = form.exec(text);
  return match === null ? null : [match[1]!, match[2]!];
}

const readable = (read: () => unknown): boolean => {
  try {
    read();
    return true;
  } catch {
    return false;
  }
};
const isSize = (text: string): boolean => readable(() => memoryBytes(text, ''));

/** A flag without a value is true. */
function flag(options: (on: boolean) => Options): Reader {
  return (value) => {
    const word = value.trim().toLowerCase();
    return when(['', 'true', '1', 'false', '0'].includes(word), options(word !== 'false' && word !== '0'));
  };
}

const env: Reader = (value) => {
  const [name, content] = pair(value) ?? [value, null];
  const ours = name.startsWith('CARILLON_') || !variableForm.test(name);
  return content === null || ours ? null : { env: { [name]: content } };
};

const label: Reader = (value) => {
  const [name, content] = pair(value) ?? [value, ''];
  return when(name !== '' && !name.startsWith('carillon.'), { labels: { [name]: content } });
};

const ulimit: Reader = (value) => {
  const match = /^(\w+)=(-?\d{1,15})(?::(-?\d{1,15}))?$/.exec(value);
  const [, name = '', first, second] = match ?? [];
  const [soft, hard] = [Number(first), Number(second ?? first)];
  const good = ulimitName.test(name) && soft >= -1 && hard >= -1 && isUlimit(soft, hard);
  return when(good, { ulimits: { [name]: { soft, hard } } });
};

type Capability = (typeof capabilityNames)[number];
const capability = (value: string): string => value.toUpperCase().replace(/^CAP_/, '');
const isCapability = (name: string): name is Capability =>
  (capabilityNames as readonly string[]).includes(name);

const capAdd: Reader = (value) => {
  const name = capability(value);
  return isCapability(name) ? { capabilities: { add: [name] } } : null;
};

const capDrop: Reader = (value) => {
  const name = capability(value);
  return isCapability(name) || name === 'ALL' ? { capabilities: { drop: [name] } } : null;
};

const cpus: Reader = (value) =>
  when(Number(value) > 0 && Number(value) <= 4_096, { resources: { cpus: Number(value) } });

/** Empty, zero and -1 mean no limit. */
const pids: Reader = (value) => {
  if (!/^-?\d{1,7}$/.test(value)) return null;
  return Number(value) < 1 ? {} : when(Number(value) <= 4_194_304, { resources: { pids: Number(value) } });
};

const tmpfs: Reader = (value) => {
  const [path, size] = pair(value, /^([^:]+):size=([^,]+)$/) ?? ['', ''];
  return when(isPath(path) && isSize(size), { tmpfs: { [path]: size } });
};

const host: Reader = (value) => {
  const [name, address] = pair(value, /^([^:=]+)[:=](.*)$/s) ?? ['', ''];
  return when(hostNameForm.test(name) && addressForm.test(address), { hosts: { [name]: address } });
};

/** `type=bind,source=/a,target=/b,readonly`. */
const mount: Reader = (value) => {
  const parts = new Map(value.split(',').map((part) => pair(part) ?? ([part, 'true'] as const)));
  const take = (...names: string[]): string =>
    names
      .map((name) => [parts.get(name) ?? '', parts.delete(name)] as const)
      .find(([it]) => it !== '')?.[0] ?? '';
  const [kind, source, target] = [take('type'), take('source', 'src'), take('target', 'dst', 'destination')];
  const readOnly = take('readonly', 'ro');
  const text = `${source}:${target}${readOnly === 'true' || readOnly === '1' ? ':ro' : ''}`;
  const known = parts.size === 0 && (kind === 'bind' || kind === 'volume' || kind === '');
  return when(known && volumeForm.test(text), { volumes: [text] });
};

const volume: Reader = (value) => when(volumeForm.test(value), { volumes: [value] });
const publish: Reader = (value) =>
  when(
    readable(() => publishedPort(value, '')),
    { ports: [value] },
  );
const text =
  (field: 'user' | 'workdir' | 'network'): Reader =>
  (value) =>
    when(value !== '', { [field]: value });
const size =
  (field: 'memory' | 'shm'): Reader =>
  (value) =>
    when(isSize(value), { resources: { [field]: value } });

/** By name without dashes, long and short. */
const readers: Readonly<Record<string, Reader>> = {
  env,
  e: env,
  label,
  l: label,
  user: text('user'),
  u: text('user'),
  workdir: text('workdir'),
  w: text('workdir'),
  net: text('network'),
  network: text('network'),
  hostname: (value) => when(ownHostnameForm.test(value), { hostname: value }),
  h: (value) => when(ownHostnameForm.test(value), { hostname: value }),
  entrypoint: (value) => ({ entrypoint: value === '' ? [] : [value] }),
  volume,
  v: volume,
  mount,
  publish,
  p: publish,
  'add-host': host,
  tmpfs,
  ulimit,
  'cap-add': capAdd,
  'cap-drop': capDrop,
  memory: size('memory'),
  m: size('memory'),
  'shm-size': size('shm'),
  cpus,
  'pids-limit': pids,
  gpus: (value) =>
    when(/^\d{1,4}$/.test(value) && Number(value) <= 1_024, { resources: { gpus: Number(value) } }),
  init: flag((on) => ({ init: on })),
  'read-only': flag((on) => ({ readOnly: on })),
  'security-opt': (value) => when(/^no-new-privileges(?:[:=]true)?$/.test(value), { noNewPrivileges: true }),
  pull: (value) => (value === 'always' || value === 'missing' || value === 'never' ? { pull: value } : null),
};

/** All options together, and warnings about those stored without effect. */
export function optionsOf(container: ChronosContainer | null): { options: Options; kept: string[] } {
  let options: Options = {};
  const kept: string[] = [];
  for (const { key, value } of container?.parameters ?? []) {
    const name = key.trim().replace(/^-+/, '');
    const read = Object.hasOwn(readers, name) ? readers[name]!(value.trim()) : null;
    if (read !== null) options = together(options, read) as Options;
    else kept.push(`container.parameters: the option '${name}' (${shown(value)}) is stored without effect`);
  }
  return { options: withoutDroppedAdds(options), kept };
}

const shown = (value: string): string => (value.length <= 60 ? value : `${value.slice(0, 60)}…`);

/** Merges options: lists and maps are joined, otherwise the last value wins. */
function together(a: object, b: object): object {
  const all = new Map<string, unknown>(Object.entries(a));
  for (const [field, value] of Object.entries(b)) {
    const before = all.get(field);
    const grows = field !== 'entrypoint' && typeof before === 'object' && before !== null;
    if (!grows) all.set(field, value);
    else if (Array.isArray(before)) all.set(field, [...new Set([...before, ...(value as unknown[])])]);
    else all.set(field, together(before, value as object));
  }
  return Object.fromEntries(all);
}

/** If a capability is both added and dropped, it is added, as in the engine. */
function withoutDroppedAdds(options: Options): Options {
  const { add = [], drop = [] } = options.capabilities ?? {};
  const rest = drop.filter((name) => !(add as readonly string[]).includes(name));
  if (rest.length === drop.length) return options;
  return { ...options, capabilities: rest.length === 0 ? { add } : { add, drop: rest } };
}
