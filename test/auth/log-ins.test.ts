/** Log-ins through a real identity provider, and what is refused of it. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKeyPair, type JWTPayload } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { pathIn } from '../../src/auth/log-ins.ts';
import { People } from '../../src/auth/people.ts';
import { type AuthWorld, authWorld, question, questionOf, serving } from '../support/authentication.ts';
import {
  Browser,
  clientId,
  clientSecret,
  type IdentityProvider,
  identityProvider,
} from '../support/identity-provider.ts';

let world: AuthWorld;
let provider: IdentityProvider;
let server: { readonly port: number; close(): Promise<void> };
let url: string;
let browser: Browser;

beforeAll(async () => {
  server = await serving('127.0.0.1', async (request, response) => {
    const { logIns, authenticator } = world.authentication;
    const asked = questionOf(request);
    const path = new URL(asked.path, url);
    if (path.pathname === '/api/v1/login') {
      const { location, cookies } = await logIns.begin(asked, path.searchParams.get('to') ?? '/');
      response.writeHead(302, { location, 'set-cookie': [...cookies] }).end();
    } else if (path.pathname === '/api/v1/login/callback') {
      const { location, cookies } = await logIns.finish(asked);
      response.writeHead(302, { location, 'set-cookie': [...cookies] }).end();
    } else response.end(JSON.stringify(await authenticator.authenticate(asked)));
  });
  url = `http://127.0.0.1:${server.port}`;
  provider = await identityProvider({ redirectUrls: [`${url}/api/v1/login/callback`] });
});
afterAll(async () => {
  await server.close();
  await provider.close();
});

beforeEach(async () => {
  browser = new Browser();
  world = await authWorld({ owners: { ownerOf: async () => null } });
  await world.close();
  world = await worldWith();
});
afterEach(async () => {
  provider.tamper = null;
  await world.close();
});

async function worldWith(
  more: { readonly people?: unknown; readonly oidc?: object } = {},
): Promise<AuthWorld> {
  const { dir, close } = await authWorld();
  const { mkdirSync } = await import('node:fs');
  await close();
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'secret'), `${clientSecret}\n`);
  const oidc = {
    ...{ issuer: provider.issuer, clientId, clientSecretFile: join(dir, 'secret') },
    ...{ scopes: ['openid', 'email', 'groups'], ...more.oidc },
  };
  const people = more.people ?? [
    { group: 'data-team', role: 'editor', jobs: 'sales-*', grants: ['logs'] },
    { email: 'bob@example.org', role: 'admin' },
  ];
  writeFileSync(join(dir, 'people.yaml'), JSON.stringify({ oidc, people }));
  const made = await authWorld({ authFile: join(dir, 'people.yaml'), owners: { ownerOf: async () => null } });
  const { rmSync } = await import('node:fs');
  return {
    ...made,
    close: async () => {
      await made.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Begins a log-in, and returns the address with which the provider sends the browser back. */
async function returnAddress(to = '/jobs?state=failed'): Promise<string> {
  const begun = await browser.ask(`${url}/api/v1/login?to=${encodeURIComponent(to)}`);
  expect([begun.status, await begun.text()]).toEqual([302, '']);
  return browser.logIn(begun.headers.get('location')!, `${url}/api/v1/login/callback`);
}

const whoAmI = async () => {
  const response = await browser.ask(`${url}/`);
  return response.status === 200 ? await response.json() : response.status;
};

