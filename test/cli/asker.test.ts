/** Who a change is kept under: for users without an account, and with names beyond ASCII. */

import { execFileSync } from 'node:child_process';
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { askedBy, nameInHeader } from '../../src/cli/asker.ts';
import { ApiWorld } from '../support/api-world.ts';

test.runIf(process.getuid?.() === 0)('a user without an account is a number', () => {
  const asker = new URL('../../src/cli/asker.ts', import.meta.url).href;
  // Only once everything is loaded: that user may not be able to read the checkout.
  const script = `import { askedBy } from ${JSON.stringify(asker)};
    process.setgroups([]); process.setgid(54_321); process.setuid(54_321);
    console.log(askedBy());`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  const said = execFileSync(process.execPath, args, { encoding: 'utf8' });
  expect(said).toBe(`54321@${hostname()}\n`);
});

test.each([
  ['as the command line sends it', nameInHeader('李 José'), '李 José'],
  ['in UTF-8, as curl sends it', 'Jos\xc3\xa9', 'José'],
  ['in Latin-1', 'Jos\xe9', 'José'],
  ['cut to whole characters', nameInHeader('😀'.repeat(500)), /^😀+$/u],
])('a name beyond ASCII is kept %s', async (_, header, name) => {
  expect(() => new Headers({ 'x-carillon-user': header })).not.toThrow();
  const api = await ApiWorld.at('2026-11-21T00:00:00Z');
  try {
    const headers = { 'x-carillon-user': header };
    const body = { name: 'a', run: { command: 'true' } };
    const { updatedBy } = (await api.send('POST /jobs', { body, headers })).json();
    expect(updatedBy).toEqual(typeof name === 'string' ? name : expect.stringMatching(name));
  } finally {
    await api.close();
  }
});

test('the user of this process is named with the host', () => {
  expect(askedBy()).toMatch(new RegExp(`^.+@${hostname()}$`));
});
