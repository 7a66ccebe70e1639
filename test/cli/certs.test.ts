/** `carillon certs`: what is written, what it is good for, and what is never overwritten. */

import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runCommand } from '../support/command-line.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-certs-'));
afterAll(() => rmSync(dir, { recursive: true }));
const at = (name: string) => join(dir, 'certs', name);
const certificate = (name: string) => new X509Certificate(readFileSync(at(name)));

const carillon = (...args: string[]) => runCommand(['certs', ...args]);

test('an authority signs nodes that are servers and clients, for a year', async () => {
  expect(await carillon('init', '--out', at(''))).toMatchObject({ code: 0 });
  const node = await carillon('node', 'n1', '--host', 'n1.example,10.0.0.7', '--host', '::1', '--in', at(''));
  expect(node).toMatchObject({ code: 0, err: '' });
  const [ca, n1] = [certificate('ca.pem'), certificate('n1.pem')];
  expect([ca.ca, n1.ca, n1.checkIssued(ca), n1.verify(ca.publicKey)]).toEqual([true, false, true, true]);
  expect(n1.checkHost('n1.example')).toBe('n1.example');
  expect([n1.checkIP('10.0.0.7'), n1.checkIP('::1'), n1.checkIP('10.0.0.8')]).toEqual([
    '10.0.0.7',
    '::1',
    undefined,
  ]);
  expect(n1.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  const days = (each: X509Certificate) => Math.round((Date.parse(each.validTo) - Date.now()) / 86_400_000);
  expect([days(ca), days(n1)]).toEqual([3_650, 365]);
});

test('keys are for their owner only', () => {
  for (const name of ['ca.key', 'n1.key']) expect(statSync(at(name)).mode & 0o777).toBe(0o600);
});

test('files are never overwritten, except to renew a node', async () => {
  const files = ['ca.pem', 'ca.key', 'n1.pem', 'n1.key'];
  const before = files.map((name) => readFileSync(at(name), 'utf8'));
  expect(await carillon('init', '--out', at(''))).toMatchObject({
    code: 2,
    err: expect.stringMatching(/already exists/),
  });
  const again = ['node', 'n1', '--host', 'n1.example', '--in', at('')];
  expect(await carillon(...again)).toMatchObject({ code: 2, err: expect.stringMatching(/pass --force/) });
  expect(files.map((name) => readFileSync(at(name), 'utf8'))).toEqual(before);
  expect(await carillon(...again, '--force')).toMatchObject({ code: 0 });
  expect(readFileSync(at('n1.pem'), 'utf8')).not.toBe(before[2]);
  expect(certificate('n1.pem').checkIssued(certificate('ca.pem'))).toBe(true);
});

test.each([
  [['node', 'ca', '--host', 'x'], /not ca/],
  [['node', '../x', '--host', 'x'], /letters, digits/],
  [['node', 'x'], /--host/],
  [['node', 'x', '--host', 'a:b c'], /without ports/],
  [['node', 'x', '--host', 'x', '--in', '/nowhere'], /has no authority/],
])('%j is refused', async (args, says) => {
  const { code, err } = await carillon(...args);
  expect(code).toBe(2);
  expect(err).toMatch(says);
});

test('what is there is shown, with its end', async () => {
  const { out } = await carillon('show', at(''));
  expect(out).toMatch(/ca\.pem.*Carillon/);
  expect(out).toMatch(/n1\.pem.*n1\.example.*Carillon/);
});
