/** Generated jobs for the tests of Chronos' interface. */

import fc from 'fast-check';

const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/);
const text = fc.oneof(fc.constant(''), fc.string({ maxLength: 12 }));
const path = word.map((name) => `/${name}`);
const container = fc.record(
  {
    type: fc.constantFrom('DOCKER', 'MESOS'),
    image: word,
    network: fc.constantFrom('HOST', 'BRIDGE'),
    networkInfos: fc.array(fc.record({ name: word }), { maxLength: 2 }),
    volumes: fc.array(
      fc.record(
        { containerPath: path, hostPath: path, mode: fc.constantFrom('RW', 'RO') },
        { requiredKeys: ['containerPath'] },
      ),
      { maxLength: 2 },
    ),
    forcePullImage: fc.boolean(),
    parameters: fc.array(
      fc.constantFrom(
        ...Object.entries({
          workdir: '/w',
          'memory-swap': '1g',
          env: 'A=b',
          user: 'me',
          memory: '64m',
          label: 'team=a',
          entrypoint: '/x',
          'cap-add': 'CHOWN',
          ulimit: 'nofile=1',
          hostname: 'w',
          publish: '80:80',
          init: 'false',
          'log-opt': 'max-size=1m',
        }).map(([key, value]) => ({ key, value })),
      ),
      { maxLength: 4 },
    ),
  },
  { requiredKeys: ['type', 'image', 'network', 'networkInfos', 'volumes', 'forcePullImage', 'parameters'] },
);
/** Jobs as clients of Chronos send them, without their names. */
export const chronosJob = fc.record(
  {
    command: text,
    shell: fc.boolean(),
    arguments: fc.array(fc.string({ minLength: 1, maxLength: 6 }), { maxLength: 2 }),
    executor: text,
    executorFlags: text,
    taskInfoData: text,
    retries: fc.integer({ min: -1, max: 5 }),
    owner: text,
    ownerName: text,
    description: text,
    async: fc.boolean(),
    cpus: fc.constantFrom(0.1, 0.5, 2, -1),
    mem: fc.constantFrom(128, 64, 512.5),
    disk: fc.constantFrom(256, 1),
    disabled: fc.boolean(),
    softError: fc.boolean(),
    dataProcessingJobType: fc.boolean(),
    highPriority: fc.boolean(),
    runAsUser: fc.constantFrom('root', 'nobody'),
    concurrent: fc.boolean(),
    maxCompletionTime: fc.constantFrom(0, 90),
    epsilon: fc.constantFrom('PT60S', 'PT1H'),
    environmentVariables: fc.array(
      fc.record({ name: fc.oneof(word, fc.constantFrom('a.b-c', '1x', 'CARILLON_X', '')), value: text }),
      { maxLength: 3 },
    ),
    constraints: fc.array(
      fc.tuple(word, fc.constantFrom('EQUALS', 'LIKE', 'UNLIKE', 'near'), fc.constantFrom('a', 'a.*')),
      { maxLength: 2 },
    ),
    uris: fc.array(
      fc
        .tuple(fc.constantFrom('https', 'hdfs', 's3n'), word)
        .map(([scheme, name]) => `${scheme}://x.org/${name}`),
      { maxLength: 2 },
    ),
    container,
    schedule: fc.constantFrom(
      'R/2027-01-01T00:00:00Z/P1D',
      'R5/2027-W05-1T10:00Z/PT36H',
      'R1//P',
      'R10//P',
      'R10/2026-11-21T12:30:00Z/PT0S',
      'R3/2020-01-01/P1M',
      'R/T05:50Z/PT24H',
    ),
    scheduleTimeZone: fc.constantFrom('', 'Europe/Berlin', 'null', 'BST'),
  },
  { requiredKeys: [] },
);

