/** docs/logs.md has the events and fields as the code has them. `npx vitest run … --update` writes them. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { activityEvents, activityFields } from '../../../src/scheduler/runtime/activity.ts';

const page = resolve(import.meta.dirname, '../../../docs/logs.md');
const before = 'left out. Times are in UTC.\n';

test('the page lists every event and every field', async () => {
  const text = readFileSync(page, 'utf8');
  const written = text.slice(0, text.indexOf(before) + before.length);
  const named = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
  const events = Object.entries(activityEvents).map(
    ([event, { meaning, fields }]) => `| \`${event}\` | ${meaning} | ${named(fields)} |`,
  );
  const fields = Object.entries(activityFields).map(([field, meaning]) => `| \`${field}\` | ${meaning} |`);
  const tables = [
    ...['| event | meaning | fields |', '| --- | --- | --- |', ...events, ''],
    ...['| field | meaning |', '| --- | --- |', ...fields, ''],
  ];
  await expect(`${written}\n${tables.join('\n')}`).toMatchFileSnapshot(page);
});

test('each field belongs to an event', () => {
  const used = new Set(Object.values(activityEvents).flatMap(({ fields }) => [...fields]));
  expect(Object.keys(activityFields).filter((field) => !used.has(field as never))).toEqual([]);
});
