/**
 * The table of settings. A row gives the flag (`--data-dir`), the variable (`CARILLON_DATA_DIR`), the key in
 * the file (`dataDir:`), the type, the default and the help.
 */

import { labelName, labelValue } from '../scheduler/job/node-choice.ts';
import {
  choice,
  duration,
  type Kind,
  listOf,
  matching,
  type SettingsTable,
  setting,
  size,
  text,
  whole,
} from '../setting.ts';
import { engineSettings, engines, helpOrder } from './engines.ts';
import { accessSettings } from './settings-access.ts';
import { secretSettings } from './settings-secrets.ts';

/** A host name or an address, without a port. */
const hostForm =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252})|\[?[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]?)$/;

const hosts = listOf(
  {
    placeholder: 'name,…',
    allowed: 'host names or addresses without ports, such as carillon.example.org,10.0.0.7',
  },
  (name) => hostForm.test(name),
);

/** More than any installation needs. Keeps the table of pools small. */
const mostPools = 1_000;

/** Names and values of a flag, or of a map in the file. */
function pairsIn(raw: unknown): [name: string, value: unknown][] {
  if (typeof raw === 'string')
    return raw
      .split(',')
      .map((part) => [part.split('=')[0]!.trim(), part.split('=').slice(1).join('=').trim()]);
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? Object.entries(raw) : [];
}

