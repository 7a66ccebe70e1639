/**
 * Attacks on a real server: by another user of the host who speaks to its port, by a page in the browser of its own user, and by
 * a job that runs as another user.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, Server } from '../support/server.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;
/** In everything that is not for strangers. */
const mark = 'zqx';
const run = { command: 'sleep 613', user: 'daemon', env: { PASSWORD: `${mark}-password` } };

let dir: string;
let server: Server;
let port: number;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'carillon-attacks-'));
  // What is in it must be protected by itself.
  chmodSync(dir, 0o711);
  server = await Server.start(join(dir, 'data'), ['--audit-log', join(dir, 'audit.jsonl')], {
    env: { VAULT_PASSWORD: `${mark}-of-the-scheduler` },
  });
  port = Number(new URL(server.url).port);
  await server.ask('PUT', `/api/v1/jobs/${mark}-job`, { name: `${mark}-job`, run });
}, 60_000);
afterAll(async () => {
  await server.endWithJobs();
  rmSync(dir, { recursive: true, force: true });
});

/** Sends each of these texts over a connection of its own, and returns what came back. */
const sending = `
  const { connect } = require('node:net');
  const [port, texts] = JSON.parse(process.argv[1]);
  const ask = (text) => new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let got = '';
    socket.setEncoding('latin1').on('data', (piece) => (got += piece)).on('error', () => {});
    socket.on('end', () => socket.end()).on('close', () => resolve(got));
    socket.write(text.replace(/^HALF/, ''), 'latin1');
    if (text.startsWith('HALF')) socket.end();
  });
  Promise.all(texts.map(ask)).then((all) => console.log(JSON.stringify(all)));`;

async function answersTo(texts: readonly string[], user = nobody): Promise<string[]> {
  const child: ChildProcess = spawn(process.execPath, ['-e', sending, JSON.stringify([port, texts])], {
    ...{ cwd: '/', env: {}, uid: user, gid: user },
  });
  let text = '';
  child.stdout?.on('data', (piece) => (text += piece));
  await once(child, 'close');
  return JSON.parse(text) as string[];
}

const request = (line: string, ...headers: string[]): string =>
  [line, ...headers, 'Connection: close', '', ''].join('\r\n');
const jobs = 'GET /api/v1/jobs HTTP/1.1';
const host = 'Host: localhost';
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const admin = { kind: 'local', name: 'root', id: '0', bindings: [{ role: 'admin' }] };
const unsigned = (aud: string): string =>
  `${part({ alg: 'none' })}.${part({ iss: 'carillon', aud, iat: 1, exp: 4_000_000_000, kind: 'local', sub: '0', name: 'root', groups: [], jti: 'x', began: 1, principal: admin, method: 'GET', path: '/api/v1/jobs' })}.`;

