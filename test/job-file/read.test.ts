import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CarillonError } from '../../src/errors.ts';
import { textBounds } from '../../src/job-file/bounds.ts';
import { formatJobFile, parseJobFile } from '../../src/job-file/read.ts';

const read = (text: string) =>
  parseJobFile(text, 'jobs.yaml').map(({ definition, source }) => ({ definition, source }));
const a = { name: 'a' };
const b = { name: 'b' };

describe('the jobs in a file, and the line at which each begins', () => {
  test.each<[string, string, [unknown, number][]]>([
    ['one document', 'name: a\n', [[a, 1]]],
    [
      'several documents',
      '# first\nname: a\n---\n\n# second\nname: b\n',
      [
        [a, 2],
        [b, 6],
      ],
    ],
    ['documents with nothing in them', '---\n# nothing\n---\nname: a\n---\n', [[a, 4]]],
    [
      'a list',
      '- name: a\n\n- name: b\n',
      [
        [a, 1],
        [b, 3],
      ],
    ],
    [
      'jobs with a list',
      'jobs:\n  - name: a\n  - name: b\n',
      [
        [a, 2],
        [b, 3],
      ],
    ],
    ['what begins with x- at the top is ignored', 'x-note: 1\nname: a\n', [[a, 1]]],
    ['x- beside jobs is a place for anchors', 'x-name: &n a\njobs:\n  - name: *n\nx-more: [1]\n', [[a, 3]]],
    [
      'x- below the top is a field as any other',
      'name: a\nrun: { x-note: 1 }\n',
      [[{ ...a, run: { 'x-note': 1 } }, 1]],
    ],
    ['JSON', '\n{ "name": "a" }', [[a, 2]]],
    [
      'a JSON list',
      '[{"name":"a"},\n{"name":\n"b"}]',
      [
        [a, 1],
        [b, 2],
      ],
    ],
    [
      'JSON jobs',
      '{"jobs":\n[{"name":"a"},\n\n{"name":"b"}]}',
      [
        [a, 2],
        [b, 4],
      ],
    ],
    [
      'brackets and escapes in JSON texts',
      '[{"name":"\\"]}["},\n{"name":"b"}]',
      [
        [{ name: '"]}[' }, 1],
        [b, 2],
      ],
    ],
    [
      'JSON that is not all objects',
      '[1,\n{"name":"a"}]',
      [
        [1, 1],
        [a, 2],
      ],
    ],
    [
      'a merge of what an anchor names',
      '- &x {name: a}\n- <<: *x\n  name: b',
      [
        [a, 1],
        [b, 2],
      ],
    ],
    ['keys are text', '8080: x\ntrue: y', [[{ 8080: 'x', true: 'y' }, 1]]],
    [
      'times stay text',
      'at: 2026-12-01T00:00:00Z\nby: 06:00',
      [[{ at: '2026-12-01T00:00:00Z', by: '06:00' }, 1]],
    ],
    ['something that is no job is for the check', 'just text', [['just text', 1]]],
    ['a job beside jobs is no list', 'jobs: []\nname: a', [[{ jobs: [], name: 'a' }, 1]]],
  ])('%s', (_, text, expected) => {
    expect(read(text)).toEqual(
      expected.map(([definition, line]) => ({ definition, source: `jobs.yaml:${line}` })),
    );
  });

  test.each(['', '\n', '# a comment', 'null', '---\n---\n', '[]', 'jobs: []'])('no job in %j', (text) => {
    expect(read(text)).toEqual([]);
  });
});

describe('merges', () => {
  test.each([
    [
      'what stands in the mapping counts, before the merge and behind',
      'x: 1\n<<: *d\nz: 3',
      { x: 1, y: 'd', z: 3 },
    ],
    ['of several mappings the first counts', '<<: [{x: 1}, *d]', { x: 1, y: 'd', z: 'd' }],
    ['one after the other', '<<: {x: 1}\n<<: *d', { x: 1, y: 'd', z: 'd' }],
    ['through a mapping that merges', '<<: {<<: *d, x: 1}', { x: 1, y: 'd', z: 'd' }],
    ['a name in quotes is one like any other', '"<<": *d', { '<<': { x: 'd', y: 'd', z: 'd' } }],
  ])('%s', (_, text, expected) => {
    const [, job] = read(`- &d {x: d, y: d, z: d}\n-\n${text.replace(/^/gm, '  ')}\n`);
    expect(job?.definition).toEqual(expected);
  });

  test('an anchor names what it stood before last', () => {
    const [job] = read('a: &x 1\nb: *x\nc: &x 2\nd: *x\ne: &n\nf: *n\n');
    expect(job?.definition).toEqual({ a: 1, b: 1, c: 2, d: 2, e: null, f: null });
  });
});

