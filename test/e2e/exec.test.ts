/** `carillon exec` as a crontab runs it, with a server that is there, away, and back. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { program } from '../support/program.ts';
import { eventually, Server } from '../support/server.ts';

const root = mkdtempSync(join(tmpdir(), 'carillon-exec-'));
const dataDir = join(root, 'data');
let server: Server;
let spool: string;
let jobs = 0;
let job: string;

beforeAll(async () => {
  server = await Server.start(dataDir);
});
afterAll(async () => {
  await server.end('SIGTERM');
  rmSync(root, { recursive: true, force: true });
});
beforeEach(async () => {
  spool = mkdtempSync(join(root, 'spool-'));
  job = `job-${jobs++}`;
  // Nothing is due while the test runs, so a report is a run of its own.
  await server.ask('POST', '/api/v1/jobs', { name: job, schedule: { at: '2099-01-01T00:00:00Z' } });
});

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

class Exec {
  readonly child;
  readonly ended: Promise<Outcome>;
  out = '';

  constructor(args: readonly string[], url = server.url, input = '') {
    const [node, main] = program;
    this.child = spawn(node, [main, '--url', url, 'exec', '--spool', spool, ...args], { stdio: 'pipe' });
    let err = '';
    this.child.stdout.on('data', (chunk: Buffer) => (this.out += chunk));
    this.child.stderr.on('data', (chunk: Buffer) => (err += chunk));
    this.child.stdin.end(input);
    this.ended = new Promise((resolve) =>
      this.child.once('close', (code) => resolve({ code, out: this.out, err })),
    );
  }

  async prints(text: string): Promise<void> {
    await eventually(
      async () => this.out,
      (out) => out.includes(text),
    );
  }
}

const exec = (args: readonly string[], url?: string, input?: string): Promise<Outcome> =>
  new Exec(args, url, input).ended;

interface Run {
  readonly id: string;
  readonly state: string;
  readonly runMs: number | null;
  readonly attempts: readonly { readonly exitCode: number | null }[];
}
const runs = (): Promise<Run[]> => server.all<Run>(`/api/v1/runs?job=${job}`);
const logs = async (): Promise<string> => {
  const [run] = await runs();
  return (await server.ask<string>('GET', `/api/v1/runs/${run?.id}/logs`)).body;
};

describe('a command', () => {
  test('has its input, its output and its exit code, and is reported', async () => {
    const shell = 'read line; echo "got $line"; echo careful >&2; exit 3';
    expect(await exec([job, '--', 'sh', '-c', shell], server.url, 'hello\n')).toEqual({
      code: 3,
      out: 'got hello\n',
      err: 'careful\n',
    });
    const [run, ...others] = await runs();
    expect(others).toEqual([]);
    expect(run).toMatchObject({ state: 'failed', reason: 'exit code 3', attempts: [{ exitCode: 3 }] });
    expect(run?.runMs).toBeGreaterThanOrEqual(0);
    expect((await logs()).split('\n').sort()).toEqual(['', 'careful', 'got hello']);
    expect(readdirSync(spool)).toEqual([]);
  });

  test('gets the signals that are sent to exec', async () => {
    const running = new Exec([
      job,
      '--',
      'sh',
      '-c',
      'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done',
    ]);
    await running.prints('ready');
    await eventually(runs, ([run]) => run?.state === 'running');
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(9);
    expect((await runs()).map(({ state }) => state)).toEqual(['failed']);
  });

  test('that a signal ends has the exit code that a shell would give', async () => {
    expect((await exec([job, '--', 'sh', '-c', 'kill -KILL $$'])).code).toBe(137);
    expect((await runs())[0]?.attempts[0]?.exitCode).toBe(137);
  });

  test('that does not exist is reported as failed', async () => {
    const { code, err } = await exec([job, '--', 'no-such-command']);
    expect([code, err]).toEqual([127, "carillon: cannot run 'no-such-command': not found\n"]);
    expect((await runs())[0]?.state).toBe('failed');
  });

  test('runs although its job does not exist, which is told once', async () => {
    const { code, out, err } = await exec(['nobody', '--', 'echo', 'done']);
    expect([code, out]).toEqual([0, 'done\n']);
    expect(err).toBe("carillon: the report about 'nobody' was refused: There is no job named 'nobody'.\n");
    expect(readdirSync(spool)).toEqual([]);
  });

  test('runs although the address is wrong', async () => {
    const { code, out, err } = await exec([job, '--', 'echo', 'done'], 'ftp://here');
    expect([code, out]).toEqual([0, 'done\n']);
    expect(err).toContain('--url is "ftp://here"');
  });

  test('ends in time although the server never answers', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const { code, out } = await exec([job, '--', 'echo', 'done'], `http://127.0.0.1:${port}`);
    expect([code, out]).toEqual([0, 'done\n']);
    expect(readdirSync(spool)).toHaveLength(2);
    silent.close();
  });

  test('is reported although the spool cannot be written, and only a lost report is told', async () => {
    writeFileSync(join(spool, 'file'), '');
    const args = ['--spool', join(spool, 'file', 'below'), job, '--', 'echo', 'done'];
    expect(await exec(args)).toEqual({ code: 0, out: 'done\n', err: '' });
    expect((await runs()).map(({ state }) => state)).toEqual(['succeeded']);
    const { code, err } = await exec(args, 'http://127.0.0.1:9');
    expect(code).toBe(0);
    expect(err).toContain(`carillon: the success of '${job}' was not reported: the server does not respond`);
  });

  test('is missing: nothing runs', async () => {
    expect(await exec([job])).toMatchObject({
      code: 2,
      err: expect.stringContaining('carillon exec NAME -- command…'),
    });
  });
});

describe('while the server is away', () => {
  test('commands run, and their reports arrive with their own times with the next one, once', async () => {
    const away = 'http://127.0.0.1:9';
    expect(await exec([job, '--', 'sh', '-c', 'echo first; exit 1'], away)).toEqual({
      code: 1,
      out: 'first\n',
      err: '',
    });
    expect((await exec([job, '--', 'echo', 'second'], away)).code).toBe(0);
    expect(readdirSync(spool)).toHaveLength(4);
    expect((await exec(['--flush'], away)).code).toBe(3);
    expect((await exec([job, '--', 'echo', 'third'])).code).toBe(0);
    expect(readdirSync(spool)).toEqual([]);
    const all = await runs();
    expect(all.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'failed']);
    expect(await logs()).toBe('third\n');
    const due = (await server.all<{ due: string }>(`/api/v1/runs?job=${job}`)).map((run) => run.due);
    expect(due).toEqual([...due].sort().reverse());
  });

  test('a server that is killed between start and end learns of the end when it is back', async () => {
    const gate = join(root, `gate-${job}`);
    const waiting = new Exec([
      job,
      '--',
      'sh',
      '-c',
      `while [ ! -e ${gate} ]; do sleep 0.05; done; echo over`,
    ]);
    await eventually(runs, (all) => all.some(({ state }) => state === 'running'));
    await server.end('SIGKILL');
    writeFileSync(gate, '');
    expect(await waiting.ended).toEqual({ code: 0, out: 'over\n', err: '' });
    expect(readdirSync(spool)).toHaveLength(1);
    server = await Server.start(dataDir);
    expect((await runs()).map(({ state }) => state)).toEqual(['running']);
    const flushed = await exec(['--flush']);
    expect(flushed).toMatchObject({ code: 0, out: '1 sent, 0 refused, 0 left\n' });
    expect((await runs()).map(({ state }) => state)).toEqual(['succeeded']);
    expect(await logs()).toBe('over\n');
  });
});
