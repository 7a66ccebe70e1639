/**
 * Log-ins and tokens as people use them: the command line against the real program, where nobody is local, because the
 * server has a name.
 */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import type { Io } from '../../src/cli/shell.ts';
import { clientWith, printingTo, type Said } from '../support/command-line.ts';
import { Browser, clientId, clientSecret, identityProvider } from '../support/identity-provider.ts';
import { eventually, Server } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-log-in-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};
/** Where the server's own user finds its token. */
const ofServer = join(dir, 'server', 'carillon');

let provider: Awaited<ReturnType<typeof identityProvider>>;
let server: Server;
let people: string;
let stranger: string;

beforeAll(async () => {
  provider = await identityProvider({ redirectUrls: ['http://127.0.0.1/'] });
  file('secret', `${clientSecret}\n`);
  people = file('people.yaml', written());
  server = await Server.start(
    join(dir, 'data'),
    ['--allowed-host', 'sched.test', '--auth-file', people, '--log-format', 'json'],
    { env: { XDG_STATE_HOME: join(dir, 'server') } },
  );
  await carillon(['token', 'create', 'first', '--role', 'viewer'], { stateDir: ofServer });
  for (const name of ['sales-a', 'stock-a'])
    await admin('PUT', `/api/v1/jobs/${name}`, { schedule: { every: 'P400D' }, run: { command: 'true' } });
});
afterAll(async () => {
  await server.end('SIGTERM');
  await provider.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(() => {
  stranger = mkdtempSync(join(dir, 'user-'));
});

function written(more = ''): string {
  return `oidc:
  issuer: ${provider.issuer}
  clientId: ${clientId}
  clientSecretFile: ${join(dir, 'secret')}
  scopes: [openid, email, groups]
people:
  - { group: data-team, role: editor, jobs: 'sales-*' }
${more}`;
}

type User = Partial<Pick<Io, 'stateDir' | 'token' | 'url' | 'sleep'>>;

/** Of a stranger, if nothing else is said. */
async function carillon(args: readonly string[], user: User = {}): Promise<Said> {
  const said = { out: '', err: '' };
  const io = printingTo((text) => void (said.out += text), {
    raw: () => {},
    err: (text) => void (said.err += text),
    // Who logs in confirms the code while the command line waits.
    sleep: () => confirm(said.err),
    ...{ url: server.url, stateDir: stranger },
    ...user,
  });
  return { code: await runCli(args, clientWith(io)), ...said };
}

async function confirm(said: string): Promise<void> {
  const url = /Open (\S+) and confirm/.exec(said)?.[1];
  expect(url).toBeDefined();
  await new Browser().logIn(url!, 'nowhere:');
}

const ask = async (token: string | null, method: string, path: string, body?: unknown) => {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
};

const admin = (method: string, path: string, body?: unknown) =>
  ask(
    readFileSync(join(ofServer, `server-${new URL(server.url).port}.token`), 'utf8').trim(),
    method,
    path,
    body,
  );

async function newToken(name: string, ...more: string[]): Promise<string> {
  const made = await carillon(['token', 'create', name, ...more], { stateDir: ofServer });
  expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^carillon_\S+\n$/)]);
  return made.out.trim();
}