const pools: Kind<Readonly<Record<string, number>>> = {
  placeholder: 'name=places,…',
  allowed: 'names with 1 to 100000 slots, such as etl=4,reports=1',
  read: (raw) => {
    const given = pairsIn(raw);
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

/** More than anyone tells nodes apart by. Candidacies in ZooKeeper stay small. */
const mostLabels = 64;

const nodeLabels: Kind<Readonly<Record<string, string>>> = {
  placeholder: 'name=value,…',
  allowed: `up to ${mostLabels} labels such as zone=a,disk=ssd, each name once, of letters, digits and ._/-`,
  repeated: true,
  read: (raw) => {
    const given = pairsIn(raw);
    const names = new Set(given.map(([name]) => name));
    const valid =
      given.length > 0 &&
      given.length <= mostLabels &&
      names.size === given.length &&
      given.every(([name, value]) => labelName.test(name) && labelValue.test(String(value)));
    return valid
      ? Object.freeze(Object.fromEntries(given.map(([name, value]) => [name, String(value)])))
      : undefined;
  },
};

/** With these, a scrape has 22 MiB. */
const mostMetricsJobs = 10_000;
const defaultMetricsJobs = 500;

/** A number, labels, or both. */
const metricsJobs: Kind<{ readonly most: number; readonly labels: readonly string[] }> = {
  placeholder: 'number,label=value,…',
  allowed: `a whole number from 0 to ${mostMetricsJobs}, labels such as team=sales, or both: 1000,team=sales`,
  repeated: true,
  read: (raw) => {
    if (typeof raw !== 'string' && typeof raw !== 'number' && !Array.isArray(raw)) return undefined;
    const given = String(raw)
      .split(',')
      .map((each) => each.trim());
    const numbers = given.filter((each) => /^\d+$/.test(each));
    const labels = given.filter((each) => !numbers.includes(each));
    const most = whole(0, mostMetricsJobs).read(numbers[0] ?? String(defaultMetricsJobs));
    const valid = numbers.length <= 1 && labels.length <= mostLabels && labels.every(isLabel);
    return valid && most !== undefined ? Object.freeze({ most, labels: Object.freeze(labels) }) : undefined;
  },
};

function isLabel(text: string): boolean {
  const [name = '', ...value] = text.split('=');
  return name !== '' && (value.length === 0 || value.join('=') !== '');
}

const between = (leastMs: number, mostMs: number): Kind<number> => ({
  ...duration,
  allowed: `a duration from ${leastMs / 1_000} s to ${mostMs / 1_000} s, such as PT1M`,
  read: (raw) => {
    const value = duration.read(raw);
    return value !== undefined && value >= leastMs && value <= mostMs ? value : undefined;
  },
});

const anyText = text('text') as Kind<string>;

/** Engines with a fixed number of concurrent starts: ` (Name: always 16)`. */
const exceptions = engines
  .flatMap(({ name, startsInFlight }) =>
    startsInFlight === undefined
      ? []
      : ` (${name.charAt(0).toUpperCase()}${name.slice(1)}: always ${startsInFlight})`,
  )
  .join('');

const reach = {
  host: setting({ ...anyText, placeholder: 'address' }, '127.0.0.1', 'Address to listen on.'),
  port: setting(whole(0, 65_535), 4400, 'Port to listen on; 0 picks a free port.'),
  dataDir: setting(
    { ...anyText, placeholder: 'folder' },
    './.carillon',
    'Directory for state, logs and processes.',
  ),
  zk: setting(
    matching(
      /^[^\s,/:]+(:\d{1,5})?(,[^\s,/:]+(:\d{1,5})?)*(\/[^\s,]*)?$/,
      'hosts',
      'host:port,… with an optional chroot, such as a:2181,b:2181/carillon',
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
    'Further host names by which clients reach this server, such as that of a proxy; may be repeated.',
  ),
  nodeLabel: setting(
    nodeLabels,
    Object.freeze({}),
    'Labels of this node, such as zone=a, by which jobs choose where they run; may be repeated.',
  ),
} as const satisfies SettingsTable;

const telling = {
  alertsFile: setting(text('file'), null, 'File of receivers and routes for alerts. Default: no receivers.'),
  heartbeatUrlFile: setting(
    text('file'),
    null,
    'File with a URL that is requested while this node leads, for a service that alerts when the requests stop.',
  ),
  heartbeatEvery: setting(
    between(1_000, 3_600_000),
    60_000,
    'Interval between requests of that URL. Default: PT1M.',
  ),
} as const satisfies SettingsTable;

/** Without a login, which would be in the arguments of this process: headers have the keys. */
const serviceUrl: Kind<string | null> = {
  placeholder: 'url',
  allowed: 'an http or https URL without a login, such as http://127.0.0.1:4318',
  read: (raw) => {
    const url = typeof raw === 'string' ? raw.trim() : '';
    return /^https?:\/\/[^\s@#]+$/.test(url) && URL.canParse(url) ? url : undefined;
  },
};

const tracing = {
  otlpEndpoint: {
    ...setting(
      serviceUrl,
      null,
      'OpenTelemetry collector that gets a trace of each run: OTLP over HTTP, at /v1/traces below this URL. Default: OTEL_EXPORTER_OTLP_ENDPOINT.',
    ),
    sharedVariable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  },
  otlpTracesEndpoint: {
    ...setting(
      serviceUrl,
      null,
      'The same as a whole URL, which is used as it is. Default: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT.',
    ),
    sharedVariable: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  },
  otlpHeadersFile: setting(
    text('file'),
    null,
    'File with headers for the collector, such as its key, one per line. Default: OTEL_EXPORTER_OTLP_HEADERS.',
  ),
} as const satisfies SettingsTable;

const region = matching(/^[a-z0-9-]{1,64}$/, 'region', 'a region such as eu-central-1') as Kind<string>;

const archiving = {
  logArchive: setting(
    matching(
      /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[\w.=-]+)*\/?$/,
      's3://bucket/prefix',
      's3://bucket or s3://bucket/prefix',
    ),
    null,
    'Bucket to which the output of ended runs is copied, and from which every node can read it. Default: no archive.',
  ),
  logArchiveEndpoint: setting(
    serviceUrl,
    null,
    'Server of that bucket, for stores that speak S3. Default: that of Amazon in the region.',
  ),
  logArchiveRegion: {
    ...setting(region, 'us-east-1', 'Region of that bucket. Default: AWS_REGION, or us-east-1.'),
    sharedVariable: 'AWS_REGION',
  },
  logArchiveCredentials: setting(
    text('file'),
    null,
    'File with the keys for that bucket, in the form of ~/.aws/credentials. Default: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE.',
  ),
} as const satisfies SettingsTable;

const limits = {
  startsInFlight: setting(
    whole(1, 10_000),
    null,
    `Maximum concurrent starts per engine${exceptions}. Default: 2 per core of this machine.`,
  ),
  pools: setting(
    pools,
    Object.freeze({}),
    'Named pools with their number of slots: the maximum concurrent attempts of each.',
  ),
  logRetention: setting(
    duration,
    14 * 86_400_000,
    'How long the logs of ended runs are kept. Default: P14D.',
  ),
  logLimit: setting(
    size,
    16 * 1024 ** 2,
    'Maximum output kept of an attempt, both streams together. Default: 16MiB.',
  ),
  metricsJobs: setting(
    metricsJobs,
    Object.freeze({ most: defaultMetricsJobs, labels: Object.freeze([]) }),
    `Jobs with metrics of their own: a maximum number, in order of name, and labels that they must all have. Default: ${defaultMetricsJobs}.`,
  ),
  stopTimeout: setting(duration, 10_000, 'Maximum time for an orderly stop. Default: PT10S.'),
  logLevel: setting(
    choice('debug', 'info', 'warn', 'error', 'silent'),
    'info',
    "Level of the program's own log.",
  ),
  logFormat: setting(
    choice('auto', 'pretty', 'json'),
    'auto',
    'Format of the log; auto is pretty on a terminal and json elsewhere.',
  ),
} as const satisfies SettingsTable;

/** Settings of the node itself. */
export const nodeSettings = {
  ...reach,
  ...accessSettings,
  ...secretSettings,
  ...telling,
  ...tracing,
  ...archiving,
  ...limits,
};

const behindReach: SettingsTable = {
  ...engineSettings,
  ...secretSettings,
  ...telling,
  ...tracing,
  ...archiving,
  ...limits,
};

/**
 * All settings, in the order of the help. Keys are those of the file; flags and variables are derived from
 * them.
 */
export const settings: SettingsTable = {
  ...reach,
  ...accessSettings,
  ...Object.fromEntries(helpOrder.map((name) => [name, behindReach[name]!])),
  ...behindReach,
};
