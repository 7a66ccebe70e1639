import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { CarillonError } from '../../../src/errors.ts';
import { checkDefinition, findProblems, maxProblems } from '../../../src/scheduler/job/check/check.ts';
import { JobDefinition } from '../../../src/scheduler/job/definition.ts';
import { memoryBytes } from '../../../src/scheduler/job/size.ts';

const full = {
  name: 'sales-daily',
  description: 'Loads the sales of the day.',
  owner: 'team-sales@example.com',
  labels: { team: 'sales' },
  schedule: { cron: '0 2 * * *', timezone: 'Europe/Berlin', dst: { gap: 'skip', overlap: 'first' } },
  run: {
    image: 'alpine:3.20',
    command: './load',
    env: { A: 'b' },
    secrets: { TOKEN: { file: '/run/secrets/token' } },
    resources: { cpus: 0.5, memory: '128MiB', gpus: 0 },
    network: 'none',
    volumes: ['/data:/data:ro', 'cache:/cache'],
    pull: 'missing',
  },
  policy: {
    overlap: 'skip',
    catchUp: 'all',
    catchUpLimit: 5,
    startWithin: 'PT1H',
    retries: { limit: 2, delay: 'PT0S', factor: 1.5, max: 'PT5M', jitter: true },
    timeout: 'PT1H',
    killAfter: 'PT0S',
    concurrency: 1,
    priority: -100,
    pool: 'etl',
  },
  paused: false,
};
const child = {
  name: 'child',
  schedule: { after: { parents: ['a', 'b'], per: 'day' } },
  run: { argv: ['x'] },
};

describe('a good definition passes as it is', () => {
  test.each([
    ['everything said', full],
    ['a child', child],
    ['an image that brings its own command', { name: 'a', run: { image: 'busybox' } }],
    [
      'a variable with a dot, as programs of an image have them',
      { name: 'a', run: { image: 'search', env: { 'discovery.type': 'single-node' } } },
    ],
    ['by hand only', { name: 'a', run: { command: 'true' } }],
  ])('%s', (_, definition) => {
    expect(checkDefinition(definition, 'f.yaml:1')).toEqual({ definition, warnings: [] });
  });
});

interface Bad {
  readonly because: string;
  /** Merged into a good definition, field by field; undefined takes a field away. */
  readonly change: Record<string, unknown>;
  readonly code?: string;
  readonly field: string;
  readonly says: string | RegExp;
  readonly allowed?: unknown;
}

