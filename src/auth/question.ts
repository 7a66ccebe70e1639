/** What is known of a request that asks to be let in. */

import type { IncomingHttpHeaders } from 'node:http';
import { CarillonError } from '../errors.ts';
import type { Question } from '../who-asks/question.ts';

/** An address of this host that only this host reaches, also when IPv4 is written as IPv6. */
export const isLoopbackAddress = (address: string | undefined): boolean =>
  address === '::1' || /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(address ?? '');

/** Whether a program of this host has the other end: of a loopback address, or of the address that it connected to. */
export const isFromThisHost = ({ remoteAddress, localAddress }: Question['socket']): boolean =>
  isLoopbackAddress(remoteAddress) || (remoteAddress !== undefined && remoteAddress === localAddress);

/** Address of the client as people write it. */
export const addressOf = ({ socket }: Pick<Question, 'socket'>): string =>
  (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d)/i, '');

export const isEncrypted = ({ socket }: Pick<Question, 'socket'>): boolean =>
  'encrypted' in socket && socket.encrypted === true;

/** A text in `authorization`, without its scheme. Null: there is none of this scheme. */
export function credentialsIn(headers: IncomingHttpHeaders, scheme: 'bearer' | 'basic'): string | null {
  const given = headers.authorization ?? '';
  const isOfScheme = given.slice(0, scheme.length + 1).toLowerCase() === `${scheme} `;
  return isOfScheme ? given.slice(scheme.length + 1).trim() : null;
}

export const unauthenticated = (message: string, field?: string): CarillonError =>
  new CarillonError('UNAUTHENTICATED', message, {
    ...(field !== undefined && { field, source: 'header' }),
    allowed: 'a token (Authorization: Bearer carillon_…), or a session (carillon login, or the log-in page)',
  });
