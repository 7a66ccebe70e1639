/** Credentials: what is taken, what is refused, and what is noted of it. */

import { readFileSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noteLimits } from '../../src/auth/notes.ts';
import { cookieIn, sessionMs } from '../../src/auth/sessions.ts';
import { throttleLimits } from '../../src/auth/throttle.ts';
import { bytesOfBindings, maxBindingsBytes } from '../../src/scheduler/access/principal.ts';
import { type AuthWorld, authWorld, keyOf, question } from '../support/authentication.ts';
import { SimClock } from '../support/sim-clock.ts';

const start = Date.UTC(2026, 10, 30);
let clock: SimClock;
let world: AuthWorld;

beforeEach(async () => {
  clock = new SimClock(start);
  world = await authWorld({ clock });
});
afterEach(() => world.close());

const ask = (headers: Record<string, string>, more: Parameters<typeof question>[1] = {}) =>
  world.authentication.authenticator.authenticate(question(headers, more));
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

describe('tokens', () => {
  test('a token is its principal, as a bearer or as the password of any user', async () => {
    const bindings = [{ role: 'editor' as const, jobs: 'sales-*' }];
    const text = world.known.add({ name: 'deploy', bindings });
    const principal = { kind: 'token', name: 'deploy', bindings };
    expect(await ask(bearer(text))).toMatchObject(principal);
    expect(await ask({ authorization: `bearer ${text}` })).toMatchObject(principal);
    expect(await ask(basic('chronos', text))).toMatchObject(principal);
    expect(await ask(basic('', text))).toMatchObject(principal);
  });

  test('its list of bindings is always the same, so that it is compiled once', async () => {
    const text = world.known.add();
    expect((await ask(bearer(text))).bindings).toBe((await ask(bearer(text))).bindings);
  });

  test('another secret, an unknown id and other texts are refused with the same words', async () => {
    const text = world.known.add();
    const end = text.endsWith('A') ? 'B' : 'A';
    const wrong = [
      `${text.slice(0, -1)}${end}`,
      text.replace(/_[a-z0-9]{12}_/, '_aaaaaaaaaaaa_'),
      'carillon_',
      'x',
    ];
    for (const each of wrong)
      await expect(ask(bearer(each), { from: `192.0.2.${wrong.indexOf(each)}` })).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
        message: 'The token is not valid.',
      });
    await expect(ask({ authorization: 'Digest x' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(ask({})).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('one that has expired or was revoked is refused at once', async () => {
    const text = world.known.add({ name: 'deploy', expiresAt: start + 1_000 });
    await ask(bearer(text));
    clock.step(1_000);
    await expect(ask(bearer(text))).rejects.toMatchObject({
      message: 'The token deploy expired at 2026-11-30T00:00:01.000Z.',
    });
    const other = world.known.add();
    await ask(bearer(other));
    world.known.tokens.clear();
    await expect(ask(bearer(other))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('uses are told with the next notes, and then at most every ten minutes', async () => {
    const text = world.known.add();
    for (let i = 0; i < 5; i++) await ask(bearer(text));
    await clock.advance(noteLimits.everyMs);
    const [[id, token] = []] = world.known.tokens;
    expect(world.told).toEqual([{ lines: [], uses: [{ id, at: start, from: '192.0.2.7' }], ends: [] }]);
    world.known.tokens.set(id!, { ...token!, usedAt: start });
    await ask(bearer(text));
    await clock.advance(noteLimits.usesEveryMs - 2 * noteLimits.everyMs);
    await ask(bearer(text));
    await clock.advance(noteLimits.everyMs);
    expect(world.told).toHaveLength(1);
    await ask(bearer(text));
    await clock.advance(noteLimits.everyMs);
    expect(world.told).toHaveLength(2);
  });
});

describe('failures', () => {
  const failing = (from: string, text = 'wrong') =>
    ask(bearer(text), { from }).catch((error: unknown) => error);

  test('an address that fails waits for longer and longer, and then may try again', async () => {
    for (let i = 0; i < throttleLimits.free; i++)
      expect(await failing('192.0.2.1')).toMatchObject({ code: 'UNAUTHENTICATED' });
    for (const seconds of [1, 2, 4, 8]) {
      expect(await failing('192.0.2.1')).toMatchObject({
        code: 'TOO_MANY_ATTEMPTS',
        details: { retryAfter: seconds },
      });
      await clock.advance(seconds * 1_000);
      expect(await failing('192.0.2.1')).toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    expect(await failing('192.0.2.2')).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('a token waits whatever the address, and its owner does not', async () => {
    const text = world.known.add();
    const wrong = `${text.slice(0, -4)}AAAA`;
    for (let i = 0; i <= throttleLimits.free; i++) await failing(`192.0.2.${i}`, wrong);
    expect(await failing('192.0.2.99', wrong)).toMatchObject({ code: 'TOO_MANY_ATTEMPTS' });
    expect(await ask(bearer(text), { from: '192.0.2.1' })).toMatchObject({ kind: 'token' });
  });

  test('all addresses of a network of IPv6 count as one', async () => {
    for (let i = 0; i < throttleLimits.free; i++) await failing(`2001:db8:1:2::${i}`);
    expect(await failing('2001:db8:1:2:ffff::1')).toMatchObject({ code: 'TOO_MANY_ATTEMPTS' });
    expect(await failing('2001:db8:1:3::1')).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('they are in the audit once for each address in a minute, and the rest as a count', async () => {
    for (let i = 0; i < 50; i++) for (let j = 0; j < 3; j++) await failing(`192.0.2.${i}`);
    await clock.advance(noteLimits.everyMs);
    const [first] = world.told;
    expect(first?.lines).toHaveLength(noteLimits.refused);
    expect(first?.lines[0]).toMatchObject({
      ...{ action: 'request', on: 'GET /api/v1/jobs', outcome: 'refused', from: '192.0.2.0' },
      ...{ code: 'UNAUTHENTICATED', by: { kind: 'token', name: 'unknown' } },
    });
    await clock.advance(noteLimits.refusedEveryMs + noteLimits.everyMs);
    expect(world.told.slice(1).flatMap(({ lines }) => lines)).toMatchObject([
      { reason: `${150 - noteLimits.refused} more attempts were refused in a minute.` },
    ]);
  });
});

describe('notes', () => {
  test('what could not be told is told again', async () => {
    await world.close();
    let isAway = true;
    const told: unknown[] = [];
    world = await authWorld({
      clock,
      tell: async (each) => {
        if (isAway) throw new Error('away');
        told.push(each);
      },
    });
    await ask({}).catch(() => {});
    await clock.advance(noteLimits.everyMs);
    isAway = false;
    await clock.advance(noteLimits.everyMs);
    expect(told).toMatchObject([{ lines: [{ outcome: 'refused', at: start }] }]);
  });
});

describe('sessions', () => {
  const begin = async (more: { name?: string } = {}) => {
    const person = { kind: 'local', id: '1', name: 'ann', groups: [], ...more } as const;
    const { sessions } = world.authentication.parts;
    return sessions.begin(person);
  };
  const cookie = (text: string) => ({ cookie: `theme=dark; carillon=${text}` });

  test('a session is taken from the cookie and as a bearer, for eight hours', async () => {
    const text = await begin();
    expect(await ask(cookie(text))).toMatchObject({
      kind: 'local',
      name: 'ann',
      bindings: [{ role: 'admin' }],
    });
    expect(await ask(bearer(text))).toMatchObject({ name: 'ann' });
    clock.step(sessionMs - 1);
    await ask(cookie(text));
    clock.step(1_001);
    await expect(ask(cookie(text))).rejects.toMatchObject({
      message: 'The session has ended. Log in again.',
    });
  });

  test('it ends with its key, and a new key beside it changes nothing', async () => {
    const text = await begin();
    world.known.keys = [keyOf('second'), keyOf('first')];
    await ask(cookie(text));
    world.known.keys = [keyOf('second')];
    await expect(ask(cookie(text))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await ask(cookie(await begin()));
  });

  test('ends of sessions count at once, also for those that were verified before', async () => {
    const text = await begin();
    await ask(cookie(text));
    world.known.ends.set('1', start + 1);
    await expect(ask(cookie(text))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    clock.step(1);
    await ask(cookie(await begin()));
    world.known.ends.set('*', start + 2);
    await expect(ask(cookie(await begin()))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('a forged, changed or unsigned one is refused', async () => {
    const text = await begin();
    const [head, body, signature] = text.split('.') as [string, string, string];
    const changed = Buffer.from(Buffer.from(body, 'base64url').toString().replace('"ann"', '"bob"')).toString(
      'base64url',
    );
    const none = Buffer.from('{"alg":"none","kid":"first"}').toString('base64url');
    const keys = world.known.keys;
    world.known.keys = [{ ...keyOf('another'), id: 'first' }];
    const forged = await (async () => {
      const other = await authWorld({ clock });
      other.known.keys = world.known.keys;
      const made = await other.authentication.parts.sessions.begin({
        kind: 'local',
        id: '1',
        name: 'ann',
        groups: [],
      });
      await other.close();
      return made;
    })();
    world.known.keys = keys;
    for (const each of [`${head}.${changed}.${signature}`, `${none}.${body}.`, `${head}.${body}.`, forged])
      await expect(ask(cookie(each))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('what is signed for something else is no session', async () => {
    const { keys } = world.authentication.parts;
    const claims = { kind: 'local', sub: '1', name: 'ann', groups: [], jti: 'x', began: start };
    for (const audience of ['log-in', 'device', 'asker'] as const)
      await expect(ask(cookie(await keys.sign(audience, claims, 60_000)))).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
      });
    await ask(cookie(await keys.sign('session', claims, 60_000)));
  });
});

describe('requests of other nodes', () => {
  const asker = {
    principal: { kind: 'token', name: 'deploy', id: 'x', bindings: [{ role: 'viewer' }] },
    ...{ from: '198.51.100.7', via: null },
  } as const;
  const passed = { method: 'POST', path: '/api/v1/apply?dryRun=true' };
  const receive = (headers: Record<string, string>, more: object = {}) =>
    world.authentication.authenticator.received(question(headers, { ...passed, isPeer: true, ...more }));

  test('the asker arrives as he was, with the node that passed him on', async () => {
    const headers = await world.authentication.authenticator.passOn(asker, passed);
    expect(await receive(headers)).toEqual({ ...asker, via: 'node-1' });
    expect(await ask(headers, { ...passed, isPeer: true })).toEqual(asker.principal);
  });

  test('the largest asker leaves half of the room for headers to what the client sent', async () => {
    const name = 'n'.repeat(256);
    const binding = { role: 'viewer', jobs: '' } as const;
    const jobs = 'x'.repeat(maxBindingsBytes - bytesOfBindings([binding]));
    const principal = { kind: 'person', name, id: name, bindings: [{ ...binding, jobs }] } as const;
    expect(bytesOfBindings(principal.bindings)).toBe(maxBindingsBytes);
    const headers = await world.authentication.authenticator.passOn({ ...asker, principal }, passed);
    expect(JSON.stringify(headers).length).toBeLessThan(8 * 1024);
  });

  test('for another request, or later, he is refused', async () => {
    const headers = await world.authentication.authenticator.passOn(asker, passed);
    await expect(receive(headers, { method: 'DELETE' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(receive(headers, { path: '/api/v1/apply' })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    clock.step(89_000);
    await receive(headers);
    clock.step(2_000);
    await expect(receive(headers)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('the header is nothing elsewhere than at the listener for nodes', async () => {
    const headers = await world.authentication.authenticator.passOn(asker, passed);
    await expect(ask(headers, passed)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(receive({})).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(receive({ 'x-carillon-asker': 'e30.e30.e30' })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });
});

describe('a system that does not tell who owns a connection', () => {
  beforeEach(async () => {
    await world.close();
    world = await authWorld({ clock, names: ['carillon.example.org'] });
  });

  const link = (code: string, from = '127.0.0.1') =>
    world.authentication.logIns.byLink(question({ host: 'localhost' }, { from }), code);

  test('the server’s user finds a token in a file that only he reads', async () => {
    const { localToken } = world.authentication;
    const text = readFileSync(localToken!.path!, 'utf8').trim();
    expect(statSync(localToken!.path!).mode & 0o777).toBe(0o600);
    expect(await ask(bearer(text), { from: '127.0.0.1' })).toMatchObject({
      kind: 'local',
      bindings: [{ role: 'admin' }],
    });
    await expect(ask(bearer(text), { from: '192.0.2.7' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await localToken!.write(4_400);
    await expect(ask(bearer(text), { from: '127.0.0.1' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('a link begins a session once, for ten minutes, and on this host', async () => {
    const { localToken } = world.authentication;
    const code = localToken!.newLink();
    await expect(link('x')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(link(code, '192.0.2.7')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const { location, cookies } = await link(code);
    expect(location).toBe('/');
    expect(cookies[0]).toMatch(/^carillon=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=28800$/);
    const session = cookieIn({ cookie: cookies[0] }, 'carillon');
    expect(await ask({ cookie: `carillon=${session}` })).toMatchObject({ kind: 'local' });
    await expect(link(code)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const other = localToken!.newLink();
    await clock.advance(10 * 60_000);
    await expect(link(other)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});
