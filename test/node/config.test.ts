import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { CarillonError } from '../../src/errors.ts';
import { describeSettings, hostsOf, loadClientConfig, loadConfig } from '../../src/node/config.ts';
import { settings } from '../../src/node/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

test('without anything said, the defaults hold, and nobody can change them', () => {
  const config = loadConfig([], {});
  expect(config).toMatchObject({
    host: '127.0.0.1',
    port: 4400,
    dataDir: './.carillon',
    zk: null,
    insecureHttp: false,
  });
  expect(Object.isFrozen(config)).toBe(true);
});

describe('a setting has one name everywhere', () => {
  const path = file(
    'all.yaml',
    'dataDir: /f\nport: 1\npools: { etl: 2 }\ninsecureHttp: true\nlogRetention: P1D\nlogLimit: 1024\n',
  );
  test.each([
    [
      'flags',
      [
        '--data-dir',
        '/f',
        '--port=1',
        '--pools',
        'etl=2',
        '--insecure-http',
        '--log-retention',
        'P1D',
        '--log-limit',
        '1KiB',
      ],
      {},
    ],
    [
      'variables',
      [],
      {
        CARILLON_DATA_DIR: '/f',
        CARILLON_PORT: '1',
        CARILLON_POOLS: 'etl=2',
        CARILLON_INSECURE_HTTP: 'true',
        CARILLON_LOG_RETENTION: 'PT24H',
        CARILLON_LOG_LIMIT: '1024',
      },
    ],
    ['a file by flag', ['--config', path], {}],
    ['a file by variable', [], { CARILLON_CONFIG: path }],
    [
      'a JSON file',
      [
        '--config',
        file(
          'all.json',
          '{"dataDir":"/f","port":1,"pools":{"etl":2},"insecureHttp":true,"logRetention":"P1D","logLimit":"1KiB"}',
        ),
      ],
      {},
    ],
  ])('%s', (_, args, environment) => {
    expect(loadConfig(args, environment)).toMatchObject({
      dataDir: '/f',
      port: 1,
      pools: { etl: 2 },
      insecureHttp: true,
      logRetention: 86_400_000,
      logLimit: 1_024,
    });
  });
});

describe('names of hosts', () => {
  test.each<[string, string[], Record<string, string>]>([
    ['in one flag', ['--allowed-host', 'a.example, 10.0.0.7,::1'], {}],
    ['a flag for each', ['--allowed-host=a.example', '--allowed-host', '10.0.0.7', '--allowed-host=::1'], {}],
    ['a variable', [], { CARILLON_ALLOWED_HOST: 'a.example,10.0.0.7,::1' }],
    ['a list', ['--config', file('hosts.yaml', 'allowedHost: [a.example, 10.0.0.7, "::1"]\n')], {}],
  ])('%s', (_, args, environment) => {
    expect(loadConfig(args, environment).allowedHost).toEqual(['a.example', '10.0.0.7', '::1']);
  });

  test.each(['http://a.example', 'a.example:4400', '10.0.0.7:4400', '*', '', 'a,,b'])(
    '%j is none',
    (name) => {
      expect(refusal([`--allowed-host=${name}`], {})).toMatchObject({
        code: 'INVALID_FIELD',
        details: { field: 'allowedHost', source: '--allowed-host' },
      });
    },
  );

  test('a flag of several without its value is refused', () => {
    expect(refusal(['--allowed-host', 'a', '--allowed-host'], {})).toMatchObject({ code: 'INVALID_FIELD' });
  });

  test('takes folders of secrets by their full paths only, from a flag, a variable or a file', () => {
    const two = ['/run/secrets', '/etc/s'];
    expect(loadConfig(['--secret-dir', '/run/secrets', '--secret-dir=/etc/s'], {}).engines.secretDir).toEqual(
      two,
    );
    expect(loadConfig([], { CARILLON_SECRET_DIR: '/run/secrets,/etc/s' }).engines.secretDir).toEqual(two);
    const config = file('secrets.yaml', 'secretDir: [/run/secrets, /etc/s]\n');
    expect(loadConfig(['--config', config], {}).engines.secretDir).toEqual(two);
    expect(refusal(['--secret-dir', 'secrets'], {})).toMatchObject({ details: { field: 'secretDir' } });
  });

  test.each<[string, string[], string[]]>([
    ['the address that it listens on', ['--host', '10.0.0.11'], ['10.0.0.11']],
    ['its own name where it listens on all', ['--host', '0.0.0.0'], [hostname()]],
    ['the same with IPv6', ['--host', '::'], [hostname()]],
    ['what it advertises', ['--advertise-url', 'http://n1.example:80'], ['127.0.0.1', 'n1.example']],
    ['what it is allowed', ['--allowed-host', 'a.example,b'], ['127.0.0.1', 'a.example', 'b']],
  ])('the server is reached by %s', (_, args, names) => {
    expect(hostsOf(loadConfig([...args, '--insecure-http'], {}))).toEqual(names);
  });
});