describe('without a credential', () => {
  test('the command line says how to get in', async () => {
    const { code, out, err } = await carillon(['jobs']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('error: This needs a log-in or a token.\n  code     UNAUTHENTICATED\n');
    expect(err).toContain('next     carillon login, or a token in CARILLON_TOKEN or --token-file');
  });

  test('a script gets the code', async () => {
    const { code, err } = await carillon(['jobs', '--json']);
    expect([code, JSON.parse(err)]).toMatchObject([1, { code: 'UNAUTHENTICATED', status: 401 }]);
  });

  test('the user of the server needs none, and finds its token by itself', async () => {
    const { code, out } = await carillon(['whoami'], { stateDir: ofServer });
    expect([code, out]).toEqual([0, expect.stringMatching(/^name +\S+\nkind +local\nroles +admin\n/)]);
  });
});

describe('a token', () => {
  test('is printed alone, so that scripts can take it, and what it may do beside it', async () => {
    const made = await carillon(
      ['token', 'create', 'alone', '--role', 'viewer', '--labels', 'team=sales', '--grant', 'logs'],
      { stateDir: ofServer },
    );
    expect(made).toMatchObject({
      out: expect.stringMatching(/^carillon_[a-z0-9]{12}_[\w-]{43}\n$/),
      err: 'alone may: viewer with team=sales, and logs. Keep its text: it is not shown again.\n',
    });
    const list = await carillon(['token', 'list'], { stateDir: ofServer });
    expect(list.out).toMatch(/^NAME +ID +MAY +CREATED BY +EXPIRES \(\S+\) +LAST USE \(\S+\)\n/);
    expect(list.out).toMatch(/^alone +[a-z0-9]{12} +viewer with team=sales, and logs +\S+ +– +never$/m);
    expect(list.out).not.toContain(made.out.trim());
  });

  test('from a variable or a file lets the command line in, and its last use is listed', async () => {
    const token = await newToken('deploy', '--role', 'editor', '--jobs', 'sales-*', '--expires', 'P90D');
    const path = file('token', `${token}\n`);
    for (const jobs of [
      await carillon(['jobs'], { token }),
      await carillon(['--token-file', path, 'jobs'], { token: 'wrong' }),
    ])
      expect([jobs.code, jobs.out.includes('sales-a'), jobs.out.includes('stock-a')]).toEqual([
        0,
        true,
        false,
      ]);
    const list = () => carillon(['token', 'list', '--json'], { stateDir: ofServer });
    const { out } = await eventually(
      list,
      (each) =>
        JSON.parse(each.out).find(({ name }: { name: string }) => name === 'deploy').usedFrom === '127.0.0.1',
    );
    expect(out).not.toContain(token);
  });

  test("is the password of Chronos' clients", async () => {
    const token = await newToken('chronos', '--role', 'viewer', '--jobs', 'sales-*');
    const basic = (password: string) =>
      fetch(`${server.url}/v1/scheduler/jobs`, {
        headers: { authorization: `Basic ${Buffer.from(`any:${password}`).toString('base64')}` },
      });
    expect(await (await basic(token)).json()).toMatchObject([{ name: 'sales-a' }]);
    expect((await basic('wrong')).status).toBe(401);
  });

  test('that is revoked by name is refused at once', async () => {
    const token = await newToken('old', '--role', 'viewer');
    expect(await carillon(['token', 'revoke', 'old'], { stateDir: ofServer })).toMatchObject({
      code: 0,
      out: 'old is revoked.\n',
    });
    expect(await carillon(['jobs'], { token })).toMatchObject({
      code: 1,
      err: expect.stringContaining('The token is not valid.'),
    });
  });

  test.each([
    [['revoke', 'nobody'], 1, 'TOKEN_NOT_FOUND'],
    [['create', 'first', '--role', 'viewer'], 1, 'TOKEN_EXISTS'],
    [['create', 'x', '--role', 'boss'], 2, 'Allowed choices are viewer, operator, editor, admin.'],
    [['create', 'x'], 2, "required option '--role <role>'"],
    [['create', 'x', '--role', 'viewer', '--expires', 'soon'], 2, '--expires'],
    [['create', 'x', '--role', 'viewer', '--grant', 'all'], 2, 'Allowed: logs, env, secrets.'],
  ])('token %j ends with %i: %s', async (args, code, says) => {
    const said = await carillon(['token', ...args], { stateDir: ofServer });
    expect([said.code, said.err]).toEqual([code, expect.stringContaining(says)]);
  });

  test('of a viewer who triggers is told the role and who grants it, which is in the audit', async () => {
    const token = await newToken('looks', '--role', 'viewer');
    const refused = await carillon(['run', 'sales-a'], { token });
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringContaining(
        'This needs the permission operate for some jobs. The role operator has it, and an admin can grant it.',
      ),
    });
    const audit = () =>
      carillon(['audit', '--by', 'looks', '--outcome', 'refused', '--json'], { stateDir: ofServer });
    const { out } = await eventually(audit, (each) => JSON.parse(each.out).length > 0);
    expect(JSON.parse(out)).toMatchObject([
      { action: 'request', on: 'POST /api/v1/jobs/sales-a/trigger', code: 'FORBIDDEN', from: '127.0.0.1' },
    ]);
  });
});

