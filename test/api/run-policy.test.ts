/** The run policy as clients meet it: natively, with the role of who asks, and through Chronos' own ways to ask for things of hosts. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseRunPolicy } from '../../src/node/run-policy.ts';
import { ApiWorld } from '../support/api-world.ts';
import { abilities } from '../support/engines.ts';
import { testSettings } from '../support/rig.ts';
import { World } from '../support/world.ts';

const policy = `
rules:
  - name: base
    allow: { engines: ['*'], users: ['1000', '(own)'], images: [alpine], volumes: ['/data/**'], networks: [bridge] }
`;

let api: ApiWorld;
beforeEach(async () => {
  const { process } = testSettings.engines;
  const docker = { concurrency: null, abilities: abilities.docker, tombstoneMs: 600_000 };
  const settings = { ...testSettings, engines: { process: process!, docker } };
  const runPolicy = parseRunPolicy(policy, 'policy.yaml');
  api = await ApiWorld.over(await World.at('2026-11-30T12:00:00Z', { ...settings, runPolicy }));
});
afterEach(() => api.close());

const asRoot = { name: 'a', run: { command: 'true', user: 'root' } };

describe('the native API', () => {
  test.each(['POST /jobs', 'PUT /jobs/a'])('%s is refused with all fields', async (request) => {
    const run = { image: 'evil/alpine', command: 'true', user: '0', volumes: ['/data/../etc:/x'] };
    const response = await api.send(request, { body: { name: 'a', run } });
    expect(response.statusCode).toBe(403);
    const problem = response.json();
    expect(problem).toMatchObject({ code: 'POLICY_REFUSED' });
    for (const field of ['run.user', 'run.image', 'run.volumes[0]'])
      expect(JSON.stringify(problem)).toContain(field);
  });

  test('an apply and a dry run of it refuse the job by itself', async () => {
    for (const query of ['?dryRun=true', '']) {
      const { results } = await api.post(`/apply${query}`, [asRoot, { name: 'b', run: { command: 'true' } }]);
      expect(results.map(({ outcome }: { outcome: string }) => outcome)).toEqual(['refused', 'created']);
    }
  });
});

describe('a job of Chronos', () => {
  const put = async (container: object, more: object = {}): Promise<string> => {
    const schedule = 'R/2026-12-01T02:00:00Z/PT24H';
    const body = { name: 'c', command: 'true', schedule, container, ...more };
    const response = await api.send('POST //v1/scheduler/iso8601', { body });
    return `${response.statusCode} ${response.body}`;
  };
  const image = { type: 'DOCKER', image: 'alpine' };
  const user = { key: 'user', value: '1000' };

  test('is accepted if it asks for what is allowed', async () => {
    const volumes = [{ hostPath: '/data/a', containerPath: '/a', mode: 'RW' }];
    expect(await put({ ...image, network: 'BRIDGE', volumes, parameters: [user] })).toMatch(/^20/);
  });

  test.each<[string, object, object, string]>([
    [
      'a volume',
      { volumes: [{ hostPath: '/etc', containerPath: '/a', mode: 'RO' }], parameters: [user] },
      {},
      'run.volumes[0]',
    ],
    ['a volume by parameter', { parameters: [user, { key: 'volume', value: '/:/h' }] }, {}, 'run.volumes[0]'],
    ['a short one', { parameters: [user, { key: '-v', value: '/data/../etc:/h' }] }, {}, 'run.volumes[0]'],
    [
      'a mount',
      { parameters: [user, { key: 'mount', value: 'type=bind,src=/etc,dst=/e' }] },
      {},
      'run.volumes[0]',
    ],
    ['the network of the host', { network: 'HOST', parameters: [user] }, {}, 'run.network'],
    ['that by parameter', { parameters: [user, { key: 'net', value: 'host' }] }, {}, 'run.network'],
    [
      'one of a container',
      { parameters: [user, { key: 'network', value: 'container:x' }] },
      {},
      'run.network',
    ],
    ['root by parameter', { parameters: [{ key: 'user', value: '00' }] }, {}, 'run.user'],
    ['the user of the image', {}, {}, 'run.user'],
    [
      'a capability',
      { parameters: [user, { key: 'cap-add', value: 'SYS_ADMIN' }] },
      {},
      'run.capabilities.add[0]',
    ],
    ['an image', { image: 'evil/alpine', parameters: [user] }, {}, 'run.image'],
  ])('is refused if it asks for %s', async (_, container, more, field) => {
    const answer = await put({ ...image, network: 'BRIDGE', ...container }, more);
    expect(answer).toMatch(/^403 /);
    expect(answer).toContain(field);
  });

  test('that is a process is refused as another user, and for downloads', async () => {
    const body = { name: 'c', command: 'true', schedule: 'R/2026-12-01T02:00:00Z/PT24H' };
    const sent = async (more: object) =>
      (await api.send('POST //v1/scheduler/iso8601', { body: { ...body, ...more } })).statusCode;
    expect(await sent({})).toBe(204);
    expect(await sent({ runAsUser: 'etl' })).toBe(403);
    // Chronos prints root with every job, so it asks for nothing.
    expect(await sent({ runAsUser: 'root' })).toBe(204);
    expect(await sent({ runAsUser: '0' })).toBe(403);
    expect(await sent({ fetch: [{ uri: 'https://evil.example.com/x' }] })).toBe(403);
    expect(await sent({ uris: ['file:///etc/shadow'] })).toBe(403);
  });
});
