/**
 * What a rule of the run policy can allow, by key: how an entry is written, and which values it matches. Values are texts as jobs
 * write them. An entry never matches a value whose meaning is unclear.
 */

import { patternOf } from '../access/access.ts';
import { publishedPort } from '../job/container-spec.ts';
import { imageName, isImageId, splitImage } from '../job/image-name.ts';
import { capabilityNames } from '../job/schema/capability-names.ts';

/** Whether the entry matches the value. */
export type Matches = (value: string) => boolean;

interface Kind {
  /** Null: the entry is none. */
  readonly read: (entry: string) => Matches | null;
  /** For mistakes in the file. */
  readonly form: string;
}

/** A job of a container without a user: that of the image, which is often root. */
export const IMAGE_USER = '(image)';
/** A process without a user: that of the scheduler, or of the login on its host. */
export const OWN_USER = '(own)';

const hasWildcard = (entry: string): boolean => /[*?]/.test(entry);

/** The parts of a path. Null with `..`: what it means depends on links. */
function partsOf(path: string): readonly string[] | null {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.includes('..') ? null : parts;
}

/** Compares parts; `**` stands for any number of them, also none. Without backtracking, like `patternOf`. */
function partsMatch(wanted: readonly string[], parts: readonly string[]): boolean {
  const fits = wanted.map((each) => (each === '**' ? null : patternOf(each)));
  let [at, place, rest, resume] = [0, 0, -1, 0];
  while (at < parts.length) {
    if (place < fits.length && fits[place] === null) {
      rest = place++;
      resume = at;
    } else if (fits[place]?.(parts[at]!) === true) {
      place++;
      at++;
    } else if (rest >= 0) {
      place = rest + 1;
      at = ++resume;
    } else return false;
  }
  return fits.slice(place).every((each) => each === null);
}

/** `*` is within a part. */
function path(entry: string): Matches | null {
  const wanted = partsOf(entry);
  if (wanted === null) return null;
  return (value) => {
    const parts = partsOf(value);
    return parts !== null && partsMatch(wanted, parts);
  };
}

function absolutePath(entry: string): Matches | null {
  const matches = entry.startsWith('/') ? path(entry) : null;
  return matches && ((value) => value.startsWith('/') && matches(value));
}

/** User and group with numbers as the system reads them. Null: another reader may see another user in it. */
function accountIn(text: string): { readonly user: string; readonly group: string | null } | null {
  const [user = '', group = '', ...more] = text.split(':');
  const parts = [user, group].map(principal);
  if (more.length > 0 || parts.includes(null)) return null;
  // Without a user, an engine takes number 0.
  return { user: parts[0] || 'root', group: parts[1] || null };
}

/** The next number means "unchanged" in system calls, and larger ones are truncated. */
const maxId = 2 ** 32 - 2;

function principal(text: string): string | null {
  if (/^[+-]?\d+$/.test(text)) {
    const id = Number(text);
    return id === 0 ? 'root' : id > 0 && id <= maxId ? String(id) : null;
  }
  return text === '' || /^[\w*?][\w.@\\*?-]*\$?$/.test(text) ? text : null;
}

function user(entry: string): Matches | null {
  if (entry === IMAGE_USER || entry === OWN_USER) return (value) => value === entry;
  const wanted = entry === '' || entry.startsWith(':') ? null : accountIn(entry);
  if (wanted === null) return null;
  return (value) => {
    const account = value === IMAGE_USER || value === OWN_USER ? null : accountIn(value);
    if (account === null || hasWildcard(value)) return false;
    if (!named(wanted.user)(account.user)) return false;
    return account.group === null || (wanted.group !== null && named(wanted.group)(account.group));
  };
}

/** A wildcard never means root. */
const named = (pattern: string): Matches =>
  hasWildcard(pattern)
    ? (value) => value !== 'root' && patternOf(pattern)(value)
    : (value) => value === pattern;

