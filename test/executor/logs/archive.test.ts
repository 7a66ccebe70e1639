/** Kept logs are copied to a bucket, once, and are read from there where they are not kept. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LogArchive } from '../../../src/executor/logs/archive.ts';
import { withArchive } from '../../../src/executor/logs/archived-logs.ts';
import { awsCredentials } from '../../../src/executor/logs/aws-credentials.ts';
import { createRunLogs, type RunLogs } from '../../../src/executor/logs/run-logs.ts';
import { S3Bucket } from '../../../src/executor/logs/s3-bucket.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { LogChunk, LogQuery } from '../../../src/scheduler/ports.ts';
import { hasS3, S3Server } from '../../support/s3-server.ts';
import { until } from '../../support/until.ts';

const logBytes = 40_000;
let root: string;
let told: string[];
let archives: LogArchive[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'carillon-archive-'));
  told = [];
  archives = [];
});
afterEach(async () => {
  for (const archive of archives) await archive.stop();
  rmSync(root, { recursive: true, force: true });
});

/** A bucket that can be away. */
class FakeBucket {
  readonly objects = new Map<string, Buffer>();
  away: string | null = null;
  puts = 0;

  async put(name: string, bytes: number, body: Readable): Promise<void> {
    this.puts++;
    const pieces: Buffer[] = [];
    for await (const piece of body) pieces.push(piece as Buffer);
    if (this.away !== null) throw new Error(this.away);
    const object = Buffer.concat(pieces);
    expect(object.length).toBe(bytes);
    this.objects.set(name, object);
  }

  async get(
    name: string,
    _: AbortSignal,
    take: (body: AsyncIterable<Uint8Array>) => Promise<void>,
  ): Promise<boolean> {
    if (this.away !== null) throw new Error(this.away);
    const object = this.objects.get(name);
    if (object === undefined) return false;
    await take(inPieces(object));
    return true;
  }
}

async function* inPieces(object: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < object.length; at += 1_000) yield object.subarray(at, at + 1_000);
}

interface Node {
  readonly dir: string;
  readonly logs: RunLogs;
  readonly archive: LogArchive;
}

/** A node with its own folder, or the one that had this folder before. */
async function node(bucket: Pick<S3Bucket, 'get' | 'put'>, folder = 'here'): Promise<Node> {
  const dir = join(root, folder);
  const tell = (_: object, event: string) => void told.push(event);
  const log = { info: tell, warn: tell, error: tell, debug: tell };
  const archive = new LogArchive({ dir, logBytes, bucket, name: 's3://logs', clock: realClock, log });
  archives.push(archive);
  await archive.start();
  const logs = withArchive(createRunLogs({ dir, clock: realClock, logBytes }), archive);
  return { dir, logs, archive };
}

const uploaded = ({ archive }: Node) =>
  until('everything is uploaded', () => archive.figures().waiting === 0 && archive.figures().uploaded > 0);

async function* output(lines: number): AsyncGenerator<LogChunk> {
  for (let n = 0; n < lines; n++) {
    const printed = { timeNs: BigInt(n + 1), inLine: false };
    yield { stream: n % 3 === 0 ? 'stderr' : 'stdout', bytes: Buffer.from(`line ${n}\n`), printed };
  }
}

async function read({ logs }: Node, name: string, query: LogQuery = {}): Promise<LogChunk[]> {
  const chunks: LogChunk[] = [];
  for await (const chunk of logs.read(name, query, () => true)) chunks.push(chunk);
  return chunks;
}

const queries: readonly LogQuery[] = [
  {},
  { timestamps: true },
  { tail: 7 },
  { stream: 'stderr', tail: 3 },
  { after: { stdout: 100, stderr: 50 } },
  // It has ended.
  { follow: true },
];

async function sameOnAnotherNode(bucket: Pick<S3Bucket, 'get' | 'put'>): Promise<void> {
  const here = await node(bucket);
  // More than the bound: the first part and the last two are kept.
  await here.logs.copy('long', output(6_000));
  await here.logs.copy('short', output(2));
  await here.logs.copy('empty', output(0));
  await uploaded(here);
  const there = await node(bucket, 'there');
  for (const name of ['long', 'short', 'empty'])
    for (const query of queries)
      expect(await read(there, name, query)).toEqual(await read(here, name, query));
  expect(Buffer.concat((await read(there, 'long')).map(({ bytes }) => bytes)).toString()).toMatch(
    /bytes of output were dropped here\]\n/,
  );
  expect(await readdir(join(there.dir, '.archived'))).toEqual([]);
}

