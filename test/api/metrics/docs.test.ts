/** docs/metrics.md has the table of metrics as the code has it. `npx vitest run … --update` writes it. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { metrics } from '../../../src/api/metrics/table.ts';

const page = resolve(import.meta.dirname, '../../../docs/metrics.md');
const heading = '## All metrics\n';

const rows = metrics.map(({ name, kind, scope, labels, help }) => {
  const set = labels.map((label) => `\`${label}\``).join(', ');
  return `| \`${name}\` | ${kind} | ${scope} | ${set} | ${help} |`;
});

test('the page lists every metric', async () => {
  const text = readFileSync(page, 'utf8');
  const written = text.slice(0, text.indexOf('\n\n', text.indexOf(heading) + heading.length + 1));
  const table = ['| name | kind | of | labels | meaning |', '| --- | --- | --- | --- | --- |', ...rows];
  await expect(`${written}\n\n${table.join('\n')}\n`).toMatchFileSnapshot(page);
});

test('names are unique, and follow the conventions of Prometheus', () => {
  const names = metrics.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, kind, help } of metrics) {
    expect(name).toMatch(/^(carillon|process)_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total'), name).toBe(kind === 'counter');
    expect(help, name).toMatch(/^[\p{Lu}\d].*\.$/u);
  }
});