describe('carillon login', () => {
  const sessionOf = (stateDir: string): string =>
    Object.values(JSON.parse(readFileSync(join(stateDir, 'log-ins.json'), 'utf8')) as object)[0];

  test('lets a person in by a code, and keeps the session for this server and this user', async () => {
    expect(await carillon(['login'])).toMatchObject({
      code: 0,
      out: 'You are ann@example.org, for eight hours.\n',
    });
    expect(statSync(join(stranger, 'log-ins.json')).mode & 0o777).toBe(0o600);
    const me = await carillon(['whoami']);
    expect(me.out).toMatch(
      /^name +ann@example\.org\nkind +person\nroles +editor of sales-\*\neverywhere +–\n/,
    );
    const elsewhere = await carillon(['whoami'], { url: server.url.replace('127.0.0.1', 'localhost') });
    expect(elsewhere).toMatchObject({ code: 1, err: expect.stringContaining('UNAUTHENTICATED') });
    const audit = await eventually(
      () => carillon(['audit', '--by', 'ann@example.org', '--action', 'log-in'], { stateDir: ofServer }),
      ({ out }) => out !== 'No lines.\n',
    );
    expect(audit.out).toMatch(/ann@example\.org +127\.0\.0\.1 +log-in +– +done/);
  });

  test('a log-out ends this session, and keeps no other from going on', async () => {
    const other = join(stranger, 'other');
    for (const stateDir of [stranger, other]) expect((await carillon(['login'], { stateDir })).code).toBe(0);
    const session = sessionOf(stranger);
    expect(await carillon(['logout'])).toMatchObject({ code: 0, out: 'You are logged out.\n' });
    expect((await carillon(['whoami'])).code).toBe(1);
    expect((await ask(session, 'GET', '/api/v1/me')).status).toBe(401);
    expect((await carillon(['whoami'], { stateDir: other })).code).toBe(0);
    expect(await carillon(['logout', '--everywhere'], { stateDir: other })).toMatchObject({ code: 0 });
  });

  test('a log-out everywhere ends all sessions of the person, and an administrator those of others', async () => {
    const other = join(stranger, 'other');
    const login = async () => {
      for (const stateDir of [stranger, other]) await carillon(['login'], { stateDir });
      return [sessionOf(stranger), sessionOf(other)];
    };
    const statuses = (sessions: readonly string[]) =>
      Promise.all(sessions.map(async (each) => (await ask(each, 'GET', '/api/v1/me')).status));
    const first = await login();
    expect(await statuses(first)).toEqual([200, 200]);
    await carillon(['logout', '--everywhere']);
    expect(await statuses(first)).toEqual([401, 401]);
    const second = await login();
    expect((await ask(second[0]!, 'POST', '/api/v1/sessions/end', { id: '*' })).status).toBe(403);
    expect((await admin('POST', '/api/v1/sessions/end', { id: 'ann' })).body).toMatchObject({ id: 'ann' });
    // Those before them failed from the same address, so these may be told to wait.
    expect(await statuses(second)).not.toContain(200);
  });

  test('sessions go on when the key is rotated, and end when it is rotated again', async () => {
    await carillon(['login']);
    const rotate = () => carillon(['auth', 'rotate-key'], { stateDir: ofServer });
    expect(await rotate()).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^The key [0-9a-f]{12} signs from now on\./),
    });
    expect((await carillon(['whoami'])).code).toBe(0);
    const later = join(stranger, 'later');
    await carillon(['login'], { stateDir: later });
    const second = await carillon(['auth', 'rotate-key', '--json'], { stateDir: ofServer });
    expect(Object.keys(JSON.parse(second.out))).toEqual(['id', 'createdAt']);
    expect((await carillon(['whoami'])).code).toBe(1);
    expect((await carillon(['whoami'], { stateDir: later })).code).toBe(0);
    expect((await carillon(['auth', 'rotate-key'], { stateDir: later })).err).toContain('FORBIDDEN');
  });

  test('a server that nobody can log in to says what to use', async () => {
    const other = await Server.start(join(dir, 'without'), ['--allowed-host', 'sched.test'], {
      env: { XDG_STATE_HOME: join(dir, 'without-state') },
    });
    const said = await carillon(['login'], { url: other.url });
    expect([said.code, said.err]).toEqual([
      1,
      expect.stringContaining('This installation has no identity provider.'),
    ]);
    await other.end('SIGTERM');
  });
});