describe('a log-in with a token', () => {
  const asked = (cookies: readonly string[]) => {
    const [pair = ''] = (cookies[0] ?? '').split(';');
    return world.authentication.authenticator.authenticate(question({ cookie: pair }));
  };

  test('begins a session that has the rights of the token', async () => {
    const text = world.known.add({ name: 'nightly', bindings: [{ role: 'operator', jobs: 'sales-*' }] });
    const cookies = await world.authentication.logIns.byToken(question({}), text);
    expect(cookies[0]).toMatch(/^carillon=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=28800$/);
    expect(cookies[0]).not.toContain(text.split('_')[2]);
    expect(await asked(cookies)).toMatchObject({
      ...{ kind: 'token', name: 'nightly', bindings: [{ role: 'operator', jobs: 'sales-*' }] },
    });
  });

  test.each([
    ['revoked', (id: string) => world.known.tokens.delete(id)],
    ['expired', (id: string) => world.known.tokens.set(id, { ...world.known.tokens.get(id)!, expiresAt: 1 })],
  ])('the session ends when the token is %s', async (_, end) => {
    const text = world.known.add();
    const cookies = await world.authentication.logIns.byToken(question({}), text);
    const { id } = await asked(cookies);
    end(id);
    await expect(asked(cookies)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('a wrong token begins none, and slows down whoever tries on', async () => {
    const { logIns } = world.authentication;
    const tried = (text: string) =>
      logIns.byToken(question({}), text).then(
        () => 'begun',
        ({ code }: { code: string }) => code,
      );
    const codes: string[] = [];
    for (let n = 0; n < 7; n++) codes.push(await tried(`carillon_${'a'.repeat(12)}_${'b'.repeat(43)}`));
    expect(codes[0]).toBe('UNAUTHENTICATED');
    expect(codes.at(-1)).toBe('TOO_MANY_ATTEMPTS');
    expect(await tried(world.known.add())).toBe('begun');
  });
});

describe('a log-in in the browser', () => {
  test('ends with a session of the person, and where it began', async () => {
    const done = await browser.ask(await returnAddress());
    expect([done.status, done.headers.get('location')]).toEqual([302, '/jobs?state=failed']);
    const lines = done.headers.getSetCookie();
    expect(lines[0]).toMatch(/^carillon=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=28800$/);
    expect(await whoAmI()).toEqual({
      ...{ kind: 'person', id: 'ann', name: 'ann@example.org' },
      bindings: [{ role: 'editor', grants: ['logs'], jobs: 'sales-*' }],
    });
  });

  test('another log-in begins another session', async () => {
    await browser.ask(await returnAddress());
    const first = browser.cookiesOf(url);
    await browser.ask(await returnAddress());
    expect(browser.cookiesOf(url)).not.toBe(first);
  });

  test('is in the audit', async () => {
    await browser.ask(await returnAddress());
    const { told, authentication } = world;
    await authentication.stop();
    expect(told.flatMap(({ lines }) => lines)).toMatchObject([
      {
        action: 'log-in',
        outcome: 'done',
        by: { kind: 'person', name: 'ann@example.org' },
        from: '127.0.0.1',
      },
    ]);
  });

  test('a code and a state work once, and only in the browser that began', async () => {
    const address = await returnAddress();
    const state = browser.cookiesOf(url);
    const stranger = await new Browser().ask(address);
    expect(stranger.status).toBe(401);
    expect((await browser.ask(address)).status).toBe(302);
    expect((await browser.ask(address)).status).toBe(401);
    browser.keep(url, [state]);
    const again = await browser.ask(address);
    expect([again.status, await again.text()]).toEqual([
      401,
      expect.stringContaining('did not let the person in'),
    ]);
  });

  test('the state of another log-in is refused', async () => {
    const address = await returnAddress();
    await browser.ask(`${url}/api/v1/login`);
    expect((await browser.ask(address)).status).toBe(401);
  });

  test('a person for whom there is no rule is refused, and told who can help', async () => {
    await world.close();
    world = await worldWith({ people: [{ email: 'bob@example.org', role: 'admin' }] });
    const refused = await browser.ask(await returnAddress());
    expect([refused.status, await refused.text()]).toEqual([
      403,
      'ann@example.org has no role here. An administrator gives one with a rule in the file of --auth-file.',
    ]);
    expect(await whoAmI()).toBe(401);
  });
});

describe('a person of whom nodes could not tell each other', () => {
  const refusal = async () => {
    const refused = await browser.ask(await returnAddress());
    return [refused.status, await refused.text()];
  };
  const rules = (count: number, more: object = {}) =>
    Array.from({ length: count }, (_, n) => ({
      ...{ group: 'data-team', role: 'editor', jobs: `${n}-${'x'.repeat(100)}` },
      ...more,
    }));

  test('is refused with the bytes of the rules, and who can help', async () => {
    await world.close();
    world = await worldWith({ people: rules(40) });
    expect(await refusal()).toEqual([
      403,
      expect.stringMatching(
        /^The rules that fit ann@example\.org in the file of --auth-file have \d{4} bytes together\. Allowed: at most 4096\. An administrator/,
      ),
    ]);
  });

  test('is refused also if the rules became more after the log-in', async () => {
    const people = new People([], []);
    expect(people.bindingsOf('ann', [])).toEqual([]);
    const many = new People(rules(40) as never, []);
    expect(() => many.bindingsOf('ann', ['data-team'])).toThrow('Allowed: at most 4096');
    const certificates = rules(40, { subject: 'CN=ann' }).map(({ group: _, ...rest }) => rest);
    expect(() => new People([], certificates as never).bindingsOfCertificate(['CN=ann'])).toThrow('4096');
  });

  test('is not one whose groups have the same rule many times', async () => {
    await world.close();
    world = await worldWith({ people: rules(100, { jobs: 'sales-*' }) });
    expect((await refusal())[0]).toBe(302);
    expect(await whoAmI()).toMatchObject({ bindings: [{ role: 'editor', jobs: 'sales-*' }] });
  });

  test('is refused with a name that is too long', async () => {
    const email = `${'a'.repeat(300)}@example.org`;
    provider.tamper = (claims, sign) => sign({ ...claims, email, email_verified: true });
    expect(await refusal()).toEqual([403, expect.stringContaining('in 312 bytes. Allowed: at most 256.')]);
  });
});

describe('an address that the provider does not call verified is refused', () => {
  for (const [how, said] of Object.entries({
    'says no': { email_verified: false },
    'says no as a text': { email_verified: 'false' },
    'does not say': {},
  }))
    test(`because it ${how}`, async () => {
      const careless = await identityProvider({
        redirectUrls: [`${url}/api/v1/login/callback`],
        claims: { email: 'bob@example.org', groups: ['data-team'], ...said },
      });
      try {
        await world.close();
        world = await worldWith({ oidc: { issuer: careless.issuer } });
        const refused = await browser.ask(await returnAddress());
        expect([refused.status, await refused.text()]).toEqual([
          401,
          expect.stringContaining('the address of the person is not verified there'),
        ]);
        expect(await whoAmI()).toBe(401);
      } finally {
        await careless.close();
      }
    });

  test('not because it writes yes as a text', async () => {
    provider.tamper = (claims, sign) => sign({ ...claims, email: 'bob@example.org', email_verified: 'true' });
    expect((await browser.ask(await returnAddress())).status).toBe(302);
    expect(await whoAmI()).toMatchObject({ name: 'bob@example.org' });
  });

  test('also if it says so of another one', async () => {
    // The user info says yes of ann.
    provider.tamper = (claims, sign) => sign({ ...claims, email: 'bob@example.org' });
    expect((await browser.ask(await returnAddress())).status).toBe(401);
  });
});

describe('tokens of the provider that are not right', () => {
  const now = () => Math.floor(Date.now() / 1_000);
  const changes: Record<string, JWTPayload> = {
    expired: { exp: now() - 3_600, iat: now() - 7_200 },
    'for another client': { aud: 'another' },
    'of another provider': { iss: 'http://127.0.0.1:1' },
    'with another nonce': { nonce: 'another' },
    'without a nonce': { nonce: undefined as never },
  };
  for (const [name, change] of Object.entries(changes))
    test(`a token ${name} is refused`, async () => {
      provider.tamper = (claims, sign) => sign({ ...claims, ...change });
      const refused = await browser.ask(await returnAddress());
      expect([refused.status, await refused.text()]).toEqual([
        401,
        expect.stringMatching(/^The identity provider did not let the person in: what it sent is not valid/),
      ]);
      expect(await whoAmI()).toBe(401);
    });

  test('a token that another key signed is refused', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    provider.tamper = (claims, sign) => sign(claims, privateKey);
    expect((await browser.ask(await returnAddress())).status).toBe(401);
  });

  test('a token without a signature is refused', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    provider.tamper = async (claims) => `${part({ alg: 'none' })}.${part(claims)}.`;
    expect((await browser.ask(await returnAddress())).status).toBe(401);
  });

  test('the same token, signed again by its key, is taken', async () => {
    provider.tamper = (claims, sign) => sign(claims);
    expect((await browser.ask(await returnAddress())).status).toBe(302);
  });
});

test('a provider that is away is told clearly, and tokens go on to work', async () => {
  await world.close();
  world = await worldWith({ oidc: { issuer: 'http://127.0.0.1:9' } });
  const begun = await browser.ask(`${url}/api/v1/login`);
  expect([begun.status, await begun.text()]).toEqual([
    503,
    expect.stringMatching(
      /^The identity provider http:\/\/127\.0\.0\.1:9 cannot be used now .*Tokens and sessions work without it\.$/,
    ),
  ]);
  const headers = { authorization: `Bearer ${world.known.add({ name: 'deploy' })}` };
  expect(await world.authentication.authenticator.authenticate(question(headers))).toMatchObject({
    name: 'deploy',
  });
});

test('a log-in on another device ends with a session', async () => {
  const { logIns, authenticator } = world.authentication;
  const { device, wholeUrl, userCode } = await logIns.beginDevice();
  expect(userCode).toMatch(/^[A-Z-]+$/);
  expect(await logIns.finishDevice(question({}), device)).toBeNull();
  await browser.logIn(wholeUrl!, 'nowhere:');
  const text = await logIns.finishDevice(question({}), device);
  expect(await authenticator.authenticate(question({ authorization: `Bearer ${text}` }))).toMatchObject({
    name: 'ann@example.org',
  });
  await expect(logIns.finishDevice(question({}), device)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  await expect(logIns.finishDevice(question({}), 'x.y.z')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});

describe('the address after a log-in', () => {
  for (const to of ['/', '/jobs/sales?tab=runs#last', '/a%2Fb'])
    test(`${to} is a path of this server`, () => expect(pathIn(to)).toBe(to));

  for (const to of [
    ...['//example.org', '/\\example.org', 'https://example.org', 'javascript:alert(1)', 'example.org', ''],
    ...['/\texample.org', '/ /example.org', '/..//example.org', '/\r\nSet-Cookie: x=1', '/.//example.org'],
  ])
    test(`${JSON.stringify(to)} is not`, () => expect(pathIn(to)).toBe('/'));
});
