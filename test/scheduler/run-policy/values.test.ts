/** What the entries of a rule match, and how jobs cannot escape them. */

import { describe, expect, test } from 'vitest';
import { kinds, secretKinds } from '../../../src/scheduler/run-policy/values.ts';

type Row = [what: string, entry: string, allows: string[], refuses: string[]];

const sha = `sha256:${'0123456789abcdef'.repeat(4)}`;

const tables: Record<string, Row[]> = {
  users: [
    ['a name', 'etl', ['etl'], ['etl2', 'ETL', 'root', '1000', '(own)', '(image)', 'etl:etl']],
    ['a number', '1000', ['1000', '01000', '+1000'], ['1001', '1000:0', '4294968296']],
    ['a pattern', 'etl-*', ['etl-a'], ['etl', 'root']],
    [
      'everybody but root',
      '*',
      ['etl', '1000'],
      ['root', '0', '00', '+0', '-0', ':1000', '(own)', '(image)'],
    ],
    [
      'everybody with every group',
      '*:*',
      ['etl', 'etl:etl', '1:2'],
      ['etl:root', 'etl:0', 'etl:00', 'etl:0:x'],
    ],
    [
      'no text that systems read differently',
      '*:*',
      [],
      ['etl ', ' 0', 'root\n', '4294967295', '*', '-1', 'a:b:c'],
    ],
    ['root by name', 'root', ['root', '0', '00', '-0', ':'], ['root:root', '1']],
    ['root by number', '0', ['root', '0'], ['0:0']],
    ['root with its group', 'root:root', ['root', '0:0', 'root:root', '0:00', ':0'], ['root:docker']],
    ['a group', '1000:docker', ['1000', '1000:docker'], ['1000:sudo', '1000:0']],
    ['the user of the image', '(image)', ['(image)'], ['root', '(own)']],
    ['the own user', '(own)', ['(own)'], ['(image)', 'root']],
  ],
  images: [
    [
      'an official image',
      'alpine',
      [
        ...['alpine', 'alpine:latest', 'alpine:3.20', 'library/alpine', 'docker.io/alpine', `alpine@${sha}`],
        ...['index.docker.io/library/alpine', 'Docker.IO/library/alpine'],
      ],
      ['evil/alpine', 'r.example.com/alpine', 'localhost:5000/alpine', 'r.example.com/library/alpine'],
    ],
    ['a tag', 'alpine:3.20', ['alpine:3.20'], ['alpine', 'alpine:3.21', `alpine:3.20@${sha}`]],
    [
      'the newest tag',
      'alpine:latest',
      ['alpine', 'alpine:latest'],
      [`alpine:latest@${sha}`, `alpine@${sha}`],
    ],
    [
      'only digests',
      'alpine@sha256:*',
      [`alpine@${sha}`, `alpine:latest@${sha}`],
      ['alpine', 'alpine:latest', 'alpine@sha256:', 'alpine@sha256:abc', `alpine@${sha}@${sha}`],
    ],
    ['one digest', `alpine@${sha}`, [`alpine@${sha}`], [`alpine@${sha.replace('0', '1')}`, 'alpine']],
    [
      'a folder of a registry',
      'registry.example.com/sales/*',
      [
        'registry.example.com/sales/a',
        'Registry.Example.COM/sales/a:1',
        `registry.example.com/sales/a@${sha}`,
      ],
      [
        ...['registry.example.com/sales/a/b', 'registry.example.com/sales', 'registry.example.com/other/a'],
        ...['registry.example.com/sales/../other', 'registry.example.com//sales/a', 'sales/a'],
        ...['registry.example.com:5000/sales/a', 'evil.com/registry.example.com/sales/a'],
        ...['registry.example.com.evil.com/sales/a', 'registry.example.com/Sales/a'],
      ],
    ],
    [
      'all below',
      'r.example.com/**',
      ['r.example.com/a/b/c', 'r.example.com/a'],
      ['r.example.org/a', 'alpine'],
    ],
    ['registries', '*.example.com/x', ['r.example.com/x'], ['example.com/x', 'r.example.com/y']],
    [
      'a registry with its port',
      'localhost:5000/x',
      ['localhost:5000/x:1'],
      ['localhost/x', 'localhost:5001/x', 'x'],
    ],
    ['all official images', '*', ['alpine', 'cafe:1'], ['a/b', 'r.example.com/a', 'cafe', 'CAFE']],
    ['all of the default registry', 'docker.io/**', ['alpine', 'a/b'], ['r.example.com/a']],
    [
      'every name, and no id of an image',
      '**',
      ['alpine', 'r.example.com/a', 'a/b/c'],
      [sha, 'sha256:abc', 'deadbeef', sha.slice(7), 'A b', '-x', 'a/../b', ''],
    ],
    ['an id', 'sha256:abcd', ['sha256:abcd'], ['sha256:abce']],
  ],
  volumes: [
    [
      'a folder and all below',
      '/data/sales/**',
      ['/data/sales:/x', '/data/sales/a/b:/x:ro', '/data//sales/./a:/x', '//data/sales/:/x:rw'],
      [
        ...[
          '/data:/x',
          '/data/salesx:/x',
          '/data/sales/../hr:/x',
          '/data/sales/..:/x',
          '/data/sales/a/../b:/x',
        ],
        ...['/:/x', 'data/sales:/x', './data/sales:/x', 'sales:/x', '/data/sales', '/DATA/sales:/x'],
      ],
    ],
    ['one part', '/data/*', ['/data/a:/x'], ['/data/a/b:/x', '/data:/x']],
    ['only for reading', '/data/**:ro', ['/data/a:/x:ro'], ['/data/a:/x', '/data/a:/x:rw']],
    [
      'names',
      'named:etl-*',
      ['etl-a:/x'],
      ['etl:/x', '/etl-a:/x', 'etl-a/../../etc:/x', './etl-a:/x', '../etl-a:/x'],
    ],
    ['every name', 'named:*', ['a:/x'], ['/a:/x', '../a:/x', './a:/x', '~:/x', 'a/b:/x', '.:/x']],
    ['everything on the host', '/**', ['/:/x', '/a/b:/x'], ['/a/..:/x', 'a:/x']],
  ],
  networks: [
    ['a name', 'etl', ['etl'], ['etl2', 'host', 'container:etl']],
    ['every name', '*', ['etl', 'bridge', 'default', 'Host'], ['host', 'container:x', 'ns:/proc/1/ns/net']],
    ['the host', 'host', ['host'], ['hosts', 'container:host']],
    ['another container', 'container:web', ['container:web'], ['container:db', 'host']],
    ['the usual one by both names', 'bridge', ['bridge', 'default', ''], ['host']],
    ['a pattern that could be the host', 'h*', ['hx'], ['host']],
  ],
  ports: [
    ['a port', '8080', ['8080:80', '127.0.0.1:8080:80', '8080:80/udp'], ['80', '8081:80', '08081:80']],
    ['a range', '8000-8999', ['8000:1', '8999:1'], ['7999:1', '9000:1', '8000']],
    ['of one address', '127.0.0.1:8080', ['127.0.0.1:8080:80'], ['8080:80', '0.0.0.0:8080:80']],
    ['all of one address', '127.0.0.1:*', ['127.0.0.1:1:80', '127.0.0.1::80'], ['80', '1:80']],
    ['all', '*', ['80', '1:80', '[::1]:1:80'], ['x', '99999:80']],
  ],
  capabilities: [
    ['a name in any form', 'cap_net_raw', ['NET_RAW'], ['SYS_ADMIN']],
    ['all', '*', ['SYS_ADMIN'], []],
  ],
  ulimits: [
    ['up to a limit', 'nofile=1024', ['nofile=1024', 'nofile=1'], ['nofile=1025', 'nofile=-1', 'nproc=1']],
    ['without one', 'core=-1', ['core=-1', 'core=5'], ['nofile=1']],
  ],
  fetch: [
    [
      'hosts',
      '*.example.com',
      ['https://a.example.com/x', 'http://A.Example.com:8080/x', 'https://me:pw@a.example.com/x'],
      [
        ...['https://example.com/x', 'https://a.example.com@evil.com/x', 'https://evil.com/a.example.com'],
        ...[
          'https://evil.com?a.example.com',
          'https://evil.com#a.example.com',
          'https://evil.com\\.example.com/',
        ],
        ...['https://a.example.com\\@evil.com/', 'https://evil.com%2f.example.com/', 'file:///a.example.com'],
        ...['https://a.example.com.evil.com/', 'https:///a.example.com', '/a.example.com'],
      ],
    ],
    [
      'every host',
      '*',
      ['http://a/x', 'http://[::1]/x'],
      ['/etc/passwd', 'file:///etc/passwd', 'http://a\\b/'],
    ],
    [
      'files',
      '/data/**',
      ['/data/a', 'file:///data/a', 'file:///data/a%20b'],
      [
        ...['/etc/passwd', '/data/../etc/passwd', 'file:///data/%2e%2e/etc/passwd', 'file:///data/..%2fetc'],
        ...[
          'file:///etc/x?/data/a',
          'file:///data/%',
          'file:///data\\..\\..\\etc',
          'https://data/a',
          'file://h/data/a',
        ],
      ],
    ],
  ],
  'secrets.file': [
    [
      'files',
      '/run/secrets/sales/*',
      ['/run/secrets/sales/a'],
      ['/run/secrets/hr', '/run/secrets/sales/../hr', 'a'],
    ],
  ],
  'secrets.env': [['variables', 'SALES_*', ['SALES_A'], ['HR_A', 'XSALES_A']]],
  'secrets.exec': [
    [
      'a command with its words',
      '/bin/get sales',
      ['/bin/get\0sales'],
      ['/bin/get', '/bin/get\0hr', '/bin/get\0sales\0-v'],
    ],
    [
      'words by pattern',
      '/bin/get sales/*',
      ['/bin/get\0sales/a'],
      ['/bin/get\0sales/../hr', '/bin/get\0hr/a'],
    ],
    ['all other words', '/bin/get **', ['/bin/get', '/bin/get\0a\0b'], ['/bin/got', '/bin/get\0../a']],
  ],
  'secrets.vault': [
    [
      'a path',
      'kv/data/sales/*',
      ['kv/data/sales/db#user'],
      ['kv/data/hr/db#user', 'kv/data/sales/../hr#x', 'kv/data/sales#x'],
    ],
    ['a key', 'kv/data/a#user', ['kv/data/a#user'], ['kv/data/a#password']],
  ],
};

