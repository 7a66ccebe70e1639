/** `carillon logs --grep` prints what the server finds: each line once, with its number. */

import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WireLogFinding, WireLogHit, WireLogSearchEnd } from '../../src/api/wire/log-search.ts';
import { runCommand } from '../support/command-line.ts';

let server: FastifyInstance;
let url: string;
let asked: string[];
let findings: WireLogFinding[];

beforeEach(async () => {
  asked = [];
  findings = [end({})];
  server = fastify({ forceCloseConnections: true });
  server.get('/api/v1/runs/a.1', async () => ({ id: 'a.1', attempts: [{ number: 1 }] }));
  server.get('/api/v1/:kind/:name/logs/search', async (request, reply) => {
    asked.push(request.url.slice('/api/v1'.length));
    reply.type('application/x-ndjson');
    return findings.map((each) => `${JSON.stringify(each)}\n`).join('');
  });
  url = await server.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(() => server.close());

function hit(line: number, text: string, parts: Partial<WireLogHit> = {}): WireLogHit {
  const where = { kind: 'hit', run: 'a.1', attempt: 1, stream: 'stdout', time: null } as const;
  return { ...where, line, text, from: 0, length: text.length, before: [], after: [], ...parts };
}

function end(parts: Partial<WireLogSearchEnd>): WireLogSearchEnd {
  const counts = { hits: 0, runs: 1, attempts: 1, bytes: 10, gone: 0, failed: 0 };
  return { kind: 'end', ...counts, reached: null, failure: null, ...parts };
}

const carillon = (...args: string[]) => runCommand(args, { url, now: () => 0 });

test('asks for what the options say', async () => {
  await carillon('logs', 'a.1', '--grep', 'x y', '-i', '-C', '3', '-n', '5', '--stream', 'stderr');
  await carillon('logs', '--job', 'a', '--grep', '&', '--runs', '7');
  expect(asked).toEqual([
    '/runs/a.1/logs/search?text=x+y&stream=stderr&ignoreCase=true&context=3&limit=5',
    '/jobs/a/logs/search?text=%26&runs=7',
  ]);
});

test('prints each line once, under the place where it is', async () => {
  findings = [
    hit(2, 'x2', { before: ['1'], after: ['3', 'x4'] }),
    hit(4, 'x4', { before: ['x2', '3'], after: ['5', '6'] }),
    hit(20, 'x20', { before: ['18', '19'], from: 7, length: 900 }),
    hit(1, 'x', { stream: 'stderr' }),
    end({ hits: 4 }),
  ];
  const { code, out, err } = await carillon('logs', '--job', 'a', '--grep', 'x', '-C', '2');
  expect([code, err]).toEqual([0, '']);
  expect(out).toBe(
    [
      'a.1, attempt 1, stdout',
      '1- 1',
      '2: x2',
      '3- 3',
      '4: x4',
      '5- 5',
      '6- 6',
      '--',
      '18- 18',
      '19- 19',
      '20: …x20…',
      '',
      'a.1, attempt 1, stderr',
      '1: x',
      '',
    ].join('\n'),
  );
});

test('nothing found is exit code 1', async () => {
  expect(await carillon('logs', 'a.1', '--grep', 'x')).toEqual({ code: 1, out: '', err: '' });
});

test('says on standard error what was not searched', async () => {
  findings = [hit(1, 'x'), end({ hits: 1, reached: 'limit', gone: 2, failed: 1, failure: 'It is away.' })];
  const { code, err } = await carillon('logs', '--job', 'a', '--grep', 'x');
  expect(code).toBe(0);
  expect(err).toBe(
    'The search ended after 1 line (--limit). There may be more.\n' +
      'The output of 2 attempts is no longer kept.\n' +
      'The output of 1 attempt could not be read: It is away.\n',
  );
});

test('--json has all of it', async () => {
  findings = [hit(1, 'x'), end({ hits: 1 })];
  const { out } = await carillon('logs', 'a.1', '--grep', 'x', '--json');
  expect(JSON.parse(out)).toEqual({ hits: [hit(1, 'x')], end: end({ hits: 1 }) });
});

test('an answer without an end is not taken for all', async () => {
  findings = [hit(1, 'x')];
  const { code, err } = await carillon('logs', 'a.1', '--grep', 'x');
  expect(code).toBe(3);
  expect(err).toContain('in the middle of the search');
});

test.each([
  [['logs'], 'a run, or a job for its newest run'],
  [['logs', '--grep', 'x'], 'a run, a job for its newest run, or --job'],
  [['logs', 'a.1', '--job', 'a', '--grep', 'x'], 'but not both'],
  [['logs', '--job', 'a'], 'with --grep'],
  [['logs', 'a.1', '-i'], '--ignore-case'],
  [['logs', 'a.1', '--grep', 'x', '-f'], 'without --grep'],
  [['logs', 'a.1', '--grep', 'x', '--runs', '2'], 'with --job'],
])('%j is a usage error', async (args, why) => {
  const { code, err } = await carillon(...args);
  expect(code).toBe(2);
  expect(err).toContain(why);
  expect(asked).toEqual([]);
});