test.each<[string, string[], { most: number; labels: string[] }]>([
  ['none', [], { most: 500, labels: [] }],
  ['a number', ['--metrics-jobs', '0'], { most: 0, labels: [] }],
  ['labels', ['--metrics-jobs', 'team=sales,page'], { most: 500, labels: ['team=sales', 'page'] }],
  ['both', ['--metrics-jobs', 'a=b=c', '--metrics-jobs', '10000'], { most: 10_000, labels: ['a=b=c'] }],
  [
    'a list in the file',
    ['--config', file('jobs.yaml', 'metricsJobs: [7, a=1]\n')],
    { most: 7, labels: ['a=1'] },
  ],
  ['a number in the file', ['--config', file('job.yaml', 'metricsJobs: 7\n')], { most: 7, labels: [] }],
])('jobs with metrics of their own: %s', (_, args, chosen) => {
  expect(loadConfig(args, {}).metricsJobs).toEqual(chosen);
});

test('a flag wins over a variable, a variable over the file', () => {
  const config = file('order.yaml', 'port: 1\nhost: localhost\ndataDir: /file\n');
  const environment = { CARILLON_PORT: '2', CARILLON_HOST: '::1' };
  expect(loadConfig(['--port', '3', '--config', config], environment)).toMatchObject({
    port: 3,
    host: '::1',
    dataDir: '/file',
  });
});

test('what belongs to jobs and to the client is not minded, and set to nothing is not set', () => {
  const environment = {
    CARILLON_URL: 'http://x',
    CARILLON_RUN: 'a',
    CARILLON_PARENTS: 'b',
    CARILLON_PORT: '',
    PATH: 'x',
  };
  expect(loadConfig([], environment).port).toBe(4400);
});

describe('what is not known is refused, with the nearest and all that are', () => {
  test.each([
    ['a flag', ['--data-dri', 'x'], {}, '--data-dri', '--data-dir'],
    ['a variable', [], { CARILLON_PROT: '1' }, 'CARILLON_PROT', 'CARILLON_PORT'],
    [
      'a key',
      ['--config', file('bad.yaml', 'port: 1\n\ndatadri: x\n')],
      {},
      `${folder}/bad.yaml:3`,
      'dataDir',
    ],
  ])('%s', (_, args, environment, source, meant) => {
    const error = refusal(args, environment);
    expect(error).toMatchObject({ code: 'UNKNOWN_SETTING', details: { source } });
    expect(error.message).toMatch(`Did you mean ${meant}?`);
    expect(error.details.allowed?.[0]).toBe(meant);
    expect(error.details.allowed?.length).toBeGreaterThanOrEqual(Object.keys(settings).length);
  });

  test('an argument', () => {
    expect(refusal(['now'], {})).toMatchObject({ code: 'UNKNOWN_SETTING', details: { source: 'now' } });
  });
});

