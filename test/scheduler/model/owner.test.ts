/** Which parts of an owner get mail. */

import { describe, expect, test } from 'vitest';
import { addressesOf } from '../../../src/scheduler/model/owner.ts';

describe('the addresses of an owner', () => {
  test.each<[string, string | null, string[]]>([
    ['one', 'ann@example.com', ['ann@example.com']],
    ['a list, as in Chronos', 'ann@example.com, bob@example.com', ['ann@example.com', 'bob@example.com']],
    ['each once', 'ann@example.com,ann@example.com', ['ann@example.com']],
    ['beside names', 'data team, ann@example.com', ['ann@example.com']],
    ['none in a name', 'data team', []],
    ['none without an owner', null, []],
    ['nothing that would add a header', 'ann@example.com\r\nBcc: eve@evil.example.com', []],
    ['nothing that would add a recipient', '<ann@example.com> <eve@evil.example.com>', []],
    ['nothing that is not plain', '"a b"@example.com,a@[127.0.0.1],ann@exämple.com,@example.com,ann@', []],
    ['nothing of an address that was cut', `${'a'.repeat(60)}@${'b'.repeat(900)}…`, []],
  ])('%s', (_, owner, addresses) => {
    expect(addressesOf(owner, null)).toEqual(addresses);
  });

  test('are at most fifty', () => {
    const many = Array.from({ length: 60 }, (_, i) => `a${i}@example.com`).join();
    expect(addressesOf(many, null)).toHaveLength(50);
  });

  test('are those of the domains, and not of domains that look like them', () => {
    const owner = 'ann@Example.com,bob@example.com.evil.example.org,eve@evil-example.com,joe@sub.example.com';
    expect(addressesOf(owner, ['example.com'])).toEqual(['ann@Example.com']);
  });
});
