import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { clientArguments, remoteCommand } from '../../../src/executor/ssh/connection.ts';
import { parseHosts } from '../../../src/executor/ssh/hosts-file.ts';

const parse = (text: string) => parseHosts(text, 'hosts.yaml');

test('a host needs a name only', () => {
  expect(parse('- name: web-1\n')).toEqual([
    {
      ...{ name: 'web-1', address: 'web-1', user: null, port: null, identityFile: null, knownHosts: null },
      ...{ config: null, folder: null, labels: {}, concurrency: 16 },
    },
  ]);
  expect(clientArguments(parse('- name: web-1\n')[0]!).slice(-2)).toEqual(['--', 'web-1']);
});

test('an empty file has no hosts', () => {
  expect(parse('')).toEqual([]);
  expect(parse('[]')).toEqual([]);
});

test.each([
  ['- name: all\n', 'hosts.yaml:1:3: name is "all". Allowed: '],
  ['- name: -oProxyCommand=x\n', 'name is "-oProxyCommand=x"'],
  ['- { name: a, address: "-oProxyCommand=touch /tmp/x" }\n', 'address is "-oProxyCommand=touch /tmp/x"'],
  ['- { name: a, address: "b c" }\n', 'address is "b c"'],
  ['- { name: a, user: "x; reboot" }\n', 'user is "x; reboot"'],
  ['- { name: a, port: 0 }\n', 'port is 0. Allowed: a whole number from 1 to 65535'],
  ['- { name: a, port: "22" }\n', 'port is "22"'],
  ['- { name: a, identityFile: key }\n', 'identityFile is "key". Allowed: an absolute path'],
  ['- { name: a, folder: "/tmp/$(reboot)" }\n', 'folder is "/tmp/$(reboot)"'],
  ['- { name: a, folder: "/tmp/\'x" }\n', 'folder is "/tmp/\'x"'],
  ['- { name: a, labels: [x] }\n', 'labels is ["x"]. Allowed: a map'],
  ['- { name: a, labels: { zone: 1 } }\n', 'labels.zone is 1'],
  ['- { name: a, pasword: x }\n', 'pasword is "x". Allowed: only name, '],
  ['- name: a\n- name: a\n', 'hosts.yaml:2: name is "a". Allowed: each name once'],
  ['- 1\n', 'host is 1'],
  ['name: {}\n', 'name is {}'],
])('%j is refused with its place, its value and what is allowed', (text, message) => {
  expect(() => parse(text)).toThrow(message);
});

test('more hosts than a file may have', () => {
  const many = Array.from({ length: 501 }, (_, at) => ({ name: `h${at}` }));
  expect(() => parse(JSON.stringify(many))).toThrow('at most 500 hosts');
});

test.each(['/bin/sh', '/bin/bash'])(
  'what %s of a host is told is one line, and starts one POSIX shell',
  (shell) => {
    const command = remoteCommand({ folder: '/no/where' }, 'installation-1');
    expect(command).toMatch(/^exec \/bin\/sh -c '[^'\n]+'$/);
    // Without a path it cannot even tell what it is.
    const said = spawnSync(shell, ['-c', `cd /; PATH=/nothing; ${command}`], { encoding: 'utf8' });
    expect(said.status).toBe(3);
    expect(said.stdout).toMatch(/^carillon: cannot run on /);
  },
);