describe('the audit', () => {
  const lines = async (query: string) => (await admin('GET', `/api/v1/audit?${query}`)).body;

  test('can be asked for by who, what, on what, how it ended and when', async () => {
    await newToken('asked-for', '--role', 'viewer');
    const { items } = await lines('action=create-token&outcome=done&limit=1');
    expect(items).toMatchObject([{ action: 'create-token', outcome: 'done', code: null, via: null }]);
    const [{ on, by, at, id }] = items;
    expect((await lines(`on=${on}`)).items).toMatchObject([{ id }]);
    expect((await lines(`on=${on}&by=${by.name}`)).items).toHaveLength(1);
    expect((await lines(`on=${on}&by=nobody`)).items).toEqual([]);
    expect((await lines(`on=${on}&outcome=refused`)).items).toEqual([]);
    const after = new Date(Date.parse(at) + 1).toISOString();
    expect((await lines(`on=${on}&from=${at}&to=${after}`)).items).toHaveLength(1);
    expect((await lines(`on=${on}&to=${at}`)).items).toEqual([]);
    expect((await lines(`on=${on}&from=${after}`)).items).toEqual([]);
    const said = await carillon(['audit', '--on', on, '-n', '5'], { stateDir: ofServer });
    expect(said.out).toMatch(/^TIME \(\S+\) +BY +FROM +ACTION +ON +OUTCOME\n.*create-token.*done\n1 line\n$/);
  });

  test('comes in pages, which together have each line once, newest first', async () => {
    for (const name of ['page-a', 'page-b', 'page-c']) await newToken(name, '--role', 'viewer');
    const to = new Date().toISOString();
    const all: string[] = (await lines(`to=${to}&limit=1000`)).items.map(({ id }: { id: string }) => id);
    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { items: { id: string }[]; next: string | null } = await lines(
        `to=${to}&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      expect(page.items.length).toBeLessThanOrEqual(2);
      paged.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    }
    expect(all.length).toBeGreaterThan(4);
    expect(paged).toEqual(all);
    expect(paged).toEqual([...all].sort().reverse());
  });

  test.each(['limit=0', 'limit=1001', 'outcome=perhaps', 'from=yesterday', 'cursor=x', 'who=ann'])(
    'refuses %s',
    async (query) => expect((await admin('GET', `/api/v1/audit?${query}`)).status).toBe(400),
  );

  test('is for administrators', async () => {
    const token = await newToken('curious', '--role', 'editor');
    expect(await carillon(['audit'], { token })).toMatchObject({
      code: 1,
      err: expect.stringContaining('The role admin has it'),
    });
  });
});

describe('a mistake in the file of people', () => {
  const wrong = `people:
  - { group: a, email: b, role: viewer }
  - { group: a, role: boss }
certificates:
  - { subjct: 'CN=ops', role: viewer }
`;

  test('keeps a server from starting, and all mistakes are shown with their lines', async () => {
    const path = file('wrong.yaml', wrong);
    const start = Server.start(join(dir, 'never'), ['--auth-file', path]);
    const error = await start.then(
      () => '',
      (reason: Error) => reason.message,
    );
    expect(error.match(/^error: .*$/gm)).toEqual([
      `error: ${path}:2:5: people[0] says 2 times who is meant. Allowed: one of group, email and everybody: true.`,
      `error: ${path}:3:17: people[1].role is "boss". Allowed: one of viewer, operator, editor, admin.`,
      `error: ${path}:5:5: certificates[0].subject is missing.`,
      `error: ${path}:5:7: Unknown field certificates[0].subjct. Did you mean certificates[0].subject?`,
    ]);
  });

  test('changes nothing while a server runs, and is shown to administrators until it is mended', async () => {
    await carillon(['login']);
    writeFileSync(people, wrong);
    const whoami = () => carillon(['whoami'], { stateDir: ofServer });
    const { out } = await eventually(whoami, (said) => said.out.includes('not read'));
    expect(out).toMatch(/people\.yaml:3.*people\.yaml:5/s);
    expect(server.log).toContain('access.file-not-read');
    expect((await carillon(['whoami'])).out).toContain('editor of sales-*');
    expect((await carillon(['whoami'])).out).not.toContain('not read');
    expect((await ask(null, 'GET', '/api/v1/login/options')).body).toEqual({
      provider: new URL(provider.issuer).host,
    });
    writeFileSync(people, written("  - { email: ann@example.org, role: operator, jobs: 'stock-*' }\n"));
    await eventually(whoami, (said) => !said.out.includes('not read'));
    expect((await carillon(['whoami'])).out).toContain('editor of sales-*; operator of stock-*');
  });

  test('is also a secret that cannot be read', async () => {
    writeFileSync(people, written().replace(join(dir, 'secret'), join(dir, 'gone')));
    const whoami = () => carillon(['whoami'], { stateDir: ofServer });
    const { out } = await eventually(whoami, (said) => said.out.includes('not read'));
    expect(out).toContain(`oidc.clientSecretFile is ${join(dir, 'gone')}, which cannot be read (ENOENT).`);
    writeFileSync(people, written());
    await eventually(whoami, (said) => !said.out.includes('not read'));
  });
});

test('who fails too often is told when to try again, and whoever is right gets in', async () => {
  const token = await newToken('right', '--role', 'viewer');
  const last = await eventually(
    () => ask('wrong', 'GET', '/api/v1/jobs'),
    ({ status }) => status === 429,
  );
  expect(last.body).toMatchObject({
    code: 'TOO_MANY_ATTEMPTS',
    detail: expect.stringMatching(/ Try again in \d+ s\.$/),
  });
  expect(last.headers.get('retry-after')).toBe(/in (\d+) s/.exec(last.body.detail)?.[1]);
  expect((await ask(token, 'GET', '/api/v1/jobs')).status).toBe(200);
});
