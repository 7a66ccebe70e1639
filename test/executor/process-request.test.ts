import { expect, test } from 'vitest';
import { processRequest } from '../../src/executor/process-request.ts';
import { type LaunchSpec, plainContainer } from '../../src/scheduler/spec.ts';
import { processSpec } from './launch-spec.ts';

test.each<[string, Partial<LaunchSpec>, { code: string; field: string; value?: unknown }]>([
  [
    'a directory that does not exist',
    { workdir: '/no/dir' },
    { code: 'LAUNCH_REFUSED', field: 'run.workdir', value: '/no/dir' },
  ],
  [
    'a program that does not exist',
    { argv: ['no-such'] },
    { code: 'LAUNCH_REFUSED', field: 'run.argv.0', value: 'no-such' },
  ],
  ['a program that is a directory', { argv: ['/etc'] }, { code: 'LAUNCH_REFUSED', field: 'run.argv.0' }],
  [
    'a user that does not exist',
    { user: 'no-such' },
    { code: 'LAUNCH_REFUSED', field: 'run.user', value: 'no-such' },
  ],
  ['a user number without a group', { user: '4242424' }, { code: 'LAUNCH_REFUSED', field: 'run.user' }],
  [
    'a secret that is a directory',
    { secrets: { A: { file: '/etc' } } },
    { code: 'LAUNCH_REFUSED', field: 'run.secrets.A' },
  ],
  ['an image', { image: 'alpine' }, { code: 'UNSUPPORTED_BY_ENGINE', field: 'run.image' }],
  ['a bound on memory', { memoryBytes: 1 }, { code: 'UNSUPPORTED_BY_ENGINE', field: 'run.resources.memory' }],
  [
    'a network',
    { container: { ...plainContainer, networks: ['none'] } },
    { code: 'UNSUPPORTED_BY_ENGINE', field: 'run.networks' },
  ],
  ['volumes', { volumes: ['a:/b'] }, { code: 'UNSUPPORTED_BY_ENGINE', field: 'run.volumes' }],
])('refuses %s', async (_, overrides, { code, ...details }) => {
  const request = processRequest(processSpec('exit 0', overrides), {});
  await expect(request).rejects.toMatchObject({ code, details });
});

test('finds a program as a shell in the job’s directory would, by the job’s own PATH', async () => {
  const find = async (overrides: Partial<LaunchSpec>) =>
    (await processRequest(processSpec('', overrides), { PATH: '/usr/bin:/bin' })).argv;
  expect(await find({ argv: ['sh', 'a'], env: { PATH: '/nowhere:relative:/bin' } })).toEqual([
    '/bin/sh',
    'a',
  ]);
  expect(await find({ argv: ['./sh'], workdir: '/bin' })).toEqual(['/bin/sh']);
  await expect(find({ argv: ['sh'], env: { PATH: '/nowhere' } })).rejects.toMatchObject({
    code: 'LAUNCH_REFUSED',
  });
});