const tricks: Record<string, string> = {
  plainly: request(jobs, host),
  'as HTTP/1.0': request('GET /api/v1/jobs HTTP/1.0', host),
  'as HTTP/1.0 without a host': request('GET /api/v1/jobs HTTP/1.0'),
  'as HTTP/0.9': 'GET /api/v1/jobs\r\n\r\n',
  'with a whole address': request('GET http://localhost/api/v1/jobs HTTP/1.1', host),
  'with two hosts': request(jobs, host, 'Host: 127.0.0.1'),
  'with the last dot of a host': request(jobs, 'Host: localhost.'),
  'with a short address': request(jobs, 'Host: 127.1'),
  'with an address in IPv6': request(jobs, 'Host: [::ffff:127.0.0.1]'),
  'as if a proxy knew it': request(jobs, host, 'X-Forwarded-For: 127.0.0.1', 'X-Forwarded-User: root'),
  'as if another node asked': request(jobs, host, `X-Carillon-Asker: ${part(admin)}`),
  'as if another node asked, in a token': request(jobs, host, `X-Carillon-Asker: ${unsigned('asker')}`),
  'as if it was forwarded': request(jobs, host, 'X-Carillon-Forwarded-By: n1', 'X-Carillon-User: root'),
  'with a session that nobody signed': request(jobs, host, `Authorization: Bearer ${unsigned('session')}`),
  'with such a cookie': request(jobs, host, `Cookie: carillon=${unsigned('session')}`),
  'with two credentials': request(jobs, host, 'Authorization: Bearer x', 'Authorization: Basic Og=='),
  'with an empty credential': request(jobs, host, 'Authorization:'),
  'with a folded header': request(jobs, host, 'Authorization: Bearer', ' x'),
  'with a space before the colon': request(jobs, host, 'Authorization : Bearer x'),
  'behind another request': `${request('GET /ping HTTP/1.1', host).replace('Connection: close\r\n', '')}${request(jobs, host)}`,
  'in the body of another request': request(
    'POST /api/v1/logout HTTP/1.1',
    host,
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
  ).concat('0\r\n\r\n', request(jobs, host)),
  'and closes its half': `HALF${request(jobs, host)}`,
  'with HEAD': request('HEAD /api/v1/jobs HTTP/1.1', host),
  'with another method in a header': request('GET /ping HTTP/1.1', host, 'X-HTTP-Method-Override: DELETE'),
  'by Chronos’ address': request('GET /v1/scheduler/jobs HTTP/1.1', host),
  'by Chronos’ old address': request('GET /scheduler//jobs HTTP/1.1', host),
  'by two slashes': request('GET //api/v1/jobs HTTP/1.1', host),
  'by a folder and back': request('GET /ping/../api/v1/jobs HTTP/1.1', host),
  'by an encoded slash': request('GET /api%2fv1%2fjobs HTTP/1.1', host),
  'by an encoded letter': request('GET /api/v1/%6aobs HTTP/1.1', host),
  'by capitals': request('GET /API/V1/JOBS HTTP/1.1', host),
  'by a slash at the end': request('GET /api/v1/jobs/ HTTP/1.1', host),
  'with a parameter of the path': request('GET /api/v1/jobs;a=b HTTP/1.1', host),
  'its events': request('GET /api/v1/events HTTP/1.1', host),
  'its metrics': request('GET /metrics HTTP/1.1', host),
  'its backup': request('GET /api/v1/backup HTTP/1.1', host),
  'its audit': request('GET /api/v1/audit HTTP/1.1', host),
  'its document': request('GET /api/v1/openapi.json HTTP/1.1', host),
  'what is for nodes': request('POST /internal/access HTTP/1.1', host, 'Content-Length: 0'),
  'what is for nodes, of an engine': request('GET /internal/engines/process/inventory HTTP/1.1', host),
  'a file behind the pages': request('GET /../../../package.json HTTP/1.1', host),
  'a file behind the pages, encoded': request('GET /..%2f..%2f..%2fetc%2fpasswd HTTP/1.1', host),
  'a file behind the assets': request('GET /assets/..%2f..%2f..%2fpackage.json HTTP/1.1', host),
  'a file behind the assets, encoded twice': request(
    'GET /assets/%252e%252e/%252e%252e/package.json HTTP/1.1',
    host,
  ),
  'a file behind a backslash': request('GET /assets/..\\..\\package.json HTTP/1.1', host),
  'a file with the end of a text': request('GET /assets/index.html%00.js HTTP/1.1', host),
};

describe.skipIf(!isRoot)('another user of the host gets nothing', () => {
  let answers: Record<string, string>;
  beforeAll(async () => {
    const got = await answersTo(Object.values(tricks));
    answers = Object.fromEntries(Object.keys(tricks).map((name, i) => [name, got[i] as string]));
  }, 60_000);

  test.each(Object.keys(tricks))('%s', (name) => {
    const all = answers[name] as string;
    const status = [...all.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].at(-1)?.[1] ?? all;
    // Anybody may ask for /ping and for the pages of the web app, which have nothing of the server.
    const isPublic = /\r\n\r\npong\n?$/.test(all) || /content-type: text\/html/i.test(all);
    if (!isPublic) expect(status).toMatch(/^(?:|4\d\d)$/);
    expect(all).not.toContain(mark);
    expect(all).not.toMatch(/root:|"dependencies"/);
  });

  test('the server’s own user gets what the strangers asked for', async () => {
    expect((await answersTo([request(jobs, host)], 0))[0]).toContain(`${mark}-job`);
  });

  test('no request after a refused one of the same connection', async () => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (piece) => (text += piece));
    // The connection is that of the server's user: what a proxy passes on in it stays a stranger's.
    const proxied = `${jobs}\r\n${host}\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n`;
    socket.write(`${jobs}\r\n${host}\r\n\r\n${proxied}`);
    socket.write(request(jobs, 'Host: localhost.'));
    await once(socket, 'close');
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 401', 'HTTP/1.1 401']);
  });
});

