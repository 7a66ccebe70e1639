import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CarillonError } from '../src/errors.ts';
import { formatJobFile, jobFileLimits, parseJobFile } from '../src/job-file.ts';

const read = (text: string) => parseJobFile(text, 'jobs.yaml');
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

  test.each(['', '\n', '# a comment', '[]', 'jobs: []'])('no job in %j', (text) => {
    expect(read(text)).toEqual([]);
  });
});

describe('text that can not be read is refused with line and column', () => {
  test.each([
    ['nested by mistake', 'name: a\nrun: b: c\n', 'jobs.yaml:2:6'],
    ['an open quote', 'x: 1\nname: "a\n', 'jobs.yaml:3:1'],
    ['a key twice', 'name: a\nname: b\n', 'jobs.yaml:2:1'],
    ['a tag that would be ignored', 'name: !env HOME', 'jobs.yaml:1:7'],
    ['an alias to nothing', '\nname: *x', 'jobs.yaml:2:1'],
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
  const error = refusal(() => read('#'.repeat(jobFileLimits.characters + 1)));
  expect(error.code).toBe('LIMIT_EXCEEDED');
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