function image(entry: string): Matches | null {
  if (entry === '**') return (value) => imageName(value) !== null;
  if (isImageId(entry)) return (value) => value === entry;
  const wanted = splitImage(entry);
  const place = path(wanted.path);
  if (entry === '' || place === null) return null;
  const [registry, tag, digest] = [wanted.registry, wanted.tag ?? '*', wanted.digest ?? '*'].map(patternOf);
  return (value) => {
    const name = imageName(value);
    if (name === null || !registry!(name.registry) || !place(name.path)) return false;
    // Beside a digest, engines ignore the tag.
    if (name.digest !== null) return (wanted.digest !== null || wanted.tag === null) && digest!(name.digest);
    return wanted.digest === null && tag!(name.tag ?? 'latest');
  };
}

const volumeForm = /^(?<source>[^:]+):(?<target>\/[^:]*?)(?::(?<mode>ro|rw))?$/;
const volumeName = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** `/data/**`, `named:etl-*`, each with `:ro` for volumes that cannot be written. */
function volume(entry: string): Matches | null {
  const isReadOnly = entry.endsWith(':ro');
  const wanted = isReadOnly ? entry.slice(0, -':ro'.length) : entry;
  const isNamed = wanted.startsWith('named:');
  const source = isNamed ? patternOf(wanted.slice('named:'.length)) : absolutePath(wanted);
  if (source === null) return null;
  return (value) => {
    const { source: from = '', mode } = volumeForm.exec(value)?.groups ?? {};
    return (!isReadOnly || mode === 'ro') && (!isNamed || volumeName.test(from)) && source(from);
  };
}

/** The network of the host, and those of other containers, are never meant by a wildcard. */
function network(entry: string): Matches | null {
  if (entry === '') return null;
  const wanted = sameNetwork(entry);
  const matches = patternOf(wanted);
  return (value) => {
    const asked = sameNetwork(value);
    if (asked === 'host') return wanted === asked;
    return wanted.startsWith(asked.slice(0, asked.indexOf(':') + 1)) && matches(asked);
  };
}

const sameNetwork = (name: string): string => (name === 'default' || name === '' ? 'bridge' : name);

const portForm =
  /^(?:(?:(?<address>[0-9.]+|\[[0-9A-Fa-f:.]+\]):)?(?:(?<from>\d{1,5})(?:-(?<to>\d{1,5}))?|\*))$/;

/** A port of the host, or a range, perhaps of one address. `*`: also those that the engine chooses. */
function port(entry: string): Matches | null {
  const groups = portForm.exec(entry)?.groups;
  if (groups === undefined) return null;
  const [from, to] = [Number(groups.from), Number(groups.to ?? groups.from)];
  if (from < 1 || from > to || to > 65_535) return null;
  const address = groups.address?.replace(/^\[|\]$/g, '');
  return (value) => {
    const asked = portIn(value);
    if (asked === null || (address !== undefined && asked.address !== address)) return false;
    if (groups.from === undefined) return true;
    return asked.published !== null && asked.published >= from && asked.published <= to;
  };
}

function portIn(text: string): ReturnType<typeof publishedPort> | null {
  try {
    return publishedPort(text, '');
  } catch {
    return null;
  }
}

function capability(entry: string): Matches | null {
  const wanted = entry.toUpperCase().replace(/^CAP_/, '');
  if (wanted === '*') return () => true;
  return (capabilityNames as readonly string[]).includes(wanted) ? (value) => value === wanted : null;
}

/** `nofile=65536`: up to this hard limit. -1: without one. */
function ulimit(entry: string): Matches | null {
  const [, name, most] = /^([a-z]{2,16})=(-1|\d{1,15})$/.exec(entry) ?? [];
  if (name === undefined) return null;
  return (value) => {
    const [, asked, hard] = /^([a-z]{2,16})=(-1|\d{1,16})$/.exec(value) ?? [];
    return asked === name && (most === '-1' || (hard !== '-1' && Number(hard) <= Number(most)));
  };
}

