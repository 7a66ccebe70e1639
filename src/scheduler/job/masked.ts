/**
 * Masks credentials in addresses of a definition: they are shown as `***`, and restored when a client sends
 * back what it read. Credentials are a login (`//user:password@`) and query values whose names suggest one
 * (`token=`, `X-Amz-Signature=`). The command and the environment are shown as written.
 *
 * A credential is restored only for the address that it came from, because any other address may belong to
 * someone else.
 */

import { CarillonError } from '../../errors.ts';
import { sameJson } from './same.ts';

const mark = '***';

/** Scheme and slashes; browsers and Node.js accept any number of slashes in web addresses. */
const beginning = /^\s*(?:https?:[/\\]*|[a-z][a-z0-9+.:-]*:\/\/|\/\/)/i;

/** Names of query values that are credentials, in lower case without punctuation. */
const telling =
  /token|secret|passw|passphrase|signature|credential|apikey|accesskey|authkey|privatekey|sharedkey|accountkey|authorization/;
const tellingAlone = new Set(
  'key code pass pwd pw pin sig auth jwt sid sas hmac bearer login session sessionid otp googleaccessid'.split(
    ' ',
  ),
);

/** The text of an address, split around its credentials: `texts` has one entry more. */
interface Pieces {
  readonly texts: readonly string[];
  readonly credentials: readonly string[];
}

/**
 * Null for a text that does not start like an address. `within`: it is itself a query value in an address.
 */