describe('a value that is not allowed is refused with where it came from', () => {
  test.each<[string[], Record<string, string>, string, RegExp]>([
    [['--port', '70000'], {}, '--port', /from 0 to 65535/],
    [['--port', '-1'], {}, '--port', /from 0 to 65535/],
    [['--port'], {}, '--port', /has no value/],
    [['--port', '--insecure-http'], {}, '--port', /has no value/],
    [[], { CARILLON_PORT: '44OO' }, 'CARILLON_PORT', /"44OO".*whole number/],
    [['--config', file('port.yaml', '# where\nport: high\n')], {}, `${folder}/port.yaml:2`, /"high"/],
    [['--log-level', 'loud'], {}, '--log-level', /one of debug, info/],
    [['--insecure-http=perhaps'], {}, '--insecure-http', /true or false/],
    [['--log-retention', '2 weeks'], {}, '--log-retention', /ISO 8601/],
    [['--metrics-jobs', '10001'], {}, '--metrics-jobs', /from 0 to 10000/],
    [['--metrics-jobs', '1,2'], {}, '--metrics-jobs', /or both: 1000,team=sales/],
    [['--metrics-jobs', '=x'], {}, '--metrics-jobs', /labels such as team=sales/],
    [['--metrics-jobs', 'team='], {}, '--metrics-jobs', /labels such as team=sales/],
    [['--pools', 'etl=0'], {}, '--pools', /1 to 100000 slots/],
    [['--pools', 'etl'], {}, '--pools', /1 to 100000 slots/],
    [['--pools', 'etl=1,etl=2'], {}, '--pools', /1 to 100000 slots/],
    [['--zk', 'a b'], {}, '--zk', /host:port/],
    [['--docker-host', '/var/run/docker.sock'], {}, '--docker-host', /unix:\/\/\//],
    [['--config', '/nowhere/x.yaml'], {}, '--config', /a readable/],
  ])('%j %j', (args, environment, source, says) => {
    const error = refusal(args, environment);
    expect(error).toMatchObject({ code: 'INVALID_FIELD', details: { source } });
    expect(error.message).toMatch(says);
  });

  test('a file that is no YAML names its line', () => {
    const error = refusal(['--config', file('torn.yaml', 'port: 1\nhost: "\n')], {});
    expect(error).toMatchObject({ code: 'INVALID_BODY', details: { source: `${folder}/torn.yaml:3` } });
  });
});

describe('the door stays shut', () => {
  const tls = ['--tls-cert', 'a.pem', '--tls-key', 'a.key'];
  const peers = ['--peer-cert', 'n.pem', '--peer-key', 'n.key', '--peer-ca', 'ca.pem'];

  test.each(['0.0.0.0', '::', '192.168.1.5', 'example.com', '127.0.0.1.example.com'])(
    '%s needs TLS or --insecure-http',
    (host) => {
      const refused = { code: 'INVALID_FIELD', details: { field: 'host', value: host } };
      expect(refusal([], { CARILLON_HOST: host })).toMatchObject({
        ...refused,
        details: { ...refused.details, source: 'CARILLON_HOST' },
      });
      expect(loadConfig(['--host', host, ...tls], {}).host).toBe(host);
      expect(loadConfig(['--host', host, '--insecure-http'], {}).host).toBe(host);
      const cluster = ['--host', host, ...tls, '--zk', 'z:1', '--zk-auth-file', 'login'];
      expect(refusal(cluster, {})).toMatchObject(refused);
      expect(loadConfig([...cluster, ...peers], {}).host).toBe(host);
    },
  );

  test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('%s does not', (host) => {
    expect(loadConfig(['--host', host], {}).host).toBe(host);
  });

  test.each([
    [['--tls-cert', 'a'], '--tls-key'],
    [['--tls-key', 'a'], '--tls-cert'],
    [['--tls-client-ca', 'a'], '--tls-cert'],
    [['--peer-cert', 'a', '--peer-ca', 'b'], '--peer-key'],
  ])('%j also needs %s', (args, lacks) => {
    expect(refusal(args, {})).toMatchObject({ code: 'INVALID_FIELD', details: { source: args[0] } });
    expect(refusal(args, {}).message).toContain(lacks);
  });

  test('ZooKeeper needs a login, or --insecure-zk', () => {
    const zk = ['--zk', 'z:1/carillon'];
    const error = refusal([], { CARILLON_ZK: 'z:1/carillon' });
    expect(error).toMatchObject({ code: 'MISSING_FIELD', details: { source: 'CARILLON_ZK' } });
    expect(error.message).toMatch(/--zk-auth-file zk-login.*umask 077.*--insecure-zk/);
    expect(refusal([...zk, '--zk-tls-ca', 'ca.pem'], {}).code).toBe('MISSING_FIELD');
    for (const login of [
      ['--zk-auth-file', 'login'],
      ['--zk-tls-cert', 'n.pem', '--zk-tls-key', 'n.key'],
      ['--insecure-zk'],
    ])
      expect(loadConfig([...zk, ...login], {}).zk).toBe('z:1/carillon');
  });

  test.each([
    [['--insecure'], {}, '--insecure-http'],
    [[], { CARILLON_INSECURE: 'true' }, 'CARILLON_INSECURE_HTTP'],
    [['--config', file('old.yaml', 'insecure: true\n')], {}, 'insecureHttp'],
  ])('what it was called before names what it is called now: %j %j', (args, environment, now) => {
    const error = refusal(args, environment);
    expect(error.code).toBe('UNKNOWN_SETTING');
    expect(error.message).toContain(`It is ${now} now.`);
  });
});

test('every setting is in the help', () => {
  const help = describeSettings();
  for (const [name, { help: meaning }] of Object.entries(settings)) {
    expect(help).toMatch(`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
    expect(help).toContain(meaning);
  }
  expect(help).toContain('--config <file>');
});

test('the client knows where the server is, whether colour is wanted, and where it keeps reports', () => {
  expect(loadClientConfig({ XDG_STATE_HOME: '/state' })).toEqual({
    url: null,
    ca: null,
    color: true,
    spoolDir: '/state/carillon/spool',
    stateDir: '/state/carillon',
    token: null,
  });
  expect(
    loadClientConfig({ CARILLON_URL: 'http://x', CARILLON_CA: 'ca.pem', CARILLON_TOKEN: 'x', NO_COLOR: '1' }),
  ).toEqual({
    url: 'http://x',
    ca: 'ca.pem',
    color: false,
    spoolDir: join(homedir(), '.local/state/carillon/spool'),
    stateDir: join(homedir(), '.local/state/carillon'),
    token: 'x',
  });
});

function refusal(args: string[], environment: Record<string, string>): CarillonError {
  try {
    loadConfig(args, environment);
  } catch (error) {
    if (error instanceof CarillonError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a variable of OpenTelemetry', () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318';
  test('counts if nothing of ours says otherwise', () => {
    expect(loadConfig([], { OTEL_EXPORTER_OTLP_ENDPOINT }).otlpEndpoint).toBe(OTEL_EXPORTER_OTLP_ENDPOINT);
    expect(loadConfig([], { OTEL_EXPORTER_OTLP_ENDPOINT: '' }).otlpEndpoint).toBeNull();
    const path = file('otlp.yaml', 'otlpEndpoint: http://file:4318\n');
    for (const [args, environment] of [
      [['--otlp-endpoint', 'http://own:4318'], {}],
      [[], { CARILLON_OTLP_ENDPOINT: 'http://own:4318' }],
    ] as const)
      expect(loadConfig(args, { OTEL_EXPORTER_OTLP_ENDPOINT, ...environment }).otlpEndpoint).toBe(
        'http://own:4318',
      );
    expect(loadConfig(['--config', path], { OTEL_EXPORTER_OTLP_ENDPOINT }).otlpEndpoint).toBe(
      'http://file:4318',
    );
  });

  test('is named if it is wrong', () => {
    expect(() => loadConfig([], { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' })).toThrow(
      /^OTEL_EXPORTER_OTLP_ENDPOINT is "collector:4317"\. Allowed: an http or https URL/,
    );
  });
});

test.each(['http://user:key@collector:4318', 'ftp://collector', 'http://', 'http://a b'])(
  'a collector at %j is refused',
  (url) => {
    expect(() => loadConfig(['--otlp-endpoint', url], {})).toThrow(
      /Allowed: an http or https URL without a login/,
    );
  },
);
