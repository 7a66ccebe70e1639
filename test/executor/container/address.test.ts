import { describe, expect, test } from 'vitest';
import { engineAddress } from '../../../src/executor/container/address.ts';

describe('an address', () => {
  const docker = { what: 'Docker engine', setting: 'docker-host' };
  const tls = { caFile: 'ca.pem', certFile: 'cert.pem', keyFile: 'key.pem' };
  test.each([
    ['unix:///var/run/docker.sock', null, { socketPath: '/var/run/docker.sock' }],
    ['/run/d.sock', null, { socketPath: '/run/d.sock' }],
    ['tcp://10.0.0.1:2375', null, { protocol: 'http', host: '10.0.0.1', port: 2375 }],
    ['tcp://build-1', null, { protocol: 'http', host: 'build-1', port: 2375 }],
    ['tcp://build-1', tls, { protocol: 'https', host: 'build-1', port: 2376 }],
    ['https://build-1:9999/', tls, { protocol: 'https', host: 'build-1', port: 9999 }],
    ['tcp://[::1]:2375', null, { protocol: 'http', host: '::1', port: 2375 }],
  ])('%s', (host, files, address) => {
    expect(engineAddress(host, files, docker)).toEqual(address);
  });

  test.each(['', 'docker.sock', 'ssh://build-1', 'tcp://', 'tcp://h:99999', 'tcp://h:1/path', 'unix://'])(
    '%j is refused with what is allowed',
    (host) => {
      expect(() => engineAddress(host, null, docker)).toThrow(
        expect.objectContaining({ code: 'INVALID_FIELD', details: expect.objectContaining({ value: host }) }),
      );
    },
  );

  test('that is refused names the setting that it came from', () => {
    const manager = { what: 'Swarm manager', setting: 'swarm-host' };
    expect(() => engineAddress('ssh://m1', null, manager)).toThrow(
      expect.objectContaining({
        message: 'ssh://m1 is not a valid address of a Swarm manager.',
        details: expect.objectContaining({ field: 'swarm-host' }),
      }),
    );
  });
});