function piecesOf(text: string, within = false): Pieces | null {
  const begin = beginning.exec(text)?.[0];
  if (begin === undefined) return null;
  const texts: string[] = [];
  const credentials: string[] = [];
  let before = begin;
  const cut = (credential: string): void => {
    texts.push(before);
    credentials.push(credential);
    before = '';
  };
  let rest = text.slice(begin.length);
  const at = endOfLogin(rest);
  if (at > 0) {
    cut(rest.slice(0, at));
    rest = rest.slice(at);
  }
  // Each part ends with the separator before the next one.
  for (const part of rest.split(/(?<=[?#&;])/)) {
    const [, name, value = '', end = ''] = /^([^=]*=)(.*?)([?#&;]?)$/s.exec(part) ?? [];
    if (name === undefined || value === '' || !(isTelling(name) || (!within && hasCredentials(value)))) {
      before += part;
      continue;
    }
    before += name;
    cut(value);
    before = end;
  }
  return { texts: [...texts, before], credentials };
}

/**
 * The index of the `@`; 0 or less without a login. A password may contain a character that ends a host; then
 * the text after the colon is not a port.
 */
function endOfLogin(rest: string): number {
  const authority = /^[^/?#\\]*/.exec(rest)?.[0] ?? '';
  const isHost = authority.startsWith('[') || !authority.includes(':') || /:\d*$/.test(authority);
  return (authority.includes('@') || isHost ? authority : rest).lastIndexOf('@');
}

function isTelling(name: string): boolean {
  const word = decoded(name)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');
  return telling.test(word) || tellingAlone.has(word);
}

/** Checks an address within an address, but no deeper. */
const hasCredentials = (value: string): boolean =>
  (piecesOf(decoded(value), true)?.credentials.length ?? 0) > 0;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Replaces each credential of an address by `***`; other texts are unchanged. */
export function shownText(text: string): string {
  const pieces = piecesOf(text);
  return pieces === null || pieces.credentials.length === 0 ? text : pieces.texts.join(mark);
}

/** For messages: also masks addresses inside the text. */
export const shownInMessage = (text: string): string =>
  shownText(text).replaceAll(/\/\/[^\s"']+/g, (address) => shownText(address));

/** A definition, a Chronos job, or the part of one at `place` (`run.fetch`), masked for display. */
export const shown = <T>(value: T, place = ''): T => mapTexts(value, place, shownText) as T;

/** Shown as written, because it is the program's input. In a definition and in a Chronos job. */
const asWritten = /^(?:run\.(?:env|command)|(?:chronos\.)?(?:environmentVariables|command))(?=$|[.[])/;

/** Returns the same value if no text changes. `place` is the path of the value: `run.fetch[0].uri`. */
function mapTexts(
  value: unknown,
  place: string,
  change: (text: string, place: string, holder: unknown) => string,
  holder: unknown = null,
): unknown {
  if (asWritten.test(place)) return value;
  if (typeof value === 'string') return change(value, place, holder);
  if (typeof value !== 'object' || value === null) return value;
  let changed = false;
  const map = (each: unknown, at: string): unknown => {
    const mapped = mapTexts(each, at, change, value);
    changed ||= mapped !== each;
    return mapped;
  };
  const copy = Array.isArray(value)
    ? value.map((each, index) => map(each, `${place}[${index}]`))
    : Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, map(each, place === '' ? key : `${place}.${key}`)]),
      );
  return changed ? copy : value;
}

/** A stored address. */
interface Stored {
  readonly place: string;
  readonly shown: string;
  readonly credentials: readonly string[];
  readonly holder: unknown;
}

/**
 * Restores the credentials of `stored` where `sent` has `***`. Both are definitions, or both Chronos jobs.
 * INVALID_FIELD if there is no such address, or several that differ only in their credentials.
 */
export function unmasked<T>(sent: T, stored: object | null, source: string): T {
  let known: Stored[] | null = null;
  return mapTexts(sent, '', (text, place, holder) => {
    const pieces = piecesOf(text);
    if (pieces === null || !pieces.credentials.some(isMasked)) return text;
    known ??= stored === null ? [] : addressesIn(stored);
    const own = ownAddress(known, { place, shown: shownText(text), holder });
    const credentials = pieces.credentials.map((each, index) => restored(each, own?.credentials[index]));
    if (credentials.some((each) => each === null)) throw nothingToKeep(text, place, source, stored !== null);
    return pieces.texts.flatMap((each, index) => [each, credentials[index] ?? '']).join('');
  }) as T;
}

function addressesIn(stored: object): Stored[] {
  const found: Stored[] = [];
  mapTexts(stored, '', (text, place, holder) => {
    const { credentials = [] } = piecesOf(text) ?? {};
    if (credentials.length > 0) found.push({ place, shown: shownText(text), credentials, holder });
    return text;
  });
  return found;
}

/**
 * Addresses with the same masked form are distinguished by the fields beside them, then by their position.
 */
function ownAddress(
  known: readonly Stored[],
  sent: Pick<Stored, 'place' | 'shown' | 'holder'>,
): Stored | null {
  let left = known.filter((each) => each.shown === sent.shown);
  const among = (each: Stored): boolean => sameJson(shown(each.holder), shown(sent.holder));
  for (const narrow of [among, (each: Stored) => each.place === sent.place]) {
    if (left.every(({ credentials }) => sameJson(credentials, left[0]?.credentials))) break;
    left = left.filter(narrow);
  }
  return left[0] ?? null;
}

const isMark = (text: string): boolean => decoded(text) === mark;

/** Masked as shown, or as a user may write it: `***`, or a login with it. */
const isMasked = (credential: string): boolean => credential.split(':').some(isMark);

/** Null: it is ambiguous what the mask stands for. */
function restored(credential: string, stored: string | undefined): string | null {
  if (!isMasked(credential)) return credential;
  if (stored === undefined) return null;
  if (isMark(credential)) return stored;
  // The login with its user name.
  const user = credential.slice(0, credential.indexOf(':') + 1);
  return stored.startsWith(user) && isMark(credential.slice(user.length)) ? stored : null;
}

function nothingToKeep(text: string, field: string, source: string, exists: boolean): CarillonError {
  const value = shownText(text).slice(0, 200);
  const why = exists
    ? 'the stored job has no credential for this address'
    : 'there is no stored job to take it from';
  return new CarillonError(
    'INVALID_FIELD',
    `${field} is ${JSON.stringify(value)}, with *** in place of a credential, and ${why}. Write the credential itself, or leave the address as it was.`,
    { field, value, allowed: 'the address with its credential, or unchanged from the stored job', source },
  );
}
