/** A disk that is full or read-only under a running server: it says so, loses nothing, and goes on when it can. */

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { eventually, Server } from '../support/server.ts';

/** Mounts of a process of its own, seen by nobody else. */
const can = (...argv: [string, ...string[]]) => spawnSync(argv[0], argv.slice(1)).status === 0;
const hasMounts = process.getuid?.() === 0 && can('unshare', '-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt');
const hasDisks = hasMounts && can('mkfs.ext4', '-V') && can('nsenter', '-V') && can('losetup', '-f');

const root = mkdtempSync(join(tmpdir(), 'carillon-disk-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let dir: string;
let tests = 0;
beforeEach(() => {
  dir = join(root, `d${++tests}`);
  mkdirSync(dir);
});

/** A server whose data directory is a disk of its own. */
const startOn = (...disk: string[]) =>
  Server.start(dir, [], {
    within: ['unshare', '-m', 'sh', '-c', `mount ${disk.join(' ')} ${dir} && exec "$@"`, 'sh'],
  });

/** Too large for the room that the store has left. */
const large = () => ({
  run: {
    command: 'true',
    env: Object.fromEntries([1, 2, 3, 4].map((n) => [`A${n}`, randomBytes(30_000).toString('hex')])),
  },
});
const minutely = { schedule: { cron: '* * * * *' }, run: { command: 'true' } };
const ready = (server: Server, status: number) =>
  eventually(
    () => server.ask('GET', '/health/ready'),
    (answer) => answer.status === status,
    60_000,
  );

describe.skipIf(!hasMounts)('a disk that is full', () => {
  test('stops what would be lost, and all goes on when there is room again', async () => {
    const server = await startOn('-t', 'tmpfs', '-o', 'size=24m,mode=700', 'tmpfs');
    const disk = join('/proc', String(server.pid), 'root', dir);
    const fill = join(disk, 'fill');
    const tick = {
      schedule: { every: 'PT1S' },
      run: { command: 'true' },
      policy: { overlap: 'allow', catchUp: 'all' },
    };
    await server.ask('PUT', '/api/v1/jobs/tick', tick);
    const lines = () =>
      server.all<{ from: string; count: number; end: string }>('/api/v1/jobs/tick/ledger?limit=500');
    await eventually(lines, (all) => all.length >= 2);
    // The last blocks too: what is written in pieces stops within one.
    expect(() => writeFileSync(fill, Buffer.alloc(32 * 1024 * 1024))).toThrow('ENOSPC');

    const answers: [name: string, status: number][] = [];
    let detail = '';
    while (!answers.some(([, status]) => status === 503)) {
      const name = `large-${answers.length}`;
      const { status, body } = await server.ask('PUT', `/api/v1/jobs/${name}`, large());
      answers.push([name, status]);
      detail = String(body.detail);
    }
    expect(detail).toContain('No space left on device');
    const { body } = await ready(server, 503);
    expect([body.code, body.detail]).toEqual([
      'STORE_UNAVAILABLE',
      expect.stringMatching(/no space left on device/i),
    ]);
    expect((await server.ask('GET', '/health/live')).status).toBe(200);
    // Reads go on, and later changes are refused as well.
    expect((await server.ask('GET', '/api/v1/jobs/tick')).status).toBe(200);
    expect((await server.ask('PUT', '/api/v1/jobs/later', minutely)).status).toBe(503);
    await eventually(
      async () => server.log,
      (log) => log.includes('ENOSPC'),
    );

    rmSync(fill);
    const since = new Date().toISOString();
    await ready(server, 200);
    const events = await eventually(
      async () => server.log.split('\n').filter((line) => line.includes('"leadership.broken')),
      (lines) => lines.at(-1)?.includes('leadership.broken-over') === true,
    );
    expect(events[0]).toMatch(/The store in .* cannot be used: the disk is full/);
    expect(events.join()).not.toContain('"stack"');
    expect((await server.ask('PUT', '/api/v1/jobs/later', minutely)).status).toBe(201);
    const there = async ([name]: [string, number]) =>
      (await server.ask('GET', `/api/v1/jobs/${name}`)).status;
    for (const answer of answers)
      expect([answer[0], await there(answer)]).toEqual([answer[0], answer[1] === 201 ? 200 : 404]);
    // One line for each second, whatever the disk was like.
    const all = await eventually(lines, (some) => (some.at(-1)?.from ?? '') > since, 60_000);
    const seconds = all.map(({ from }) => Date.parse(from) / 1_000);
    expect(seconds).toEqual(seconds.map((_, i) => (seconds[0] ?? 0) + i));
    expect(new Set(all.map(({ end, count }) => `${end} ${count}`))).toEqual(new Set(['ran 1']));

    // What is on the disk is whole: a start checks every page of it.
    const copy = join(root, 'copy');
    process.kill(server.pid, 'SIGSTOP');
    cpSync(disk, copy, { recursive: true });
    await server.end('SIGKILL');
    const again = await Server.start(copy);
    expect((await again.get<{ total: number }>('/api/v1/jobs')).total).toBe(
      2 + answers.filter(([, status]) => status === 201).length,
    );
    await again.endWithJobs();
  }, 180_000);
});

describe.skipIf(!hasMounts)('a disk that is read-only', () => {
  test('is named at the start, with what to do', async () => {
    const said = (await startOn('-t', 'tmpfs', '-o', 'ro', 'tmpfs').catch(String)) as string;
    expect(said).toContain(`The data directory ${dir} cannot be written: the file system is read-only`);
    expect(said).toContain('choose another one with --data-dir');
    expect(said).not.toMatch(/\n +at /);
  });
});

describe.skipIf(!hasDisks)('a disk that becomes read-only', () => {
  test('stops all changes until the server is started on it anew, and the server ends in order', async () => {
    const image = join(root, 'image');
    expect(can('truncate', '-s', '40M', image) && can('mkfs.ext4', '-q', image)).toBe(true);
    const server = await startOn('-o', 'loop', image);
    expect((await server.ask('PUT', '/api/v1/jobs/a', minutely)).status).toBe(201);
    // As the kernel does it after a fault of the disk.
    expect(can('nsenter', '-t', String(server.pid), '-m', 'mount', '-o', 'remount,abort', dir)).toBe(true);
    const { status, body } = await server.ask('PUT', '/api/v1/jobs/b', minutely);
    expect([status, body.code]).toEqual([503, 'STORE_UNAVAILABLE']);
    expect(body.detail).toMatch(/read-only file system/i);
    await ready(server, 503);
    expect((await server.ask('GET', '/api/v1/jobs/a')).status).toBe(200);
    expect(await server.end('SIGTERM')).toBe(0);

    const again = await startOn('-o', 'loop', image);
    expect(
      (await again.get<{ items: { name: string }[] }>('/api/v1/jobs')).items.map(({ name }) => name),
    ).toEqual(['a']);
    await again.endWithJobs();
  }, 180_000);
});
