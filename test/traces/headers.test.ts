/** Headers with keys: what is understood, and that no mistake shows them. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { headersInFile, headersInVariable } from '../../src/traces/headers.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-headers-'));
afterAll(() => rmSync(dir, { recursive: true }));
const file = join(dir, 'headers');

test('a file has one per line, and comments', async () => {
  writeFileSync(file, '# of the collector\n\nAuthorization: Bearer a:b=\r\nX-Scope-OrgID:team\n');
  expect(await headersInFile(file)).toEqual({ authorization: 'Bearer a:b=', 'x-scope-orgid': 'team' });
});

test.each([
  ['Bearer s3cret', 'line 1 is no header'],
  ['A: b\nX-Key: s3cret\u{1}', 'line 2 is no header'],
  ['Héader: s3cret', 'line 1 is no header'],
  [`A: ${'s3cret'.repeat(20_000)}`, 'it has more than 65536 characters'],
])('a file with %j is refused', async (text, problem) => {
  writeFileSync(file, text);
  const error: Error = await headersInFile(file).then(
    () => new Error('accepted'),
    (refusal) => refusal,
  );
  expect(error.message).toContain(problem);
  expect(JSON.stringify({ ...error, message: error.message })).not.toContain('s3cret');
});

test('a file that is not there is refused', async () => {
  await expect(headersInFile(join(dir, 'none'))).rejects.toMatchObject({
    code: 'INVALID_FIELD',
    message: expect.stringContaining('ENOENT'),
  });
});

test('the variable has them as OpenTelemetry writes them', () => {
  expect(headersInVariable('V', 'Authorization=Bearer%20x%2Cy, k=v,,empty=')).toEqual({
    authorization: 'Bearer x,y',
    k: 'v',
    empty: '',
  });
});

test.each(['s3cret', 'k=s3cret%', 'k=s3cret%0A', 'k k=s3cret'])('a variable with %j is refused', (text) => {
  expect(() => headersInVariable('V', text)).toThrow('V: item 1 is no header.');
});
