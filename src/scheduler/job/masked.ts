/**
 * Credentials in the addresses of a definition: shown as `***`, and put back when a client sends what it has read.
 * Credentials are a login (`//user:password@`) and query values whose names say so (`token=`, `X-Amz-Signature=`).
 * The command and the environment are shown as they are written.
 *
 * A credential returns only to the address that it came from: any other could belong to somebody else.
 */

import { CarillonError } from '../../errors.ts';
import { sameJson } from './same.ts';

const mark = '***';

/** Scheme and slashes; browsers and Node take web addresses with any number of these. */
const beginning = /^\s*(?:https?:[/\\]*|[a-z][a-z0-9+.:-]*:\/\/|\/\/)/i;

/** Names of query values, in small letters and without punctuation. */
const telling =
  /token|secret|passw|passphrase|signature|credential|apikey|accesskey|authkey|privatekey|sharedkey|accountkey|authorization/;
const tellingAlone = new Set(
  'key code pass pwd pw pin sig auth jwt sid sas hmac bearer login session sessionid otp googleaccessid'.split(
    ' ',
  ),
);

/** The text of an address, cut around its credentials: `texts` has one entry more. */
interface Pieces {
  readonly texts: readonly string[];
  readonly credentials: readonly string[];
}

/** Null for a text that does not begin like an address. `within`: it is itself a value in an address. */
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
  // Each part ends with what begins the next one.
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
 * The index of the `@`, 0 or less where there is no login. A password may hold what ends a host, as it should not:
 * then what stands behind the colon is no port.
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

/** One address within another is looked into, and none within that. */
const hasCredentials = (value: string): boolean =>
  (piecesOf(decoded(value), true)?.credentials.length ?? 0) > 0;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `***` in the place of each credential of an address; other texts as they are. */
export function shownText(text: string): string {
  const pieces = piecesOf(text);
  return pieces === null || pieces.credentials.length === 0 ? text : pieces.texts.join(mark);
}

/** For messages: also without the credentials of addresses inside the text. */
export const shownInMessage = (text: string): string =>
  shownText(text).replaceAll(/\/\/[^\s"']+/g, (address) => shownText(address));

/** A definition, a Chronos job, or the part of one at `place` (`run.fetch`), as it is shown. */
export const shown = <T>(value: T, place = ''): T => mapTexts(value, place, shownText) as T;

/** What the program is given, in a definition and in a Chronos job. */
const asWritten = /^(?:run\.(?:env|command)|(?:chronos\.)?(?:environmentVariables|command))(?=$|[.[])/;

/** The value itself where no text of it changes. `place` is the path of the value: `run.fetch[0].uri`. */
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

/** An address as it is stored. */
interface Stored {
  readonly place: string;
  readonly shown: string;
  readonly credentials: readonly string[];
  readonly holder: unknown;
}

/**
 * What was sent, with the credentials of `stored` where it has `***`. Both are definitions, or both Chronos jobs.
 * INVALID_FIELD where there is no such address, or several that differ in nothing but their credentials.
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

/** Addresses that are shown alike are told apart by what stands beside them, then by their place. */
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

/** As it is shown, or as somebody writes it: `***`, or a login with it. */
const isMasked = (credential: string): boolean => credential.split(':').some(isMark);

/** Null: it can't be told what the mark stands for. */
function restored(credential: string, stored: string | undefined): string | null {
  if (!isMasked(credential)) return credential;
  if (stored === undefined) return null;
  if (isMark(credential)) return stored;
  // The login with its user's name.
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
