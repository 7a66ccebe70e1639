/** Downloads before a command, against a real server, as the process engine runs them. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CarillonError } from '../../../src/errors.ts';
import { fetchFirst } from '../../../src/executor/process/fetch.ts';
import { Rig } from '../../support/rig.ts';

const children = new Set<ChildProcess>();
let folder: string;
let server: Server;
let asked: { url: string | undefined; authorization: string | undefined; at: string | undefined }[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-fetch-'));
  asked = [];
  server = createServer((request, response) => {
    const { localAddress } = request.socket;
    asked.push({
      url: request.url,
      authorization: request.headers.authorization,
      at: localAddress?.replace('::ffff:', ''),
    });
    const path = request.url?.split('?')[0];
    if (path === '/tool.sh') response.end('#!/bin/sh\necho "tool $1"\n');
    else if (path === '/data.gz') response.end(gzipSync('packed'));
    else if (path === '/moved') response.writeHead(302, { location: '/tool.sh' }).end();
    else if (path === '/in-circles') response.writeHead(302, { location: '/in-circles' }).end();
    else if (path === '/to-a-file') response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    else if (path === '/to')
      response
        .writeHead(302, { location: new URL(request.url ?? '', 'http://x').searchParams.get('to') ?? '' })
        .end();
    else if (path === '/endless') response.write('begun');
    else response.writeHead(404).end();
  }).listen(0);
  await once(server, 'listening');
});
afterEach(() => {
  for (const { pid } of children) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
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

const run = (items: Parameters<typeof fetchFirst>[0], ...argv: string[]) => runIn(folder, {}, items, ...argv);

interface Instead {
  readonly own?: string[];
  readonly names?: string;
  readonly unpackedBytes?: number;
  readonly members?: number;
  readonly withinMs?: number;
}

/** With other bounds than there are, other addresses of this host, and other answers to its questions for names. */
async function runIn(
  cwd: string,
  { own, names, ...bounds }: Instead,
  items: Parameters<typeof fetchFirst>[0],
  ...argv: string[]
) {
  const first = fetchFirst(items, argv);
  const [program = '', ...rest] = first.argv;
  const hook = join(folder, 'names.cjs');
  if (names !== undefined) writeFileSync(hook, names);
  const env = { PATH: process.env.PATH, ...(names !== undefined && { NODE_OPTIONS: `--require ${hook}` }) };
  // In a group of its own, so that a test that fails leaves nothing.
  const child = spawn(program, rest, { cwd, env, detached: true });
  children.add(child);
  child.once('close', () => children.delete(child));
  const input = JSON.parse(first.input) as { bounds: object };
  const changed = { ...input, bounds: { ...input.bounds, ...bounds }, ...(own !== undefined && { own }) };
  child.stdin.end(JSON.stringify(changed));
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
      `carillon: cannot fetch ${at('/gone').replace('//', '//***@')}: answered 404\n`,
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

describe('what cannot be had ends the attempt with 125 and the reason, and the command never begins', () => {
  test.each([
    ['not there', '/gone', 'answered 404'],
    ['a redirect without end', '/in-circles', 'leads on more than 5 times'],
    ['a redirect to a file', '/to-a-file', 'leads on to file:'],
  ])('%s', async (_, path, reason) => {
    const { code, out, err } = await run([item(at(path), 'x')], 'echo', 'begun');
    expect({ code, out }).toEqual({ code: 125, out: '' });
    expect(err).toContain(reason);
  });

  test.each(['source', 'target'])('a pipe as the %s', async (what) => {
    for (const name of ['source', 'target']) writeFileSync(join(folder, name), '');
    rmSync(join(folder, what));
    execFileSync('mkfifo', [join(folder, what)]);
    const { code, out, err } = await run([item(join(folder, 'source'), 'target')], 'echo', 'begun');
    expect({ code, out }).toEqual({ code: 125, out: '' });
    expect(err).toMatch(/^carillon: cannot fetch \S+source: (\S+source is not a file|ENXIO\b.*)\n$/);
  });

  test('a folder in the place of the output, which stays', async () => {
    mkdirSync(join(folder, 'tool'));
    const { code, err } = await run([item(at('/tool.sh'), 'tool')], 'true');
    expect([code, err]).toEqual([125, expect.stringMatching(/^carillon: cannot fetch \S+: EISDIR.*\n$/)]);
    expect(readdirSync(folder)).toContain('tool');
  });

  test('a server that never ends its answer', async () => {
    const { code, out, err } = await runIn(folder, { withinMs: 300 }, [item(at('/endless'), 'x')], 'true');
    expect({ code, out }).toEqual({ code: 125, out: '' });
    expect(err).toContain('/endless: takes longer than 0.3 s\n');
    expect(readdirSync(folder)).not.toContain('x');
  });

  test('a file system that never answers a thread', async () => {
    // A pipe stands for it: the program opens it as no program would, so that the system keeps the thread.
    const hang = join(folder, 'hang');
    execFileSync('mkfifo', [hang]);
    const names = `
      const { promises } = require('node:fs');
      const { open } = promises;
      promises.open = (path, flags, mode) => open(path, path === '${hang}' ? 0 : flags, mode);`;
    const { code, err } = await runIn(folder, { withinMs: 300, names }, [item(hang, 'x')], 'true');
    expect([code, err]).toEqual([125, expect.stringContaining(`${hang}: takes longer than 0.3 s\n`)]);
  });

  test('nobody answers', async () => {
    const uri = at('/x');
    server.close();
    const { code, err } = await run([item(uri, 'x')], 'true');
    expect([code, err]).toEqual([125, `carillon: cannot fetch ${uri}: ECONNREFUSED\n`]);
  });
});

const outside = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === 'IPv4' && !each.internal)?.address;

