/** Which connections come from this host. */

import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { isFromThisHost } from '../../src/auth/question.ts';

test.each<[string, string | undefined, string | undefined, boolean]>([
  ['over loopback', '127.0.0.1', '127.0.0.1', true],
  ['over another address of loopback', '127.0.0.2', '127.0.0.1', true],
  ['over IPv6', '::1', '::1', true],
  ['over IPv4 written as IPv6', '::ffff:127.0.0.1', '::ffff:127.0.0.1', true],
  ['over its own address in the network', '10.0.0.5', '10.0.0.5', true],
  ['of a neighbour', '10.0.0.6', '10.0.0.5', false],
  ['of an address that only begins like loopback', '127.0.0.1.example.org', '10.0.0.5', false],
  ['that is closed already', undefined, undefined, false],
])('a connection %s', (_, remoteAddress, localAddress, isFromHere) => {
  expect(isFromThisHost({ remoteAddress, localAddress } as Socket)).toBe(isFromHere);
});