/** `*.example.com` for hosts of downloads, `/data/**` for files. */
function download(entry: string): Matches | null {
  if (entry.startsWith('/')) {
    const matches = absolutePath(entry);
    return matches && ((value) => fits(fileIn(value), matches));
  }
  if (!/^[a-z0-9.:*?[\]-]+$/i.test(entry)) return null;
  const matches = patternOf(entry.toLowerCase());
  return (value) => fits(hostIn(value), matches);
}

const fits = (value: string | null, matches: Matches): boolean => value !== null && matches(value);

/** The host as every reader of addresses sees it. Null: they differ, or it is no web address. */
function hostIn(uri: string): string | null {
  const [, authority] = /^https?:\/\/([^/?#]+)/i.exec(uri) ?? [];
  if (authority === undefined || uri.includes('\\')) return null;
  const host = authority.slice(authority.lastIndexOf('@') + 1).replace(/:\d*$/, '');
  return /^(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])$/i.test(host) ? host.toLowerCase() : null;
}

function fileIn(uri: string): string | null {
  if (uri.startsWith('/')) return uri;
  const [, written] = /^file:\/\/(\/[^?#]*)/i.exec(uri) ?? [];
  if (written === undefined || written.includes('\\')) return null;
  try {
    return decodeURIComponent(written);
  } catch {
    return null;
  }
}

/** The words of a command; `**` at the end stands for all others. In the value, zeros are between the words. */
function command(entry: string): Matches | null {
  const wanted = entry.split(/\s+/).filter((word) => word !== '');
  if (wanted.length === 0) return null;
  return (value) => {
    const words = value.split('\0');
    const isPlain = wanted.every((each, i) => !hasWildcard(each) || words.slice(i).every(staysBelow));
    return isPlain && partsMatch(wanted, words);
  };
}

const staysBelow = (word: string): boolean => partsOf(word) !== null;

/** The path of a secret, and its key after `#`. */
function vaultKey(entry: string): Matches | null {
  const [wanted = '', key, ...more] = entry.split('#');
  const place = wanted === '' || more.length > 0 ? null : path(wanted);
  if (place === null) return null;
  const matches = patternOf(key ?? '*');
  return (value) => {
    const at = value.lastIndexOf('#');
    return place(value.slice(0, at)) && matches(value.slice(at + 1));
  };
}

const name = (entry: string): Matches | null => (entry === '' ? null : patternOf(entry));

export const kinds = {
  engines: { read: name, form: 'a name of an engine, or a pattern such as *' },
  users: {
    read: user,
    form: `a name or number, user:group, ${IMAGE_USER} or ${OWN_USER}; a pattern never means root`,
  },
  images: {
    read: image,
    form: 'a name such as registry.example.com/sales/*, alpine:3.20 or alpine@sha256:*; ** for all',
  },
  volumes: {
    read: volume,
    form: 'an absolute path such as /data/**, or named:etl-*, each with :ro or without',
  },
  networks: { read: network, form: 'a name or pattern, host, or container:name' },
  ports: { read: port, form: 'a port, a range such as 8000-8999, 127.0.0.1:8080, or *' },
  capabilities: { read: capability, form: 'the name of a Linux capability, or *' },
  ulimits: { read: ulimit, form: 'a name with its highest hard limit, such as nofile=65536; -1 for none' },
  fetch: { read: download, form: 'a host such as *.example.com, or an absolute path such as /data/**' },
} as const satisfies Readonly<Record<string, Kind>>;

export const secretKinds = {
  file: { read: absolutePath, form: 'an absolute path such as /run/secrets/sales/*' },
  env: { read: name, form: 'the name of a variable, or a pattern such as SALES_*' },
  exec: { read: command, form: 'a command with its arguments, such as /usr/local/bin/secret sales-*' },
  vault: { read: vaultKey, form: 'a path with its mount, such as kv/data/sales/*, perhaps with #key' },
} as const satisfies Readonly<Record<string, Kind>>;

/** Matches one of the conditions of a node choice, such as `zone==a`, or `leader` or `all`. `any` is every node. */
export const nodeKind: Kind = {
  read: (entry) => (entry === 'any' ? () => true : name(entry)),
  form: 'leader, any, all, or a condition such as zone==a',
};