describe('a page in the browser of the server’s user changes nothing', () => {
  const own = (): string => `Host: 127.0.0.1:${port}`;
  const pages: [string, () => string[]][] = [
    ['of another site', () => [own(), 'Origin: https://evil.example']],
    ['in a sandbox', () => [own(), 'Origin: null']],
    ['of another port', () => [own(), 'Origin: http://127.0.0.1:1']],
    ['of another name of this host', () => [own(), `Origin: http://localhost:${port}`]],
    [
      'with a name that is made to lead here',
      () => [`Host: evil.example:${port}`, `Origin: http://evil.example:${port}`],
    ],
    [
      'of another site, without an origin',
      () => [own(), 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors'],
    ],
    [
      'of a neighbour',
      () => [own(), 'Sec-Fetch-Site: same-site', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'],
    ],
  ];
  const kinds = [
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ];
  const changes = [
    ...['POST /api/v1/jobs', `PUT /api/v1/jobs/${mark}-new`, `DELETE /api/v1/jobs/${mark}-job`],
    ...[`POST /api/v1/jobs/${mark}-job/trigger`, `POST /api/v1/jobs/${mark}-job/pause`, 'POST /api/v1/apply'],
    ...['POST /api/v1/tokens', 'POST /api/v1/sessions/end', 'POST /api/v1/logout'],
    ...[
      `PUT /v1/scheduler/job/${mark}-job`,
      `DELETE /v1/scheduler/job/${mark}-job`,
      'POST /v1/scheduler/iso8601',
    ],
  ];

  test.each(pages)('%s', async (_, headers) => {
    const body = JSON.stringify({ name: `${mark}-new`, run: { command: 'true' } });
    const texts = changes.flatMap((change) =>
      kinds.map((kind) =>
        request(
          `${change} HTTP/1.1`,
          ...headers(),
          `Content-Type: ${kind}`,
          `Content-Length: ${body.length}`,
        ).concat(body),
      ),
    );
    for (const answer of await answersTo(texts, process.getuid?.())) {
      expect(answer).toMatch(/^HTTP\/1\.1 4(?:00|21) /);
      expect(answer).not.toMatch(/access-control-allow/i);
    }
    const { items } = await server.get<{ items: { name: string }[] }>('/api/v1/jobs');
    expect(items.map(({ name }) => name)).not.toContain(`${mark}-new`);
    expect(await server.get('/api/v1/runs')).toMatchObject({ items: [] });
  });
});

describe.skipIf(!isRoot || process.platform !== 'linux')('a job that runs as another user', () => {
  test('gets nothing of the scheduler, of its files, and of other jobs', async () => {
    await server.ask('POST', `/api/v1/jobs/${mark}-job/trigger`);
    const victim = await eventually(
      async () => pidsOf('sleep 613')[0] ?? null,
      (pid) => pid !== null,
    );
    const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((name) => join(dir, name));
    const tries = [
      ...[server.pid, victim].flatMap((pid) => [
        ...['environ', 'mem', 'maps', 'fd/1', 'cwd/', 'root/'].map(
          (name) => `head -c 1 /proc/${pid}/${name}`,
        ),
        `ls /proc/${pid}/fd/`,
        `kill -0 ${pid}`,
      ]),
      ...files.map((path) => `head -c 1 '${path}'`),
      ...files.map((path) => `ls '${path}/'`),
      ...files.map((path) => `test -w '${path}'`),
      `${process.execPath} -e "fetch('${server.url}/api/v1/jobs').then((r) => process.exit(r.ok ? 0 : 1))"`,
    ];
    const command = tries.map((each, i) => `(${each}) >/dev/null 2>&1 && echo GOT ${i}`).join('\n');
    await server.ask('PUT', '/api/v1/jobs/spy', {
      name: 'spy',
      run: { command: `${command}\necho "tried $(id -u)"`, user: 'nobody' },
    });
    const { body } = await server.ask<{ id: string }>('POST', '/api/v1/jobs/spy/trigger');
    await eventually(
      () => server.get<{ endedAt: string | null }>(`/api/v1/runs/${body.id}`),
      ({ endedAt }) => endedAt !== null,
    );
    const output = await server.get<string>(`/api/v1/runs/${body.id}/logs`);
    const got = [...output.matchAll(/GOT (\d+)/g)].map(([, i]) => tries[Number(i)]);
    expect(got).toEqual([]);
    expect(output).toContain(`tried ${nobody}`);
  }, 60_000);
});

/** Of processes with this command line. */
const pidsOf = (command: string): number[] =>
  readdirSync('/proc').flatMap((name) =>
    /^\d+$/.test(name) && commandOf(name) === command ? [Number(name)] : [],
  );

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