describe.skipIf(outside === undefined)('a redirect (needs an address besides loopback)', () => {
  /** The address of this machine stands for another host. */
  const elsewhere = { own: ['192.0.2.7', '2001:db8::7'] };
  const leading = (to: string) => item(`http://${outside}:${port()}/to?to=${encodeURIComponent(to)}`, 'x');

  test.each([
    'http://127.0.0.1:PORT/tool.sh',
    'http://127.9.9.9:PORT/tool.sh',
    'http://localhost:PORT/tool.sh',
    'http://2130706433:PORT/tool.sh',
    'http://[::1]:PORT/tool.sh',
    'http://[::ffff:127.0.0.1]:PORT/tool.sh',
    'http://0.0.0.0:PORT/tool.sh',
    'http://169.254.169.254/latest/meta-data',
    'http://[::ffff:169.254.169.254]/latest/meta-data',
    'http://[fe80::1]/',
    'http://[febf::1]/',
    'http://192.0.2.7/',
    'http://[::ffff:192.0.2.7]/',
    'http://[2001:db8::7]/',
  ])('from another host to an address of this one is not followed: %s', async (to) => {
    const { code, err } = await runIn(
      folder,
      elsewhere,
      [leading(to.replace('PORT', String(port())))],
      'true',
    );
    expect(code).toBe(125);
    expect(err).toContain('leads on to an address of this host');
    expect(asked).toHaveLength(1);
  });

  test('knows all addresses of this host', () => {
    const { own } = JSON.parse(fetchFirst([], ['true']).input) as { own: string[] };
    expect(own).toContain(outside);
  });

  test('from this host to this host, by way of another one, is not followed either', async () => {
    const there = `http://${outside}:${port()}/to?to=${encodeURIComponent(at('/tool.sh'))}`;
    const { err } = await runIn(
      folder,
      elsewhere,
      [item(at(`/to?to=${encodeURIComponent(there)}`), 'x')],
      'true',
    );
    expect(err).toContain('leads on to an address of this host');
    expect((await run([item(at(`/to?to=${encodeURIComponent(at('/tool.sh'))}`), 'x')], 'true')).code).toBe(0);
  });

  test('is followed to the address that was checked, whatever the name means a moment later', async () => {
    const names = `
      const dns = require('node:dns');
      const answers = ['${outside}', '127.0.0.1', '127.0.0.1'].map((address) => ({ address, family: 4 }));
      const next = (options) => { const one = answers.shift(); return options?.all ? [one] : one; };
      const { lookup, promises: { lookup: later } } = dns;
      dns.promises.lookup = async (name, options) => name === 'rebound.test' ? next(options) : later(name, options);
      dns.lookup = (name, options, done) => {
        if (name !== 'rebound.test') return lookup(name, options, done);
        const answer = next(options);
        if (options?.all) done(null, answer); else done(null, answer.address, answer.family);
      };`;
    const { code } = await runIn(
      folder,
      { ...elsewhere, names },
      [leading(`http://rebound.test:${port()}/tool.sh`)],
      'true',
    );
    expect(code).toBe(0);
    expect(asked.map((each) => each.at)).toEqual([outside, outside]);
  });
});