describe('an archive', () => {
  test('has on another node what is kept here', () => sameOnAnotherNode(new FakeBucket()));

  test('is read where the log was removed, and is not asked where it is kept', async () => {
    const bucket = new FakeBucket();
    const here = await node(bucket);
    await here.logs.copy('a', output(3));
    await uploaded(here);
    const kept = await read(here, 'a');
    await here.logs.discard('a');
    expect(await read(here, 'a')).toEqual(kept);
    await here.logs.copy('b', output(3));
    await uploaded(here);
    bucket.away = 'away';
    expect(await read(here, 'b')).toEqual(kept);
  });

  test('gets each log once, and after a restart what it did not get', async () => {
    const bucket = new FakeBucket();
    const first = await node(bucket);
    await first.logs.copy('a', output(1));
    await uploaded(first);
    bucket.away = 'away';
    await first.logs.copy('b', output(1));
    await until('it was tried', () => first.archive.figures().failed > 0);
    await first.archive.stop();
    bucket.away = null;
    const before = bucket.puts;
    const second = await node(bucket);
    await uploaded(second);
    expect([...bucket.objects.keys()]).toEqual(['a', 'b']);
    expect(bucket.puts).toBe(before + 1);
    await second.archive.stop();
    expect((await node(bucket)).archive.figures().waiting).toBe(0);
  });

  test('that was away gets everything when it is back; that is said once', async () => {
    const bucket = new FakeBucket();
    bucket.away = 'away';
    const here = await node(bucket);
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await here.logs.copy(name, output(1));
    await until('it was tried again', () => here.archive.figures().failed > 6);
    expect(here.archive.figures()).toMatchObject({ uploaded: 0, waiting: 6 });
    expect(told).toEqual(['archive.failed']);
    bucket.away = null;
    await uploaded(here);
    expect(bucket.objects.size).toBe(6);
    expect(told).toEqual(['archive.failed', 'archive.recovered']);
  });

  test('gets a log again that was written again', async () => {
    const bucket = new FakeBucket();
    const here = await node(bucket);
    for (const lines of [1, 2]) {
      await here.logs.copy('a', output(lines));
      await until('it is there', () => here.archive.figures().uploaded === lines);
    }
    await here.logs.discard('a');
    expect(await read(here, 'a')).toHaveLength(2);
  });

  test('gets output of the shell supervisor as frames', async () => {
    const bucket = new FakeBucket();
    const directory = join(root, 'here', 'shell');
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'stdout'), 'one\n');
    await writeFile(join(directory, 'stderr'), 'two\n');
    await uploaded(await node(bucket));
    const chunks = await read(await node(bucket, 'there'), 'shell');
    expect(chunks.map(({ stream, bytes }) => [stream, Buffer.from(bytes).toString()])).toEqual([
      ['stdout', 'one\n'],
      ['stderr', 'two\n'],
    ]);
  });

  test('does not get what is not whole yet, or was removed', async () => {
    const bucket = new FakeBucket();
    await mkdir(join(root, 'here', 'half'), { recursive: true });
    await writeFile(join(root, 'here', 'half', 'output.3'), 'x');
    bucket.away = 'away';
    const here = await node(bucket);
    await here.logs.copy('a', output(1));
    await until('it was tried', () => here.archive.figures().failed > 0);
    await rm(join(here.dir, 'a'), { recursive: true });
    bucket.away = null;
    await until('nothing waits', () => here.archive.figures().waiting === 0);
    expect(here.archive.figures().uploaded).toBe(0);
    expect([bucket.objects.size, existsSync(join(here.dir, 'half', 'archived'))]).toEqual([0, false]);
  });

  test.each([
    ['that is missing', null],
    ['that is cut off', (object: Buffer) => object.subarray(0, -1)],
    ['that something else wrote', () => Buffer.from('hello\n')],
    ['that is empty', () => Buffer.alloc(0)],
  ])('an object %s is no output', async (_, change) => {
    const bucket = new FakeBucket();
    const here = await node(bucket);
    await here.logs.copy('a', output(3));
    await uploaded(here);
    const object = bucket.objects.get('a')!;
    if (change === null) bucket.objects.delete('a');
    else bucket.objects.set('a', change(object));
    await here.logs.discard('a');
    await expect(read(here, 'a')).rejects.toMatchObject({
      code: 'LOGS_GONE',
      details: change === null ? {} : { names: ['s3://logs'] },
    });
    expect(await readdir(join(here.dir, '.archived'))).toEqual([]);
  });
});

