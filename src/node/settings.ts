/**
 * The one table of settings. A row gives the flag (`--data-dir`), the variable (`CARILLON_DATA_DIR`), the
 * key in the file (`dataDir:`), the type, the default and the help; nothing about a setting is said twice.
 */

import { isAbsolute } from 'node:path';
import { memoryBytes } from '../scheduler/job/size.ts';
import { durationMs } from '../scheduler/schedule/period.ts';

/** How a value is read. Flags and variables are text; a file may hold numbers, booleans, lists and maps as well. */
export interface Kind<T> {
  /** In help texts: `--port <number>`. Empty for what needs no value. */
  readonly placeholder: string;
  readonly allowed: string;
  /** The flag may be given several times; its values are joined by commas. */
  readonly repeated?: true;
  /** Undefined, or a CarillonError, for what is not allowed. */
  read(raw: unknown): T | undefined;
}

export interface Setting<T> {
  readonly kind: Kind<T>;
  readonly default: T;
  readonly help: string;
}

const text = (placeholder: string, allowed = 'text'): Kind<string | null> => ({
  placeholder,
  allowed,
  read: (raw) => (typeof raw === 'string' && raw.trim() !== '' ? raw.trim() : undefined),
});

const matching = (pattern: RegExp, placeholder: string, allowed: string): Kind<string | null> => ({
  placeholder,
  allowed,
  read: (raw) => (typeof raw === 'string' && pattern.test(raw.trim()) ? raw.trim() : undefined),
});

const whole = (least: number, most: number): Kind<number> => ({
  placeholder: 'number',
  allowed: `a whole number from ${least} to ${most}`,
  read: (raw) => {
    const value = typeof raw === 'string' && /^\d{1,15}$/.test(raw.trim()) ? Number(raw) : raw;
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
    return fits ? value : undefined;
  },
});

const choice = <const C extends string>(...choices: readonly C[]): Kind<C> => ({
  placeholder: choices.join('|'),
  allowed: `one of ${choices.join(', ')}`,
  read: (raw) => choices.find((each) => each === raw),
});

const yesOrNo: Kind<boolean> = {
  placeholder: '',
  allowed: 'true or false',
  read: (raw) => {
    if (typeof raw === 'boolean') return raw;
    return raw === 'true' || raw === '1' ? true : raw === 'false' || raw === '0' ? false : undefined;
  },
};

const duration: Kind<number> = {
  placeholder: 'duration',
  allowed: 'an ISO 8601 duration such as PT12H, P30D, or 90s, 1h30m',
  read: (raw) => (typeof raw === 'string' ? durationMs(raw.trim(), 'the duration') : undefined),
};

const size: Kind<number> = {
  placeholder: 'size',
  allowed: 'bytes, or a number with a unit: 16MiB, 1GB',
  read: (raw) =>
    ['string', 'number'].includes(typeof raw) ? memoryBytes(String(raw), 'the size') : undefined,
};

/** A name or an address, without a port. */
const hostForm =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252})|\[?[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]?)$/;

/** Several values of one form, with commas between them or, in a file, as a list. */
const listOf = (
  { placeholder, allowed }: { readonly placeholder: string; readonly allowed: string },
  isGood: (item: string) => boolean,
): Kind<readonly string[]> => ({
  placeholder,
  allowed,
  repeated: true,
  read: (raw) => {
    const given = typeof raw === 'string' ? raw.split(',') : Array.isArray(raw) ? raw : [];
    const items = given.map((each) => (typeof each === 'string' ? each.trim() : ''));
    return items.length > 0 && items.every(isGood) ? Object.freeze(items) : undefined;
  },
});

const hosts = listOf(
  {
    placeholder: 'name,…',
    allowed: 'host names or addresses without ports: carillon.example.org,10.0.0.7',
  },
  (name) => hostForm.test(name),
);

const folders = listOf(
  {
    placeholder: 'folder,…',
    allowed: 'full paths of folders: /run/secrets,/etc/carillon/secrets',
  },
  (path) => isAbsolute(path),
);

/** More than anyone has told apart by name so far; keeps the table of pools small. */
const mostPools = 1_000;

const pools: Kind<Readonly<Record<string, number>>> = {
  placeholder: 'name=places,…',
  allowed: 'names with places from 1 to 100000: etl=4,reports=1',
  read: (raw) => {
    const given: [string, unknown][] =
      typeof raw === 'string'
        ? raw
            .split(',')
            .map((part) => [part.split('=')[0]!.trim(), part.split('=').slice(1).join('=').trim()])
        : typeof raw === 'object' && raw !== null && !Array.isArray(raw)
          ? Object.entries(raw)
          : [];
    const places = whole(1, 100_000);
    const read = given.map(([name, value]) => [name, places.read(value)] as const);
    const names = new Set(given.map(([name]) => name));
    const valid =
      read.length > 0 &&
      read.length <= mostPools &&
      names.size === read.length &&
      read.every(([name, value]) => /^[A-Za-z0-9_.-]{1,128}$/.test(name) && value !== undefined);
    return valid ? Object.freeze(Object.fromEntries(read as [string, number][])) : undefined;
  },
};