const all = {
  ...kinds,
  ...Object.fromEntries(Object.entries(secretKinds).map(([name, kind]) => [`secrets.${name}`, kind])),
} as Record<string, { readonly read: (entry: string) => ((value: string) => boolean) | null }>;

describe.each(Object.entries(tables))('%s', (kind, rows) => {
  test.each(rows)('%s: %s', (_, entry, allows, refuses) => {
    const matches = all[kind]!.read(entry);
    expect(matches).not.toBeNull();
    expect(allows.filter((value) => !matches!(value))).toEqual([]);
    expect(refuses.filter((value) => matches!(value))).toEqual([]);
  });
});

describe('an entry that means nothing', () => {
  test.each([
    ...[
      ['users', ''],
      ['users', ':0'],
      ['users', 'a:b:c'],
      ['users', 'a b'],
      ['images', 'a/../b'],
    ],
    ...[
      ['volumes', 'data'],
      ['volumes', '/a/../b'],
      ['ports', '0'],
      ['ports', '90-80'],
      ['ports', '70000'],
    ],
    ...[
      ['ports', 'http'],
      ['capabilities', 'NET_RAWW'],
      ['ulimits', 'nofile'],
      ['ulimits', 'nofile=x'],
    ],
    ...[
      ['fetch', 'https://a/b'],
      ['secrets.file', 'a'],
      ['secrets.vault', '#a'],
      ['networks', ''],
    ],
  ])('%s: %j', (kind, entry) => {
    expect(all[kind as string]!.read(entry as string)).toBeNull();
  });
});

test('each key of a rule has a table here', () => {
  expect(Object.keys(all).filter((kind) => kind !== 'engines' && !(kind in tables))).toEqual([]);
});