const bad: readonly Bad[] = [
  {
    because: 'a slip in a name',
    change: { polcy: {} },
    code: 'UNKNOWN_FIELD',
    field: 'polcy',
    says: 'Did you mean policy?',
  },
  {
    because: 'a slip below',
    change: { policy: { overlaps: 'skip' } },
    code: 'UNKNOWN_FIELD',
    field: 'policy.overlaps',
    says: 'Unknown field policy.overlaps. Did you mean policy.overlap?',
  },
  {
    because: 'a name like no other',
    change: { policy: { zzz: 1 } },
    code: 'UNKNOWN_FIELD',
    field: 'policy.zzz',
    says: 'Known in policy: overlap, catchUp',
  },
  {
    because: 'a name that objects inherit',
    change: { run: { command: 'x', constructor: 1 } },
    code: 'UNKNOWN_FIELD',
    field: 'run.constructor',
    says: 'Unknown field',
  },
  {
    because: 'a slip explains what is missing',
    change: { run: undefined, rum: {} },
    code: 'UNKNOWN_FIELD',
    field: 'rum',
    says: 'Did you mean run?',
  },
  {
    because: 'no run',
    change: { run: undefined },
    code: 'MISSING_FIELD',
    field: 'run',
    says: 'run is missing',
  },
  {
    because: 'no name',
    change: { name: undefined },
    code: 'MISSING_FIELD',
    field: 'name',
    says: 'name is missing',
    allowed: /1 to 128 letters/,
  },
  {
    because: 'a name with a blank',
    change: { name: 'a b' },
    field: 'name',
    says: /"a b".*1 to 128 letters, digits/,
  },
  {
    because: 'a name of another type',
    change: { name: 5 },
    field: 'name',
    says: 'is 5, but must be text. Put quotes around it.',
  },
  {
    because: 'not one of the choices',
    change: { policy: { overlap: 'skp' } },
    field: 'policy.overlap',
    says: 'Did you mean skip?',
    allowed: ['skip', 'queue', 'queue-all', 'allow', 'replace'],
  },
  {
    because: 'a fraction',
    change: { policy: { concurrency: 1.5 } },
    field: 'policy.concurrency',
    says: 'is 1.5, but must be a whole number',
  },
  {
    because: 'beyond a bound',
    change: { policy: { priority: 101 } },
    field: 'policy.priority',
    says: 'a whole number from -100 up to 100',
  },
  {
    because: 'not above a bound',
    change: { run: { command: 'x', resources: { cpus: 0 } } },
    field: 'run.resources.cpus',
    says: 'a number more than 0 up to 4096',
  },
  { because: 'a flag as text', change: { paused: 'yes' }, field: 'paused', says: 'true or false' },
  {
    because: 'a list for text',
    change: { run: { command: ['a'] } },
    field: 'run.command',
    says: 'is a list of 1, but must be text',
  },
  {
    because: 'text for a list',
    change: { run: { argv: 'a' } },
    field: 'run.argv',
    says: 'is "a", but must be a list',
  },
  {
    because: 'left empty',
    change: { schedule: null },
    field: 'schedule',
    says: 'is empty, but must be a mapping of fields',
  },
  {
    because: 'no parents',
    change: { schedule: { after: { parents: [] } } },
    field: 'schedule.after.parents',
    says: 'at least 1 entry.',
  },
  {
    because: 'a parent twice',
    change: { schedule: { after: { parents: ['a', 'a'] } } },
    field: 'schedule.after.parents',
    says: 'each entry once',
  },
  {
    because: 'a parent that is no name',
    change: { schedule: { after: { parents: ['a', 'b c'] } } },
    field: 'schedule.after.parents[1]',
    says: '"b c"',
  },
  {
    because: 'a parent twice, once as an object',
    change: { schedule: { after: { parents: ['a', { job: 'a', when: 'done' }] } } },
    field: 'schedule.after.parents[1]',
    says: 'names a more than once',
    allowed: /each job once/,
  },
  {
    because: 'a parent that is neither name nor object',
    change: { schedule: { after: { parents: [7] } } },
    field: 'schedule.after.parents[0]',
    says: 'is 7, but must be text or a mapping of fields',
    allowed: /text or a mapping/,
  },
  {
    because: 'a parent without a job',
    change: { schedule: { after: { parents: [{ when: 'done' }] } } },
    code: 'MISSING_FIELD',
    field: 'schedule.after.parents[0].job',
    says: 'is missing',
  },
  {
    because: 'an unknown condition of a parent',
    change: { schedule: { after: { parents: [{ job: 'a', when: 'all-done' }] } } },
    field: 'schedule.after.parents[0].when',
    says: 'one of succeeded, failed, done',
  },
  {
    because: 'an unknown field of a parent',
    change: { schedule: { after: { parents: [{ job: 'a', whne: 'done' }] } } },
    code: 'UNKNOWN_FIELD',
    field: 'schedule.after.parents[0].whne',
    says: 'Did you mean schedule.after.parents[0].when?',
  },
  {
    because: 'two intervals of parents',
    change: {
      schedule: {
        after: {
          parents: [
            { job: 'a', per: 'day' },
            { job: 'b', per: 'hour' },
          ],
        },
      },
    },
    field: 'schedule.after.parents[1].per',
    says: 'the rounds of this job are per day',
  },
  {
    because: 'another interval of a parent',
    change: { schedule: { after: { parents: [{ job: 'a', per: 'day' }], per: 'week' } } },
    field: 'schedule.after.parents[0].per',
    says: 'the rounds of this job are per week',
  },
  {
    because: 'a zone of rounds that are no intervals',
    change: { schedule: { after: { parents: ['a'], timezone: 'Europe/Berlin' } } },
    field: 'schedule.after.timezone',
    says: 'no effect without per',
  },
  {
    because: 'a start of weeks where there are none',
    change: { schedule: { after: { parents: ['a'], per: 'month', weekStart: 'sunday' } } },
    field: 'schedule.after.weekStart',
    says: 'no effect without per: week',
  },
  {
    because: 'itself as a parent in an object',
    change: { schedule: { after: { parents: [{ job: 'good' }] } } },
    code: 'DEPENDENCY_CYCLE',
    field: 'schedule.after.parents',
    says: 'depends on itself',
  },
  {
    because: 'per without after',
    change: { schedule: { cron: '* * * * *', per: 'day' } },
    code: 'UNKNOWN_FIELD',
    field: 'schedule.per',
    says: 'Unknown field',
  },
  {
    because: 'text too long',
    change: { owner: 'x'.repeat(5_000) },
    field: 'owner',
    says: 'at most 4096 characters',
  },
  {
    because: 'two schedules',
    change: { schedule: { cron: '* * * * *', every: 'PT5S' } },
    field: 'schedule.every',
    says: 'cron and every',
    allowed: /exactly one/,
  },
  {
    because: 'an empty schedule',
    change: { schedule: {} },
    code: 'MISSING_FIELD',
    field: 'schedule',
    says: 'has none of cron, every, at, any, after',
  },
  {
    because: 'a zone for a child',
    change: { schedule: { after: { parents: ['a'] }, timezone: 'UTC' } },
    field: 'schedule.timezone',
    says: 'runs after its parents',
  },
  {
    because: 'dst without cron',
    change: { schedule: { every: 'PT5S', dst: { gap: 'skip' } } },
    field: 'schedule.dst',
    says: 'cron only',
  },
  {
    because: 'its own parent',
    change: { schedule: { after: { parents: ['b', 'good'] } } },
    code: 'DEPENDENCY_CYCLE',
    field: 'schedule.after.parents',
    says: 'depends on itself',
  },
  {
    because: 'two commands',
    change: { run: { command: 'a', argv: ['a'] } },
    field: 'run.argv',
    says: 'has command and argv',
  },
  {
    because: 'no command',
    change: { run: { user: 'me' } },
    code: 'MISSING_FIELD',
    field: 'run.command',
    says: 'neither command nor argv',
  },
  {
    because: 'a variable with a dash',
    change: { run: { command: 'a', env: { 'A-B': 'x' } } },
    field: 'run.env.A-B',
    says: 'is not a valid name of an environment variable',
  },
  {
    because: 'a variable that begins with a digit, in a container',
    change: { run: { image: 'alpine', env: { '1.A': 'x' } } },
    field: 'run.env.1.A',
    says: 'is not a valid name of an environment variable',
  },
  {
    because: 'a variable of ours',
    change: { run: { command: 'a', env: { CARILLON_RUN: 'x' } } },
    field: 'run.env.CARILLON_RUN',
    says: 'set by Carillon',
  },
  {
    because: 'a secret of ours',
    change: { run: { command: 'a', secrets: { CARILLON_X: { file: '/x' } } } },
    field: 'run.secrets.CARILLON_X',
    says: 'set by Carillon',
  },
  {
    because: 'a variable twice',
    change: { run: { command: 'a', env: { A: '1' }, secrets: { A: { file: '/x' } } } },
    field: 'run.secrets.A',
    says: 'in both env and secrets',
  },
  {
    because: 'a number as a variable',
    change: { run: { command: 'a', env: { PORT: 80 } } },
    field: 'run.env.PORT',
    says: 'Put quotes around it.',
  },
  {
    because: 'memory in no unit',
    change: { run: { command: 'a', resources: { memory: '12 potatoes' } } },
    field: 'run.resources.memory',
    says: '12 potatoes',
  },
  {
    because: 'a volume without a target',
    change: { run: { image: 'a', volumes: ['/a:/b', '/a'] } },
    field: 'run.volumes[1]',
    says: '"/a"',
  },
  {
    because: 'a relative target',
    change: { run: { image: 'a', volumes: ['a:b'] } },
    field: 'run.volumes[0]',
    says: '"a:b"',
  },
  {
    because: 'no duration',
    change: { policy: { timeout: '5 minutes' } },
    field: 'policy.timeout',
    says: '5 minutes',
  },
  {
    because: 'an empty time',
    change: { policy: { timeout: 'PT0S' } },
    field: 'policy.timeout',
    says: 'longer than zero',
  },
  {
    because: 'a month has no length',
    change: { policy: { retries: { delay: 'P1M' } } },
    field: 'policy.retries.delay',
    says: 'P1M',
  },
  {
    because: 'a longest delay below the first',
    change: { policy: { retries: { delay: 'PT2M', max: 'PT1M' } } },
    field: 'policy.retries.max',
    says: 'shorter than',
  },
  {
    because: 'no time of day',
    change: { expect: { finishBy: '25:00' } },
    field: 'expect.finishBy',
    says: '25:00',
  },
  {
    because: 'no duration below expect',
    change: { expect: { startWithin: 'soon' } },
    field: 'expect.startWithin',
    says: 'soon',
  },
];

