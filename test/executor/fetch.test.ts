/** Downloads before a command, against a real server, as the process engine runs them. */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CarillonError } from '../../src/errors.ts';
import { fetchFirst } from '../../src/executor/fetch.ts';
import { Rig } from '../support/rig.ts';

let folder: string;
let server: Server;
let asked: { url: string | undefined; authorization: string | undefined }[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-fetch-'));
  asked = [];
  server = createServer((request, response) => {
    asked.push({ url: request.url, authorization: request.headers.authorization });
    const path = request.url?.split('?')[0];
    if (path === '/tool.sh') response.end('#!/bin/sh\necho "tool $1"\n');
    else if (path === '/data.gz') response.end(gzipSync('packed'));
    else if (path === '/moved') response.writeHead(302, { location: '/tool.sh' }).end();
    else if (path === '/in-circles') response.writeHead(302, { location: '/in-circles' }).end();
    else if (path === '/to-a-file') response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    else if (path === '/home')
      response.writeHead(302, { location: `http://127.0.0.1:${port()}/tool.sh` }).end();
    else response.writeHead(404).end();
  }).listen(0);
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const port = () => (server.address() as AddressInfo).port;
const at = (path: string) => `http://127.0.0.1:${port()}${path}`;
const item = (uri: string, output: string, more = {}) => ({
  uri,
  output,
  executable: false,
  extract: false,
  ...more,
});

async function run(items: Parameters<typeof fetchFirst>[0], ...argv: string[]) {
  const first = fetchFirst(items, argv);
  const [program = '', ...rest] = first.argv;
  const child = spawn(program, rest, { cwd: folder, env: { PATH: process.env.PATH } });
  child.stdin.end(first.input);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const [code] = await once(child, 'close');
  return { code, out, err };
}

describe('what is fetched is there before the command', () => {
  test('with its name and rights, through a redirect, and the command keeps its words and its exit code', async () => {
    const answer = await run(
      [item(at('/moved'), 'bin/tool', { executable: true })],
      './bin/tool',
      'two words',
    );
    expect(answer).toMatchObject({ code: 0, out: 'tool two words\n' });
    expect(answer.err).toContain('as bin/tool, 25 bytes');
    expect((await run([item(at('/tool.sh'), 'x')], '/bin/sh', '-c', 'exit 7')).code).toBe(7);
  });

  test('unpacked where its name says so, and only when asked', async () => {
    await run([item(at('/data.gz'), 'a.gz', { extract: true }), item(at('/data.gz'), 'b.gz')], 'true');
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('packed');
    expect(statSync(join(folder, 'b'), { throwIfNoEntry: false })).toBeUndefined();
  });

  test('with no more rights than a download has: no setuid bit, and what the umask leaves', async () => {
    const tool = join(folder, 'tool');
    writeFileSync(tool, '');
    chmodSync(tool, 0o6777);
    execFileSync('tar', ['-czf', join(folder, 'source.tgz'), '-C', folder, 'tool']);
    rmSync(tool);
    await run([item(`${folder}/source.tgz`, 'a.tgz', { extract: true })], 'true');
    expect(statSync(tool).mode & 0o7777 & ~(0o777 & ~process.umask())).toBe(0);
  });

  test('from a file, by address or path', async () => {
    writeFileSync(join(folder, 'source'), 'here');
    await run([item(`file://${folder}/source`, 'a'), item(`${folder}/source`, 'b')], 'true');
    expect([readFileSync(join(folder, 'a'), 'utf8'), readFileSync(join(folder, 'b'), 'utf8')]).toEqual([
      'here',
      'here',
    ]);
  });

  test('a password in the address is sent and never printed, nor is what is asked', async () => {
    const { err } = await run([item(at('/tool.sh?token=abc').replace('//', '//ann:secret@'), 'x')], 'true');
    expect(asked.at(-1)?.authorization).toBe(`Basic ${Buffer.from('ann:secret').toString('base64')}`);
    expect(err).not.toMatch(/secret|abc/);
  });

  test('a password is not printed either when the download fails, whatever is in it', async () => {
    const { code, err } = await run([item(at('/gone#abc').replace('//', '//ann:sec@ret@'), 'x')], 'true');
    expect([code, err]).toEqual([
      125,
      `carillon: could not fetch ${at('/gone').replace('//', '//***@')}: answered 404\n`,
    ]);
  });

  test('no argument of the command or of the download holds the address', async () => {
    const { out } = await run(
      [item(at('/tool.sh').replace('//', '//ann:secret@'), 'x')],
      '/bin/sh',
      '-c',
      'cat; echo end',
    );
    expect(out).toBe('end\n');
    expect(fetchFirst([item('http://ann:secret@host/x', 'x')], ['true']).argv.join(' ')).not.toMatch(
      /ann:secret/,
    );
  });
});

describe('what can not be had ends the attempt with 125 and the reason, and the command never begins', () => {
  test.each([
    ['not there', '/gone', 'answered 404'],
    ['a redirect without end', '/in-circles', 'leads on more than 5 times'],
    ['a redirect to a file', '/to-a-file', 'leads on to file:'],
  ])('%s', async (_, path, reason) => {
    const { code, out, err } = await run([item(at(path), 'x')], 'echo', 'begun');
    expect({ code, out }).toEqual({ code: 125, out: '' });
    expect(err).toContain(reason);
  });

  test('nobody answers', async () => {
    const uri = at('/x');
    server.close();
    const { code, err } = await run([item(uri, 'x')], 'true');
    expect([code, err]).toEqual([125, `carillon: could not fetch ${uri}: ECONNREFUSED\n`]);
  });

  const outside = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal);
  test.skipIf(outside === undefined)(
    'another host leads to this one (needs an address besides loopback)',
    async () => {
      const { code, err } = await run([item(`http://${outside?.address}:${port()}/home`, 'x')], 'true');
      expect(code).toBe(125);
      expect(err).toContain('leads on to an address of this host');
    },
  );
});

