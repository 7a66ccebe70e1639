/** What a Swarm cannot honour is refused when a job is submitted; what it can is let through. */

import { expect, test } from 'vitest';
import { abilities } from '../../../src/executor/swarm/abilities.ts';
import type { RunDefinition } from '../../../src/scheduler/job/definition.ts';
import { checkAbilities } from '../../../src/scheduler/job/engine-abilities.ts';

const good: RunDefinition = { image: 'tool:1', network: 'bridge' };
const check = (run: RunDefinition): void => checkAbilities(run, 'swarm', abilities);

test.each<[string, RunDefinition]>([
  ['a network by name', good],
  ['several networks', { image: 'tool:1', networks: ['a', 'b'] }],
  ['places by labels', { ...good, constraints: ['node.labels.zone==a', 'node.role != manager'] }],
  ['folders and volumes', { ...good, volumes: ['/a:/b:ro', 'cache:/c', 'd:/e:rw'] }],
  ['ports of the node', { ...good, ports: ['80', '8080:80/udp'] }],
  ['images that are missing', { ...good, pull: 'missing' }],
])('takes %s', (_, run) => {
  expect(() => check(run)).not.toThrow();
});

test.each<[string, RunDefinition, string, unknown]>([
  ['no network, unsaid', { image: 'tool:1' }, 'network', 'none'],
  ['no network, said', { ...good, network: 'none' }, 'network', 'none'],
  ['no network among others', { image: 'tool:1', networks: ['a', 'none'] }, 'network', 'none'],
  ['the network of a container', { ...good, network: 'container:x' }, 'network', 'container:x'],
  ['to pull always', { ...good, pull: 'always' }, 'pull', 'always'],
  ['to pull never', { ...good, pull: 'never' }, 'pull', 'never'],
  ['a port on one address', { ...good, ports: ['80', '127.0.0.1:80:80'] }, 'ports', '127.0.0.1:80:80'],
  ['a mount of another mode', { ...good, volumes: ['/a:/b:z'] }, 'volumes', '/a:/b:z'],
  ['a place by no rule of Swarm', { ...good, constraints: ['zone=a'] }, 'constraints', 'zone=a'],
  ['no new privileges', { ...good, noNewPrivileges: true }, 'noNewPrivileges', true],
  ['nothing to run', { command: 'true', network: 'bridge' }, 'image', null],
])('refuses %s', (_, run, field, value) => {
  expect(() => check(run)).toThrow(
    expect.objectContaining({
      code: 'UNSUPPORTED_BY_ENGINE',
      details: expect.objectContaining({ field: `run.${field}`, value }),
    }),
  );
});