describe('what cannot be right is refused with the field, the value and what is allowed', () => {
  test.each(bad)('$because', ({ change, code = 'INVALID_FIELD', field, says, allowed }) => {
    const definition: Record<string, unknown> = { name: 'good', run: { command: 'true' }, ...change };
    for (const [name, value] of Object.entries(definition)) if (value === undefined) delete definition[name];
    const error = refusal(() => checkDefinition(definition, 'jobs.yaml:12'));
    expect(error.code).toBe(code);
    expect(error.details).toMatchObject({ field, source: 'jobs.yaml:12' });
    expect(error.message).toMatch(says);
    expect(error.details.allowed?.length).toBeGreaterThan(0);
    if (allowed instanceof RegExp) expect(error.details.allowed).toMatch(allowed);
    else if (allowed) expect(error.details.allowed).toEqual(allowed);
    expect(JSON.stringify(error.details).length).toBeLessThan(1_000);
  });

  test.each([[null], ['text'], [[]], [5], [undefined]])('%s is no job', (value) => {
    expect(refusal(() => checkDefinition(value, 'body')).message).toMatch('but must be a mapping of fields');
  });
});

describe('a shorter form, or a field at a wrong place, is answered with ours', () => {
  test.each<[object, string]>([
    [{ schedule: '0 1 * * *' }, '`schedule: { cron: "0 1 * * *" }`'],
    [{ schedule: 'every 5 minutes' }, '`schedule: { every: 5m }`'],
    [{ schedule: { repeat: '0 1 * * *' } }, '`schedule: { cron: "0 1 * * *" }`'],
    [{ schedule: { interval: '5m' } }, '`schedule: { every: 5m }`'],
    [{ schedule: { after: 'b' } }, '`schedule: { after: { parents: [b] } }`'],
    [{ schedule: { after: ['b', 'c'] } }, '`schedule: { after: { parents: [b, c] } }`'],
    [{ schedule: { after: { parents: 'b' } } }, '`schedule: { after: { parents: [b] } }`'],
    [{ depends_on: ['b'] }, '`schedule: { after: { parents: [b] } }`'],
    [{ run: 'echo "hi"' }, '`run: { command: "echo \\"hi\\"" }`'],
    [{ run: { command: ['echo', 'hi'] } }, '`run.argv`'],
    [{ policy: { retries: 3 } }, '`policy: { retries: { limit: 3 } }`'],
    [{ cron: '0 1 * * *' }, 'schedule.cron'],
    [{ timeout: '1h' }, 'policy.timeout'],
    [{ timezone: 'Europe/Berlin' }, 'schedule.timezone'],
    [{ weekStart: 'sunday' }, 'schedule.after.weekStart'],
    [{ image: 'alpine' }, 'run.image'],
    [{ run: { command: 'x', retries: 3 } }, 'policy.retries'],
  ])('%j', (change, meant) => {
    const problems = findProblems({ name: 'a', run: { command: 'x' }, ...change }, 'body');
    expect(problems[0]?.message).toContain(` Did you mean ${meant}?`);
  });

  test.each([
    [{ labels: { timeout: 1, schedule: 2 } }],
    [{ run: { command: 'x', env: { image: 1, run: 2 } } }],
    [{ schedule: 'never' }],
    [{ schedule: 'x'.repeat(1_000) }],
    [{ nonsense: '0 1 * * *' }],
  ])('nothing is guessed for %j', (change) => {
    const problems = findProblems({ name: 'a', run: { command: 'x' }, ...change }, 'body');
    expect(problems.length).toBeGreaterThan(0);
    for (const { message } of problems) expect(message).not.toContain('Did you mean');
  });

  test('a number in the place of a length of time is told its unit, also in a schedule', () => {
    const [problem] = findProblems({ name: 'a', run: { command: 'x' }, schedule: { every: 5 } }, 'body');
    expect(problem?.message).toContain('It needs a unit, as in 90s or PT90S.');
  });
});