describe('text that cannot be read is refused with line and column', () => {
  test.each([
    ['a name twice in JSON', '{"name": "a",\n "name": "b"}', 'jobs.yaml:2:2'],
    [
      'a name twice in JSON, further in',
      '[{"name": "a", "run": {"x": [{"y": 1, "y": 2}]}}]',
      'jobs.yaml:1:39',
    ],
    ['a merge of what is no mapping', '- &x [a]\n- <<: *x', 'jobs.yaml:2:3'],
    ['nested by mistake', 'name: a\nrun: b: c\n', 'jobs.yaml:2:6'],
    ['an open quote', 'x: 1\nname: "a\n', 'jobs.yaml:3:1'],
    ['a key twice', 'name: a\nname: b\n', 'jobs.yaml:2:1'],
    ['a tag that would be ignored', 'name: !env HOME', 'jobs.yaml:1:7'],
    ['an alias to nothing', '\nname: *x', 'jobs.yaml:2:7'],
    ['a key that is no text', '? [a]\n: 1', 'jobs.yaml:1:3'],
    ['in a later document', 'name: a\n---\nname: "', 'jobs.yaml:3:8'],
  ])('%s', (_, text, source) => {
    const error = refusal(() => read(text));
    expect(error).toMatchObject({ code: 'INVALID_BODY', details: { source } });
    expect(error.message).toMatch(source);
  });
});

test('aliases that expand without end are refused', () => {
  const levels = Array.from({ length: 9 }, (_, i) => {
    const inner = i === 0 ? 'x' : `*l${i - 1}`;
    return `l${i}: &l${i} [${Array.from({ length: 9 }, () => inner).join(', ')}]`;
  });
  expect(refusal(() => read(levels.join('\n'))).code).toBe('INVALID_BODY');
});

test('a text beyond the bound is refused before it is read', () => {
  const error = refusal(() => read('#'.repeat(textBounds.yamlBytes + 1)));
  expect(error.code).toBe('LIMIT_EXCEEDED');
});

describe('what would take a parser too far is refused before, with the bound and the place', () => {
  const { jobValues, fields, documents, anchors, jobBytes } = textBounds;
  const lines = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join('');
  test.each<[string, string, string, string]>([
    ['lists in JSON', `[${'['.repeat(2_000)}`, '1:33', 'at most 32 levels'],
    ['objects in JSON', '{"a":'.repeat(6_000), '1:161', 'at most 32 levels'],
    ['lists in YAML', `a: ${'['.repeat(2_000)}`, '1:37', 'at most 32 levels'],
    ['lists in YAML, one in the other', '- '.repeat(2_000), '1:68', 'at most 32 levels'],
    ['mappings in YAML', lines(100, (i) => `${' '.repeat(i)}a:\n`), '34:', 'at most 32 levels'],
    ['fields in YAML', lines(20_000, (i) => `k${i}: 1\n`), `${fields + 1}:`, 'at most 10,000 fields'],
    ['fields between braces', `{${lines(20_000, (i) => `k${i}: 1, `)}}`, '1:', 'at most 10,000 fields'],
    ['documents', '---\na: 1\n'.repeat(documents + 1), `${2 * documents + 1}:`, 'at most 20,000'],
    ['anchors', lines(anchors + 1, (i) => `- &a${i} 1\n`), `${anchors + 1}:`, 'at most 10,000'],
    ['aliases', `- &a 1\n${'- *a\n'.repeat(anchors + 1)}`, `${anchors + 2}:`, 'at most 10,000'],
    ['values of a job in JSON', `[{"a":[${'1,'.repeat(jobValues)}1]}]`, '1:', 'at most 50,000'],
    ['bytes of a job in JSON', `[1,\n"${'a'.repeat(jobBytes)}"]`, '2:1', 'at most 1,048,576 bytes'],
    [
      'values of a job with its aliases',
      `x: &x [${'1,'.repeat(jobValues / 50)}1]\ny: [${'*x,'.repeat(60)}]\n`,
      '1',
      'at most 50,000',
    ],
    [
      'length of a job with its aliases',
      `x: &x ${'a'.repeat(jobBytes / 50)}\ny: [${'*x,'.repeat(60)}]\n`,
      '1',
      'at most 1,048,576 bytes',
    ],
  ])('%s', (_, text, place, allowed) => {
    const { code, message, details } = refusal(() => read(text));
    expect({ code, ...details }).toMatchObject({ code: 'INVALID_BODY', allowed });
    expect(details.source).toMatch(`jobs.yaml:${place}`);
    expect(message).toContain(allowed);
  });

  test('an alias within what it names', () => {
    for (const [text, place] of [
      ['<<: &x\n  <<: *x', '2:7'],
      ['a: &x [b, *x]', '1:11'],
    ] as const)
      expect(refusal(() => read(text)).message).toBe(
        `jobs.yaml:${place}: the alias *x is inside the value that it refers to.`,
      );
  });

  test.each([
    ['a list', '[1]', (before: string) => `[${before}]`],
    ['a mapping', '{k: 1}', (before: string) => `{k: ${before}}`],
    ['merges', '{k: 1}', (before: string) => `{<<: {k: ${before}}}`],
  ])('aliases that nest %s in each other too deep', (_, first, around) => {
    const chain = (length: number) =>
      `x-all:\n  - &a0 ${first}\n${lines(length, (i) => `  - &a${i + 1} ${around(`*a${i}`)}\n`)}name: &x a\nk: *a${length}\n`;
    expect(read(chain(30))).toHaveLength(1);
    for (const length of [31, 9_000])
      expect(refusal(() => read(chain(length))).message).toBe(
        'jobs.yaml:1: with its aliases one job is nested too deep. Allowed: at most 32 levels.',
      );
  });

  test('a merge of what is no mapping', () => {
    for (const text of ['<<: &x\n  <<: *x', '<<: ', '- &x [a]\n- <<: *x'])
      expect(refusal(() => read(text))).toMatchObject({ code: 'INVALID_BODY' });
  });

  test('merges that bring in each other', () => {
    const chain = (length: number) =>
      `x-all:\n  - &a0 {k: 1}\n${lines(length, (i) => `  - &a${i + 1} {<<: *a${i}, k${i}: 1}\n`)}name: a\n`;
    expect(read(chain(500))).toEqual([{ definition: { name: 'a' }, source: 'jobs.yaml:1' }]);
    expect(refusal(() => read(chain(anchors - 1))).message).toMatch(
      /^jobs\.yaml:\d+:\d+: merges \(<<\) add too many fields\. Allowed: at most 2,000,000\.$/,
    );
  });

  test('twenty thousand names are read in a moment', () => {
    const text = lines(9_999, (i) => `k${i}: 1\n`);
    expect(Object.keys(read(text)[0]?.definition as object)).toHaveLength(9_999);
  });
});