/** Archives as no program makes them. */
const archives = `
import io, os, stat, sys, tarfile, zipfile
folder, mark = sys.argv[1], sys.argv[2]
def tar(name, *members):
    with tarfile.open(os.path.join(folder, name), 'w:gz') as archive:
        for path, kind, link in members:
            info = tarfile.TarInfo(path)
            info.type, info.linkname = kind, link
            info.size = 4 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b'evil'))
def zip(name, *members):
    with zipfile.ZipFile(os.path.join(folder, name), 'w', zipfile.ZIP_DEFLATED) as archive:
        for path, mode, text in members:
            info = zipfile.ZipInfo(path)
            info.external_attr, info.create_system = mode << 16, 3
            archive.writestr(info, text)
REG, SYM, LNK = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
up = os.path.relpath(mark, os.path.join(folder, 'job'))
tar('up.tgz', (up, REG, ''))
tar('full.tgz', (mark, REG, ''))
tar('link.tgz', ('out', SYM, os.path.dirname(mark)), ('out/' + os.path.basename(mark), REG, ''))
tar('chain.tgz', ('a', SYM, '..'), ('b', SYM, 'a/' + os.path.dirname(up)), ('b/' + os.path.basename(mark), REG, ''))
tar('hard.tgz', ('out', LNK, mark), ('out', REG, ''))
tar('device.tgz', ('null', tarfile.CHRTYPE, ''))
tar('pipe.tgz', ('pipe', tarfile.FIFOTYPE, ''))
tar('many.tgz', *((str(n), REG, '') for n in range(9)))
zip('up.zip', (up, 0o100644, 'evil'))
zip('full.zip', (mark, 0o100644, 'evil'))
zip('link.zip', ('out', stat.S_IFLNK | 0o777, os.path.dirname(mark)), ('out/' + os.path.basename(mark), 0o100644, 'evil'))
zip('many.zip', *((str(n), 0o100644, 'text') for n in range(9)))
zip('large.zip', ('a', 0o100644, 'x' * 100000))
with open(os.path.join(folder, 'large.zip'), 'rb') as f: text = f.read()
said = (100000).to_bytes(4, 'little')
with open(os.path.join(folder, 'lying.zip'), 'wb') as f: f.write(text.replace(said, (10).to_bytes(4, 'little')))
with open(os.path.join(folder, 'a'), 'wb') as f: f.truncate(100000)
`;

describe.skipIf(['python3', 'tar', 'unzip'].some((name) => spawnSync(name, ['--help']).status !== 0))(
  'an archive',
  () => {
    let mark: string;
    let job: string;
    beforeEach(() => {
      mark = join(folder, 'outside', 'mark');
      job = join(folder, 'job');
      for (const each of [job, join(folder, 'outside')]) mkdirSync(each);
      writeFileSync(mark, 'kept');
      execFileSync('python3', ['-c', archives, folder, mark]);
      execFileSync('tar', ['-czf', 'large.tgz', 'a'], { cwd: folder });
      writeFileSync(join(folder, 'large.gz'), gzipSync(readFileSync(join(folder, 'a'))));
    });
    const unpacked = (name: string, bounds = {}) =>
      runIn(job, bounds, [item(join(folder, name), name, { extract: true })], 'echo', 'begun');

    test.each(['up.tgz', 'full.tgz', 'link.tgz', 'chain.tgz', 'hard.tgz', 'up.zip', 'full.zip', 'link.zip'])(
      'writes nothing outside of the folder: %s',
      async (name) => {
        await unpacked(name);
        expect(readFileSync(mark, 'utf8')).toBe('kept');
        expect(readdirSync(join(folder, 'outside'))).toEqual(['mark']);
      },
    );

    const bounds = { unpackedBytes: 50_000, members: 8 };
    test.each([
      ['device.tgz', 'has a device or a pipe in it'],
      ['pipe.tgz', 'has a device or a pipe in it'],
      ['many.tgz', 'unpacks to more than 8 files'],
      ['many.zip', 'unpacks to more than 8 files'],
      ['large.tgz', 'unpacks to more than 50000 bytes'],
      ['large.zip', 'unpacks to more than 50000 bytes'],
      ['large.gz', 'unpacks to more than 50000 bytes'],
    ])('that no folder should hold is refused before anything of it is there: %s', async (name, reason) => {
      const { code, out, err } = await unpacked(name, bounds);
      expect({ code, out }).toEqual({ code: 125, out: '' });
      expect(err).toContain(`cannot fetch ${join(folder, name)}: ${reason}`);
      expect(readdirSync(job)).toEqual([]);
    });

    test('that is larger than it says is cut off', async () => {
      expect(await unpacked('lying.zip', bounds)).toMatchObject({ code: 125, out: '' });
      expect(statSync(join(job, 'a')).size).toBeLessThan(50_000);
    });
  },
);

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