describe.skipIf(!hasS3)('a server that speaks S3', () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await S3Server.start();
  });
  afterAll(() => server.stop());
  const bucket = (parts: { bucket?: string; secretAccessKey?: string } = {}): S3Bucket =>
    new S3Bucket({
      url: `${server.url}/${parts.bucket ?? server.bucket}/a/prefix/installation`,
      region: 'us-east-1',
      credentials: async () => ({ ...server.keys, ...parts }),
      clock: realClock,
    });

  test('has on another node what is kept here', () => sameOnAnotherNode(bucket()));

  test('has no object that was never put', async () => {
    await expect(read(await node(bucket()), 'nobody')).rejects.toMatchObject({
      code: 'LOGS_GONE',
      details: { allowed: expect.anything() },
    });
  });

  test.each([
    ['wrong keys', { secretAccessKey: 'wrong' }, 'status 403 SignatureDoesNotMatch'],
    ['a bucket that does not exist', { bucket: 'nowhere' }, 'status 404 NoSuchBucket'],
  ])('refuses %s', async (_, parts, why) => {
    const wrong = bucket(parts);
    const never = new AbortController().signal;
    await expect(wrong.get('a', never, async () => undefined)).rejects.toThrow(why);
    const here = await node(wrong);
    await here.logs.copy('a', output(1));
    await until('it was tried', () => here.archive.figures().failed > 0);
    await here.logs.discard('a');
    const message = expect.stringContaining(why);
    await expect(read(here, 'a')).rejects.toMatchObject({ message, details: { names: ['s3://logs'] } });
  });

  test('that was down gets what waits', async () => {
    await server.end();
    const here = await node(bucket());
    await here.logs.copy('late', output(5));
    await until('it was tried', () => here.archive.figures().failed > 0);
    await server.begin();
    await uploaded(here);
    expect(await read(await node(bucket(), 'there'), 'late')).toEqual(await read(here, 'late'));
  });
});

describe('credentials', () => {
  const written = (): string => {
    const file = join(root, 'credentials');
    writeFileSync(
      file,
      '# ours\n[default]\naws_access_key_id = id\naws_secret_access_key=s/e+c=\n\n[other]\naws_access_key_id=2\naws_secret_access_key=3\naws_session_token=4\n',
    );
    return file;
  };
  const fromFile = { accessKeyId: 'id', secretAccessKey: 's/e+c=' };
  const variables = { AWS_ACCESS_KEY_ID: 'v', AWS_SECRET_ACCESS_KEY: 'w' };

  test('are those of the file that is named, of the variables, or of the file in a variable', async () => {
    const file = written();
    expect(await awsCredentials(file, variables)).toEqual(fromFile);
    expect(await awsCredentials(null, variables)).toEqual({ accessKeyId: 'v', secretAccessKey: 'w' });
    expect(await awsCredentials(null, { AWS_SHARED_CREDENTIALS_FILE: file })).toEqual(fromFile);
    expect(await awsCredentials(file, { AWS_PROFILE: 'other' })).toEqual({
      accessKeyId: '2',
      secretAccessKey: '3',
      sessionToken: '4',
    });
  });

  test('that are missing are named, without their content', async () => {
    const file = written();
    await expect(awsCredentials(file, { AWS_PROFILE: 'nobody' })).rejects.toThrow('no keys in [nobody]');
    await expect(awsCredentials(`${file}.gone`, {})).rejects.toThrow('it cannot be read (ENOENT)');
  });
});