/** Defaults are checked against their kinds by the compiler: `T` must be the same. */
const setting = <T>(kind: Kind<T>, byDefault: T, help: string): Setting<T> => ({
  kind,
  default: byDefault,
  help,
});

const anyText = text('text') as Kind<string>;

/** Keys as in the file; flags and variables follow from them. */
export const settings = {
  host: setting({ ...anyText, placeholder: 'address' }, '127.0.0.1', 'Address to listen on.'),
  port: setting(whole(0, 65_535), 4400, 'Port to listen on; 0 takes a free one.'),
  insecure: setting(
    yesOrNo,
    false,
    'Allow a non-loopback --host. The API has no authentication: anyone who can reach the port can run commands here.',
  ),
  dataDir: setting(
    { ...anyText, placeholder: 'folder' },
    './.carillon',
    'Folder for state, logs and processes.',
  ),
  zk: setting(
    matching(
      /^[^\s,/:]+(:\d{1,5})?(,[^\s,/:]+(:\d{1,5})?)*(\/[^\s,]*)?$/,
      'hosts',
      'host:port,…, and a chroot if wanted: a:2181,b:2181/carillon',
    ),
    null,
    'ZooKeeper ensemble that stores the state and elects the leader. Logs and processes stay in --data-dir.',
  ),
  zkSessionTimeout: setting(
    duration,
    10_000,
    'How long ZooKeeper waits for a silent scheduler before another may lead. Default: PT10S.',
  ),
  zkAuthFile: setting(
    text('file'),
    null,
    'File with user:password for ZooKeeper. Only this login can then read or change the state.',
  ),
  advertiseUrl: setting(
    matching(/^https?:\/\/[^\s/]+$/, 'url', 'http://host:port'),
    null,
    'URL under which other nodes reach this one. Default: the address that it listens on.',
  ),
  allowedHost: setting(
    hosts,
    Object.freeze([]),
    'More names by which clients reach this server, such as that of a proxy; may be repeated.',
  ),
  dockerHost: setting(
    matching(
      /^(unix:\/\/\/|tcp:\/\/|http:\/\/|https:\/\/)\S+$/,
      'url',
      'unix:///path, tcp://host:port, http://… or https://…',
    ),
    null,
    'Docker Engine for jobs with an image. Default: /var/run/docker.sock, if it exists.',
  ),
  dockerTlsDir: setting(
    text('folder'),
    null,
    'Folder with ca.pem, cert.pem and key.pem to reach Docker with.',
  ),
  dockerConfig: setting(
    text('file'),
    null,
    'Registry logins, as docker login stores them. Default: ~/.docker/config.json, if it exists.',
  ),
  secretDir: setting(
    folders,
    Object.freeze([]),
    'Folders whose files processes of any user may have as secrets; may be repeated.',
  ),
  swarmHost: setting(
    matching(
      /^(unix:\/\/\/|tcp:\/\/|http:\/\/|https:\/\/)[^\s,]+(,(unix:\/\/\/|tcp:\/\/|http:\/\/|https:\/\/)[^\s,]+)*$/,
      'urls',
      'managers as tcp://host:port,tcp://host:port; also unix:///path, http://… and https://…',
    ),
    null,
    'Managers of a Docker Swarm for jobs with an image; the next one is asked when one is gone.',
  ),
  processConcurrency: setting(whole(1, 100_000), 64, 'Maximum concurrent processes on this host.'),
  dockerConcurrency: setting(whole(1, 100_000), 128, 'Maximum concurrent containers on Docker.'),
  swarmConcurrency: setting(whole(1, 100_000), 512, 'Maximum concurrent services in the Swarm.'),
  startsInFlight: setting(
    whole(1, 10_000),
    null,
    'Maximum concurrent starts per engine (Swarm: always 16). Default: 2 per core of this machine.',
  ),
  dockerStarts: setting(
    whole(1, 10_000),
    null,
    'Maximum concurrent starts on Docker, if its machine has other cores. Best: 2 per core of that machine.',
  ),
  pools: setting(pools, Object.freeze({}), 'Named pools and how many attempts may share each at one time.'),
  logRetention: setting(
    duration,
    14 * 86_400_000,
    'How long the logs of ended runs are kept. Default: P14D.',
  ),
  logLimit: setting(
    size,
    16 * 1024 ** 2,
    'Maximum output kept of each stream (stdout, stderr) of an attempt. Default: 16MiB.',
  ),
  stopTimeout: setting(
    duration,
    10_000,
    'How long a stop may take before the process ends anyway. Default: PT10S.',
  ),
  logLevel: setting(
    choice('debug', 'info', 'warn', 'error', 'silent'),
    'info',
    'What the program itself logs.',
  ),
  logFormat: setting(
    choice('auto', 'pretty', 'json'),
    'auto',
    'How it logs; auto is pretty on a terminal and json elsewhere.',
  ),
} as const satisfies Record<string, Setting<never> | Setting<unknown>>;

export type SettingName = keyof typeof settings;

/** `dataDir` → `--data-dir`. */
export const flagOf = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** `dataDir` → `CARILLON_DATA_DIR`. */
export const variableOf = (name: string) =>
  `CARILLON_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
