import { describe, expect, test } from 'vitest';
import { fullImageName, registryAuth, registryOf } from '../../../src/executor/container/registry.ts';

describe('an image name', () => {
  test.each([
    ['alpine', 'alpine:latest', 'https://index.docker.io/v1/'],
    ['alpine:3.20', 'alpine:3.20', 'https://index.docker.io/v1/'],
    ['team/tool', 'team/tool:latest', 'https://index.docker.io/v1/'],
    ['localhost:5000/tool', 'localhost:5000/tool:latest', 'localhost:5000'],
    ['r.example.com/a/b@sha256:00', 'r.example.com/a/b@sha256:00', 'r.example.com'],
    ['localhost/tool', 'localhost/tool:latest', 'localhost'],
  ])('%s is %s of %s', (image, full, registry) => {
    expect([fullImageName(image), registryOf(image)]).toEqual([full, registry]);
  });

  const login = JSON.stringify({
    auths: { 'r.example.com': { auth: Buffer.from('me:se:cret').toString('base64') } },
  });
  test.each([
    ['a pair', 'me:se:cret\n'],
    ['JSON', '{"username":"me","password":"se:cret"}'],
    ['what docker login writes', login],
  ])('takes credentials from %s', (_, secret) => {
    expect(registryAuth('r.example.com/tool', secret)).toEqual({
      username: 'me',
      password: 'se:cret',
      serveraddress: 'r.example.com',
    });
  });

  test.each(['', 'no-colon', '{"username":"me"', '{"auths":{"other":{"auth":"bWU6cw=="}}}', '[]'])(
    'refuses %j without quoting it',
    (secret) => {
      const error = (() => {
        try {
          return registryAuth('r.example.com/tool', secret);
        } catch (caught) {
          return caught as Error;
        }
      })();
      expect(error).toMatchObject({ code: 'LAUNCH_REFUSED' });
      if (secret !== '') expect(JSON.stringify([error, (error as Error).message])).not.toContain(secret);
    },
  );
});
