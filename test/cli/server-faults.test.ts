/** How the client behaves towards a server that is odd, slow or gone; and as a process of its own. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WireProblem, WireRun } from '../../src/api/wire/schema.ts';
import { Client } from '../../src/cli/client.ts';
import { ProblemError, UnreachableError } from '../../src/cli/client-errors.ts';
import { program } from '../support/program.ts';

let server: FastifyInstance;
let url: string;
const asked: string[] = [];

beforeEach(async () => {
  asked.length = 0;
  server = fastify({ forceCloseConnections: true });
  server.addHook('onRequest', async ({ url: path }) => {
    asked.push(path);
  });
});
afterEach(() => server.close());

async function client(): Promise<Client> {
  url = await server.listen({ port: 0, host: '127.0.0.1' });
  return new Client(url);
}

const run = (n: number): Partial<WireRun> => ({ id: `job.${n}`, job: 'job' });

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('the address of a server', () => {
  test.each([
    ['localhost:15000', 'http://localhost:15000'],
    ['127.0.0.1:4400/', 'http://127.0.0.1:4400'],
    ['http://[::1]:4400', 'http://[::1]:4400'],
    ['https://carillon.example/base/', 'https://carillon.example/base'],
    [' http://a:1 , b:2', 'http://a:1'],
  ])('%s is taken as %s', (given, taken) => {
    expect(new Client(given).url).toBe(taken);
  });

  test.each([
    '',
    'http://',
    'localhost:port',
    'ftp://host',
    'http://ann:secret@host',
    'a:1,,b:2',
    'http://host?x=1',
  ])('%j is refused by name', (given) => {
    expect(() => new Client(given)).toThrow(
      expect.objectContaining({
        code: 'INVALID_FIELD',
        details: expect.objectContaining({ field: 'url', value: expect.not.stringContaining('secret') }),
      }),
    );
  });
});

describe('lists', () => {
  beforeEach(() => {
    server.get<{ Querystring: { cursor?: string; limit: string } }>('/api/v1/runs', async ({ query }) => {
      const from = Number(query.cursor ?? 0);
      const to = Math.min(2_500, from + Number(query.limit));
      return {
        items: Array.from({ length: to - from }, (_, i) => run(from + i)),
        next: to < 2_500 ? String(to) : null,
      };
    });
  });

  test('are read page by page to their end', async () => {
    const runs = await collect((await client()).runs({ job: 'a b' }));
    expect(runs.map(({ id }) => id)).toEqual(Array.from({ length: 2_500 }, (_, i) => `job.${i}`));
    expect(asked).toEqual([
      '/api/v1/runs?job=a+b&limit=1000',
      '/api/v1/runs?job=a+b&limit=1000&cursor=1000',
      '/api/v1/runs?job=a+b&limit=1000&cursor=2000',
    ]);
  });

  test('stop where they were limited', async () => {
    expect(await collect((await client()).runs({ limit: 1_001 }))).toHaveLength(1_001);
    expect(asked.map((path) => new URL(path, url).searchParams.get('limit'))).toEqual(['1000', '1']);
  });
});

describe('what goes wrong', () => {
  test('a problem is what the server said', async () => {
    const problem: WireProblem = {
      type: 'urn:carillon:problem:JOB_NOT_FOUND',
      title: 'The job does not exist',
      status: 404,
      code: 'JOB_NOT_FOUND',
      detail: 'There is no job a/b.',
      value: 'a/b',
    };
    server.get('/api/v1/jobs/:name', (_, reply) => reply.code(404).send(problem));
    const error = await (await client()).job('a/b').catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ProblemError);
    expect((error as ProblemError).problem).toEqual(problem);
    expect(asked).toEqual(['/api/v1/jobs/a%2Fb']);
  });

  test.each([
    ['a refusal that is not ours', 502, '<html>Bad gateway</html>'],
    ['an answer that is not ours', 200, '<html>Welcome</html>'],
  ])('%s says so', async (_, status, body) => {
    server.get('/api/v1/graph', (__, reply) => reply.code(status).type('text/html').send(body));
    const error = await (await client()).graph().catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(UnreachableError);
    expect(String(error)).toMatch(/not .*a Carillon response/);
  });

  test('output that breaks off is told, after what was there', async () => {
    server.get('/api/v1/runs/:id/logs', (_, reply) => {
      reply.hijack();
      reply.raw.writeHead(200, { 'content-length': '100' });
      reply.raw.write('begun\n', () => reply.raw.destroy());
    });
    const logs = (await client()).logs('x', {});
    const said: string[] = [];
    const reading = (async () => {
      for await (const chunk of logs) said.push(new TextDecoder().decode(chunk));
    })();
    await expect(reading).rejects.toThrow(/closed the connection in the middle/);
    expect(said.join('')).toBe('begun\n');
  });
});

describe('as a process', () => {
  const [command, main] = program;

  function carillon(...args: string[]) {
    const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, CARILLON_URL: url, NO_COLOR: '1' };
    return spawn(command, [main, ...args], { env });
  }

  test('a reader who has seen enough is no failure', async () => {
    server.get('/api/v1/graph.dot', async () => `digraph {}\n`.repeat(100_000));
    await client();
    const child = carillon('graph', '--dot');
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
  });

  test('nobody listens: 3, and the reason', async () => {
    await client();
    await server.close();
    expect(await ending(carillon('jobs'))).toEqual({ code: 3, said: expect.stringMatching(/ECONNREFUSED/) });
  });

  test.each([
    ['a number that is none', ['runs', '-n', 'many'], 2, /whole number, 1 or more/],
    ['a setting that is not known', ['serve', '--prot', '1'], 2, /Did you mean --port/],
    ['an open door', ['serve', '--host', '0.0.0.0'], 2, /--insecure-http/],
  ])('%s: exit code and words', async (_, args, code, words) => {
    expect(await ending(carillon(...args))).toEqual({ code, said: expect.stringMatching(words) });
  });

  async function ending(child: ChildProcessWithoutNullStreams): Promise<{ code: number; said: string }> {
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    const [code] = await once(child, 'close');
    return { code, said };
  }
});
