/** Refusals quote the input only as far as one needs to recognise it. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApiWorld } from '../support/api-world.ts';

let api: ApiWorld;
beforeEach(async () => {
  api = await ApiWorld.at('2026-11-21T00:00:00Z');
});
afterEach(() => api.close());

const long = (sign: string) => sign.repeat(400_000);
const run = { command: 'true' };
const yaml = { 'content-type': 'application/yaml' };
const asJob = (fields: object) => ({ name: 'a', run, ...fields });

test.each<[string, string, unknown]>([
  ['an alias', 'POST /apply', '*'.repeat(4_000_000)],
  ['a tag', 'POST /apply', '!'.repeat(7_000_000)],
  ['a tag of one job', 'POST /jobs', `!${long('x')} a`],
  ['an alias in a field', 'POST /apply', `a: *${long('x')}`],
  ['a name that occurs twice', 'POST /apply', `${long('x')}: 1\n${long('x')}: 2\n`],
  ['a directive', 'POST /apply', `%${long('x')}\n--- a`],
  ['an anchor inside itself', 'POST /apply', `&${long('x')} [*${long('x')}]`],
  ['an escape', 'POST /apply', `"\\${long('x')}`],
  ['a name', 'POST /apply', [asJob({ name: long('x') })]],
  ['a name of one job', 'POST /jobs', asJob({ name: long('x') })],
  ['an unknown field', 'POST /jobs', asJob({ [long('x')]: 1 })],
  ['an unknown field of a part', 'POST /apply', [asJob({ policy: { [long('x')]: 1 } })]],
  ['a label', 'POST /jobs', asJob({ labels: { [long('x')]: 1 } })],
  ['a parent', 'POST /jobs', asJob({ schedule: { after: { parents: [long('x')] } } })],
  ['a schedule', 'POST /jobs', asJob({ schedule: { cron: long('*') } })],
  ['a time', 'POST /jobs', asJob({ schedule: { at: long('1') } })],
  ['a time zone', 'POST /jobs', asJob({ schedule: { cron: '@daily', timezone: long('x') } })],
  ['a pool', 'POST /jobs', asJob({ policy: { pool: long('x') } })],
  ['a duration', 'POST /jobs', asJob({ policy: { timeout: long('1') } })],
  ['a volume', 'POST /jobs', asJob({ run: { image: 'a', volumes: [long('x')] } })],
  ['a port', 'POST /jobs', asJob({ run: { image: 'a', ports: [long('x')] } })],
  ['an environment', 'POST /jobs', asJob({ run: { ...run, env: { [long('=')]: '1' } } })],
  ['an address', 'POST /jobs', asJob({ run: { ...run, fetch: [long('x')] } })],
  ['a job of a start', 'POST /trigger', { jobs: [long('x')] }],
  ['a preview', 'POST /schedules/preview', { every: 'x'.repeat(10_000) }],
  ['fields', 'POST /jobs', asJob(Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`x${i}`, 1])))],
  ['a name in two objects', 'POST /jobs', `{"${long('x')}":1,"${long('x')}":2}`],
])('%s that is long is shortened', async (_, request, body) => {
  const isYaml = typeof body === 'string' && !body.startsWith('{');
  const headers = isYaml ? yaml : { 'content-type': 'application/json' };
  const answer = await api.send(request, { body, headers });
  expect(answer.body).toMatch(/"(INVALID|UNKNOWN|LIMIT|JOB|MISSING)_[A-Z]+"/);
  expect(answer.body.length).toBeLessThan(20_000);
});