const duration = fc.constantFrom('PT30S', 'PT0.5S', 'PT1H', 'P1D');
const timed = fc.oneof(
  fc.record(
    {
      cron: fc.constantFrom('0 2 * * 1-5', '*/20 * * * *', '30 2 * * *', '0 0 29 2 *', '@daily', 'H H * * *'),
      timezone: fc.constantFrom('Europe/Berlin', 'UTC', ' Asia/Tokyo ', '+05:30'),
      dst: fc.constantFrom({ gap: 'skip' }, { overlap: 'both' }),
    },
    { requiredKeys: ['cron'] },
  ),
  fc.record(
    {
      every: fc.constantFrom(
        'R/2026-11-20T00:00:00Z/PT6H',
        'R4/2026-11-21T11:00:00/PT1H',
        ' R/2026-10-31T02:30:00/P1M',
        'R3/PT6H/2026-11-22T00:00:00Z',
        'R2/2026-11-21T13:00:00Z/2026-11-21T14:30:00Z',
        'R1//P',
        'PT90M',
        '1h30m',
      ),
      timezone: fc.constantFrom('America/New_York', 'Europe/Berlin'),
    },
    { requiredKeys: ['every'] },
  ),
  fc.record(
    { at: fc.constantFrom('2026-11-21T13:00:00Z', '2026-11-01', '2027-01-01T00:00:00+05:00') },
    { requiredKeys: ['at'] },
  ),
);
const following = fc.record(
  {
    parents: fc.constant(['parent']),
    when: fc.constantFrom('all-done', 'any-failed'),
    per: fc.constantFrom('day', 'hour'),
  },
  { requiredKeys: ['parents'] },
);
const anyText = fc.oneof(fc.constantFrom('', ' ', 'a b', 'null', 'http://x/y', '日本'), word);
const program = fc.oneof(
  fc.record({ command: anyText.map((given) => `echo ${given}`) }),
  fc.record({ argv: fc.array(anyText, { minLength: 1, maxLength: 3 }) }),
);
const policy = fc.record(
  {
    overlap: fc.constantFrom('skip', 'queue', 'queue-all', 'allow', 'replace'),
    catchUp: fc.constantFrom('none', 'latest', 'all'),
    startWithin: duration,
    retries: fc.record(
      { limit: fc.nat(3), delay: duration, factor: fc.constantFrom(1, 2.5), jitter: fc.boolean() },
      { requiredKeys: [] },
    ),
    timeout: duration,
    killAfter: duration,
    concurrency: fc.integer({ min: 1, max: 3 }),
    priority: fc.integer({ min: -100, max: 100 }),
    pool: fc.constant('etl'),
    disableAfterFailures: fc.constantFrom(1, 3),
    onFailure: fc.constantFrom('stop', 'continue'),
    completion: fc.constantFrom('exit', 'callback'),
  },
  { requiredKeys: [] },
);

/** Jobs as they are written natively, without their names: processes with all that one may have. */
export const nativeJob = fc.record(
  {
    description: anyText,
    owner: anyText,
    labels: fc.constantFrom({}, { team: 'a' }),
    schedule: fc.oneof(
      timed,
      following.map((after) => ({ after })),
    ),
    run: fc
      .tuple(
        program,
        fc.record(
          {
            env: fc.dictionary(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/), anyText, { maxKeys: 3 }),
            secrets: fc.constant({ token: { file: '/run/secret' } }),
            fetch: fc.constant([{ uri: 'https://x.org/a.tgz', output: 'b', extract: true }]),
            workdir: path,
            user: fc.constantFrom('nobody', '1000:1000', ''),
            engine: fc.constant('process'),
          },
          { requiredKeys: [] },
        ),
      )
      .map(([what, how]) => ({ ...what, ...how })),
    policy,
    alerts: fc.constant({ on: ['failed'], to: ['a@x.org'] }),
    expect: fc.constantFrom({}, { startWithin: 'PT5M', finishBy: '06:00' }),
    paused: fc.boolean(),
  },
  { requiredKeys: ['run'] },
);

/** Parts of a native container, as written natively. */
export const nativeContainer = fc.record(
  {
    image: word,
    command: anyText.map((given) => `echo ${given}`),
    network: fc.constantFrom('none', 'host', 'bridge', 'blue'),
    volumes: fc.constantFrom(['/a:/b:ro'], ['data:/c', '/d:/e']),
    ports: fc.constantFrom(['8080:80'], []),
    hosts: fc.constant({ db: '10.0.0.1' }),
    tmpfs: fc.constant({ '/cache': '64MiB' }),
    readOnly: fc.boolean(),
    init: fc.boolean(),
    ulimits: fc.constant({ nofile: { soft: 10, hard: 20 } }),
    capabilities: fc.constant({ add: ['NET_ADMIN'], drop: ['CHOWN'] }),
    noNewPrivileges: fc.boolean(),
    resources: fc.record(
      {
        cpus: fc.constantFrom(0.5, 2),
        memory: fc.constantFrom('64MiB', '1GB', '100000000', '128MiB'),
        pids: fc.constant(50),
        shm: fc.constant('32MiB'),
      },
      { requiredKeys: [] },
    ),
    env: fc.constant({ 'a.b-c': '1' }),
    workdir: path,
    user: fc.constantFrom('nobody', '0'),
    pull: fc.constantFrom('missing', 'always', 'never'),
    registry: fc.constant({ secret: { file: '/run/login' } }),
  },
  { requiredKeys: ['image', 'command'] },
);