describe('all problems are found', () => {
  test('slips first, then what is missing, then values', () => {
    const problems = findProblems({ name: 'a b', rum: {}, policy: { overlap: 'x', timout: 1 } }, 'body');
    expect(problems.map(({ code, details }) => `${code} ${details.field}`)).toEqual([
      'UNKNOWN_FIELD rum',
      'UNKNOWN_FIELD policy.timout',
      'MISSING_FIELD run',
      'INVALID_FIELD name',
      'INVALID_FIELD policy.overlap',
    ]);
  });

  test('what a schedule lacks is told beside other faults', () => {
    const job = { name: 'a', namex: 1, run: { command: 'true' } };
    expect(findProblems({ ...job, schedule: {} }, 'test').map(({ details }) => details.field)).toEqual([
      'namex',
      'schedule',
    ]);
  });

  test('but no more than a person mends in one go', () => {
    const nonsense = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`field${i}`, 1]));
    expect(findProblems(nonsense, 'body')).toHaveLength(maxProblems);
  });
});

test('what has no effect is warned about', () => {
  const definition = {
    name: 'a',
    run: { command: 'x' },
    policy: { catchUpLimit: 3 },
  };
  expect(checkDefinition(definition, 'body').warnings).toEqual([
    'policy.catchUpLimit has no effect unless policy.catchUp is all',
  ]);
});