describe('in a job', () => {
  const put = (fetch: object[], run: object = { command: './tool' }) =>
    new Rig('2026-01-01T00:00:00Z').put({ name: 'a', run: { ...run, fetch } });

  test('the launch says what to fetch, by default under the name in the address', () => {
    const r = new Rig('2026-01-01T00:00:00Z');
    const fetch = [
      { uri: 'https://x.org/a/tool.tgz?v=1', extract: true },
      { uri: 'https://x.org/', output: 'bin/x' },
    ];
    r.put({ name: 'a', run: { command: 'true', fetch } });
    r.trigger('a');
    expect(r.effects.find((effect) => effect.kind === 'launch')).toMatchObject({
      spec: {
        fetch: [
          { output: 'tool.tgz', extract: true, executable: false },
          { output: 'bin/x', extract: false },
        ],
      },
    });
  });

  test.each([
    ['an address of another kind', { uri: 'hdfs://x/y' }, 'run.fetch[0].uri'],
    ['a path that leads out', { uri: 'https://x/y', output: '../y' }, 'run.fetch[0].output'],
    ['a full path', { uri: 'https://x/y', output: '/etc/y' }, 'run.fetch[0].output'],
  ])('%s is refused', (_, each, field) => {
    expect(() => put([each])).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ field }) }),
    );
  });

  test('a refused address is shown without its password', () => {
    const refusal = (uri: string) => {
      try {
        put([{ uri }]);
      } catch (error) {
        return JSON.stringify([String(error), (error as CarillonError).details]);
      }
      return 'taken';
    };
    const words = refusal('ftp://ann:sec@ret@host/x');
    expect(words).toContain('ftp://***@host/x');
    expect(words).not.toMatch(/ann|sec|ret@/);
  });
});