test('what is written reads back the same, as one document each', () => {
  const value = fc
    .jsonValue({ maxDepth: 3 })
    .filter((json) => !JSON.stringify(json).includes('__proto__'))
    .map(plain);
  fc.assert(
    fc.property(fc.array(fc.record({ name: fc.string(), run: value }), { maxLength: 4 }), (definitions) => {
      const text = formatJobFile(definitions);
      expect(read(text).map(({ definition }) => definition)).toEqual(definitions);
      expect(formatJobFile(definitions)).toBe(text);
    }),
  );
});

/** As JSON has it: no -0. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

function refusal(act: () => unknown): CarillonError {
  try {
    act();
  } catch (error) {
    if (error instanceof CarillonError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a text that begins with a sign of YAML is to be quoted', () => {
  test.each([
    ['schedule:\n  cron: */5 * * * *\n', '2:9', '*/5 * * * *'],
    ['schedule:\n  cron: * * * * *   # each minute\n', '2:9', '* * * * *'],
    ['schedule: { cron: */5 * * * * }\n', '1:19', '*/5 * * * *'],
    ['schedule: { cron: * 2 * * *, timezone: UTC }\n', '1:19', '* 2 * * *'],
    ['- name: a\n- */5\n', '2:3', '*/5'],
    ['schedule:\n  cron: @daily\n', '2:9', '@daily'],
    ['run:\n  command: %x\n', '2:12', '%x'],
    ['run:\n  command: `id`\n', '2:12', '`id`'],
  ])('%j', (text, place, quoted) => {
    const error = refusal(() => read(text));
    expect(error.message).toBe(
      `jobs.yaml:${place}: a text that starts with ${quoted[0]} must be quoted: ${JSON.stringify(quoted)}.`,
    );
    expect(error.details.source).toBe(`jobs.yaml:${place}`);
  });

  test('other mistakes keep their own words', () => {
    expect(refusal(() => read('name: a\nrun: { command: "x" y }\n')).message).not.toContain('in quotes');
    expect(refusal(() => read('a: &x 1\nb: *y\n')).message).toContain('jobs.yaml:2:4');
  });
});

describe('a YAML file with several slips', () => {
  const slips = (text: string): string[] => {
    try {
      parseJobFile(text, 'f');
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      return [error, ...(error.details.others ?? [])].map(({ details }) => details.source ?? '');
    }
    return [];
  };

  test('tells all of them, each by its line', () => {
    const text = [
      'name: a\nname: b',
      'name: c\nschedule: { cron: */5 * * * * }',
      'name: d\nrun: *nothing',
      'name: e\nrun: [',
    ].join('\n---\n');
    expect(slips(text).map((source) => source.split(':').slice(0, 2).join(':'))).toEqual([
      'f:2',
      'f:5',
      'f:8',
      'f:11',
    ]);
  });

  test('tells ten of them', () => {
    expect(slips(Array(1_000).fill('name: a\nname: b').join('\n---\n'))).toHaveLength(10);
  });
});
