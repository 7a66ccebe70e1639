import { describe, expect, test } from 'vitest';
import { shown, shownText, unmasked } from '../../../src/scheduler/job/masked.ts';

describe('an address is shown without', () => {
  test.each([
    ['a login', 'https://ann:s3cret@host/x?a=1', 'https://***@host/x?a=1'],
    ['a token as its login', 'https://ghp_s3cret@host/x', 'https://***@host/x'],
    ['a password that holds an @', 'https://ann:s3@cret@host/x', 'https://***@host/x'],
    ['a password that holds a slash', 'https://ann:s3/cret@host/x', 'https://***@host/x'],
    ['a password that holds a ?', 'https://ann:s3?cret@host/x', 'https://***@host/x'],
    ['a login of any scheme', 's3n://id:s3cret@bucket/x', 's3n://***@bucket/x'],
    ['a login of schemes in a row', 'jdbc:mysql://ann:s3cret@db/x', 'jdbc:mysql://***@db/x'],
    ['a login behind one slash, as Node takes it', 'https:/ann:s3cret@host', 'https:/***@host'],
    ['a login behind three', 'HTTPS:///ann:s3cret@host', 'HTTPS:///***@host'],
    ['a login without a scheme', '//ann:s3cret@host', '//***@host'],
    ['a login before an address of version 6', 'http://a:s3cret@[::1]:80/', 'http://***@[::1]:80/'],
    ['a login behind blanks', '  https://a:s3cret@host ', '  https://***@host '],
    ['a token', 'https://h/x?a=1&token=s3cret&b=2#c', 'https://h/x?a=1&token=***&b=2#c'],
    ['a signature', 'https://h/x?X-Amz-Signature=s3cret', 'https://h/x?X-Amz-Signature=***'],
    ['a shared signature', 'https://h/x?se=1&sig=s3%2Fcret%3D', 'https://h/x?se=1&sig=***'],
    ['several', 'https://h?access_token=s3cret&key=s3cret', 'https://h?access_token=***&key=***'],
    ['a value that holds what parts others', 'https://h?password=s3=cret', 'https://h?password=***'],
    ['one behind a semicolon', 'https://h?a=1;apiKey=s3cret', 'https://h?a=1;apiKey=***'],
    ['one whose name is encoded', 'https://h?%74oken=s3cret', 'https://h?%74oken=***'],
    ['one in a fragment', 'https://h#access_token=s3cret', 'https://h#access_token=***'],
    ['one of an address within', 'https://h?to=https%3A%2F%2Fa%3As3cret%40i', 'https://h?to=***'],
  ])('%s', (_, address, expected) => {
    expect(shownText(address)).toBe(expected);
    expect(shownText(expected)).toBe(expected);
  });

  test.each([
    'https://host:8080/a@b?page=2&size=10#part',
    'http://[::1]:80/@scope/name',
    'mongodb://h1:27017,h2:27017/x',
    '/full/path?key=value',
    'team@example.com',
    'token=abc',
    'https://h?token=&key',
    'R/2026-01-01T00:00:00Z/PT5S',
  ])('nothing: %s', (text) => {
    expect(shownText(text)).toBe(text);
  });
});

test('an address that holds others without end is looked into once', () => {
  const nested = `https://h?a=${'//b='.repeat(20_000)}`;
  expect(shownText(nested)).toBe(nested);
});

test('what the program is given is shown as it is written, all else is not', () => {
  const uri = 'https://a:b@h';
  const run = { command: uri, env: { URL: uri }, argv: [uri], fetch: [{ uri }] };
  const chronos = { command: uri, environmentVariables: [{ name: 'A', value: uri }], uris: [uri] };
  expect(shown({ run, chronos, alerts: { to: [uri] }, labels: { env: uri } })).toEqual({
    run: { ...run, argv: ['https://***@h'], fetch: [{ uri: 'https://***@h' }] },
    chronos: { ...chronos, uris: ['https://***@h'] },
    alerts: { to: ['https://***@h'] },
    labels: { env: 'https://***@h' },
  });
  const plain = { run: { env: { URL: uri } } };
  expect(shown(plain)).toBe(plain);
});

describe('a credential that is sent back as *** is', () => {
  const stored = ['https://a:1@h/x?token=2', 'https://b:3@i'];
  const sent =
    (...addresses: string[]) =>
    () =>
      unmasked(addresses, stored, 'body');

  test.each<[string, string[], string[]]>([
    ['kept in its address', ['https://***@h/x?token=***', 'https://***@i'], stored],
    ['kept in another order', ['https://***@i', 'https://***@h/x?token=***'], stored.toReversed()],
    ['kept beside one that is new', ['https://***@h/x?token=new'], ['https://a:1@h/x?token=new']],
    ['kept for a user who is named', ['https://b:***@i'], ['https://b:3@i']],
    ['kept when it is sent encoded', ['https://%2A%2A%2A@i'], ['https://b:3@i']],
    ['kept twice', ['https://***@i', 'https://***@i'], ['https://b:3@i', 'https://b:3@i']],
    ['not looked for where none is masked', ['https://c:d@j'], ['https://c:d@j']],
  ])('%s', (_, addresses, expected) => {
    expect(sent(...addresses)()).toEqual(expected);
  });

  test.each([
    ['another host', 'https://***@evil/x?token=***'],
    ['another port', 'https://***@i:444'],
    ['another scheme', 'http://***@i'],
    ['another path', 'https://***@h/y?token=***'],
    ['another query', 'https://***@h/x?token=***&to=evil'],
    ['a credential where there was none', 'https://i?token=***'],
    ['another user', 'https://c:***@i'],
    ['a user that is not known and another password', 'https://***:new@i'],
  ])('refused with %s', (_, address) => {
    expect(sent(address)).toThrow(
      expect.objectContaining({
        code: 'INVALID_FIELD',
        details: expect.objectContaining({ field: '[0]', value: shownText(address), source: 'body' }),
      }),
    );
    expect(sent(address)).toThrow(/the stored job has no credential for this address\. Write the credential/);
  });

  test('refused where there is no stored job', () => {
    expect(() => unmasked(['https://***@i'], null, 'body')).toThrow(/there is no stored job to take it from/);
  });
});

describe('of addresses that differ in nothing but their credentials', () => {
  const [one, two] = [
    { uri: 'https://a:1@h', output: 'one' },
    { uri: 'https://b:2@h', output: 'two' },
  ];
  const stored = { run: { fetch: [one, two] }, uris: ['https://c:3@h', 'https://d:4@h'] };

  test('each keeps its own by what stands beside it, in any order', () => {
    const { run } = shown(stored);
    expect(unmasked({ run: { fetch: run.fetch.toReversed() } }, stored, 'body')).toEqual({
      run: { fetch: [two, one] },
    });
  });

  test('each keeps its own in a list that is as it was', () => {
    expect(unmasked(shown(stored), stored, 'body')).toEqual(stored);
  });

  test('none is guessed in a list that is not', () => {
    expect(() => unmasked({ uris: ['https://***@h'] }, stored, 'body')).toThrow(/uris\[0\]/);
    const moved = { run: { fetch: [{ uri: 'https://***@h', output: 'three' }] } };
    expect(() => unmasked(moved, stored, 'body')).toThrow(/run\.fetch\[0\]\.uri/);
  });
});