test('the words and the compiled schema have the same verdict on any broken definition', () => {
  const schema = Compile(JobDefinition);
  const junk = fc.oneof(
    fc.constantFrom(
      null,
      true,
      -1,
      0,
      1,
      1.5,
      1e9,
      '',
      'a',
      'a b',
      '\u{1F514}',
      'skip',
      [],
      {},
      ['a', 'a'],
      [1],
      { a: 1 },
    ),
    fc.jsonValue({ maxDepth: 2 }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(3), junk), { minLength: 1, maxLength: 3 }), (breaks) => {
      const definition = structuredClone(full);
      // A copy: the same list put into itself would be endless.
      for (const [place, how, value] of breaks) breakAt(definition, place, how, structuredClone(value));
      const refused = !schema.Check(definition);
      // Broken but of the right shape is for the rules beyond the schema.
      if (refused) expect(findProblems(definition, 'body').length).toBeGreaterThan(0);
      else expect(() => findProblems(definition, 'body')).not.toThrow();
    }),
    { numRuns: 2_000 },
  );
});

/** Replaces, removes or adds something at one of the places of a structure. */
function breakAt(root: object, place: number, how: number, value: unknown): void {
  const places: [Record<string, unknown>, string][] = [];
  const walk = (at: Record<string, unknown>): void => {
    for (const [key, inner] of Object.entries(at)) {
      places.push([at, key]);
      if (typeof inner === 'object' && inner !== null) walk(inner as Record<string, unknown>);
    }
  };
  walk(root as Record<string, unknown>);
  const [parent, key] = places[place % places.length] ?? [root as Record<string, unknown>, 'name'];
  if (how === 0) delete parent[key];
  else if (how === 1) parent[`${key}x`] = value;
  else parent[key] = value;
}

test.each([
  ['134217728', 134_217_728],
  ['128MiB', 134_217_728],
  ['128m', 134_217_728],
  ['1GB', 1_000_000_000],
  ['1.5 GiB', 1_610_612_736],
  ['1k', 1_024],
])('%s of memory is %i bytes', (text, bytes) => {
  expect(memoryBytes(text, 'memory')).toBe(bytes);
});

test.each(['', '0', '-1', '1.', 'MiB', '1XB', '99999999TB', '1 2'])('"%s" is no amount of memory', (text) => {
  expect(refusal(() => memoryBytes(text, 'memory'))).toMatchObject({ code: 'INVALID_FIELD' });
});

function refusal(act: () => unknown): CarillonError {
  try {
    act();
  } catch (error) {
    if (error instanceof CarillonError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
