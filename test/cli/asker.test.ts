/** Who a change is kept under: for users without an account. */

import { execFileSync } from 'node:child_process';
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { askedBy } from '../../src/cli/asker.ts';

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

test('the user of this process is named with the host', () => {
  expect(askedBy()).toMatch(new RegExp(`^.+@${hostname()}$`));
});
