/**
 * Log-ins: through the identity provider in the browser (begin, and finish at the return), by a code on another device for
 * the command line, and by a link of the server's own user. What a log-in that has begun must remember is signed and kept
 * by the browser, so that any node can finish it.
 */

import { CarillonError } from '../errors.ts';
import { utf8Length } from '../scheduler/job/texts.ts';
import type { DeviceLogIn, LogInOptions, NewToken, Redirect } from '../who-asks/log-in.ts';
import type { Question } from '../who-asks/question.ts';
import type { RequestAuthenticator } from './authenticator.ts';
import type { Oidc } from './file.ts';
import { type Keys, type NewKey, newKey } from './keys.ts';
import { localPrincipal } from './local.ts';
import type { LocalToken } from './local-token.ts';
import type { Notes } from './notes.ts';
import type { PeopleFile } from './people-file.ts';
import { type Begun, type Claimed, Provider } from './provider.ts';
import { addressOf, isEncrypted, isFromThisHost, unauthenticated } from './question.ts';
import {
  cookieIn,
  cookieName,
  cookieOf,
  logInCookieName,
  type Person,
  type Sessions,
  sessionMs,
} from './sessions.ts';
import type { Throttle } from './throttle.ts';
import { newToken } from './tokens.ts';

/** How long somebody may take at the provider. */
const logInMs = 10 * 60_000;
/** An end of sessions takes an id as long. */
const maxNameBytes = 256;
const callbackPath = '/api/v1/login/callback';
export const linkPath = '/api/v1/login/link';

export interface LogInsParts {
  readonly keys: Keys;
  readonly sessions: Sessions;
  readonly file: PeopleFile;
  readonly authenticator: RequestAuthenticator;
  /** Null: there are no links. */
  readonly localToken: LocalToken | null;
  readonly throttle: Throttle;
  readonly notes: Notes;
}

export class LogIns {
  readonly #parts: LogInsParts;
  readonly #providers = new WeakMap<Oidc, Provider>();

  constructor(parts: LogInsParts) {
    this.#parts = parts;
  }

  options(): LogInOptions {
    const { oidc } = this.#parts.file.current;
    return { provider: oidc === null ? null : new URL(oidc.issuer).host };
  }

  /** Why the file of people could not be read again: what it says is not for strangers. */
  get problem(): string | null {
    return this.#parts.file.problem;
  }

  /** `to`: a path of this server for after the log-in. PROVIDER_UNAVAILABLE. */
  async begin(question: Question, to: string): Promise<Redirect> {
    const { redirectUrl } = this.#oidc();
    const origin = `${isEncrypted(question) ? 'https' : 'http'}://${question.headers.host}`;
    const { begun, location } = await this.#provider().begin(redirectUrl ?? `${origin}${callbackPath}`);
    const text = await this.#parts.keys.sign('log-in', { ...begun, to: pathIn(to) }, logInMs);
    return { location, cookies: [this.#cookie(question, logInCookieName, text, logInMs)] };
  }

  /** The return from the provider. UNAUTHENTICATED, FORBIDDEN, PROVIDER_UNAVAILABLE. */
  async finish(question: Question): Promise<Redirect> {
    const text = cookieIn(question.headers, logInCookieName(this.#parts.authenticator.isSecure(question)));
    const begun = text === null ? null : await this.#parts.keys.verify('log-in', text);
    if (begun === null)
      throw unauthenticated('This log-in did not begin in this browser, or took too long. Begin again.');
    const { to, ...rest } = begun.claims as unknown as Begun & { readonly to: string };
    const search = question.path.includes('?') ? question.path.slice(question.path.indexOf('?')) : '';
    const person = await this.#known(question, () => this.#provider().finish(rest, search));
    return { location: to, cookies: [...(await this.#sessionCookies(question, person))] };
  }

  /** By the link that was printed at the start. UNAUTHENTICATED. */
  async byLink(question: Question, code: string): Promise<Redirect> {
    const isRight = isFromThisHost(question.socket) && this.#parts.localToken?.takeLink(code) === true;
    if (!isRight) {
      const problem = unauthenticated(
        'The link is not valid, was used already, or is older than ten minutes.',
      );
      throw this.#refused(question, problem);
    }
    const { name, id } = localPrincipal(process.getuid?.() ?? 0);
    const person = { kind: 'local', name, id, groups: [] } as const;
    this.#noteDone(question, person);
    return { location: '/', cookies: await this.#sessionCookies(question, person) };
  }

  /** By a token: the session has its rights, and ends with it. UNAUTHENTICATED, TOO_MANY_ATTEMPTS. */
  async byToken(question: Question, text: string): Promise<readonly string[]> {
    const { kind, name, id } = this.#parts.authenticator.holderOf(text, question);
    const holder = { kind: kind === 'local' ? kind : 'token', name, id, groups: [] } as const;
    const cookies = await this.#sessionCookies(question, holder);
    this.#noteDone(question, holder);
    return cookies;
  }

  async beginDevice(): Promise<DeviceLogIn> {
    const { deviceCode, ...rest } = await this.#provider().beginDevice();
    return {
      device: await this.#parts.keys.sign('device', { deviceCode }, rest.expiresInS * 1_000),
      ...rest,
    };
  }

  /** The text of a session. Null: the person has not finished yet. */
  async finishDevice(question: Question, device: string): Promise<string | null> {
    const begun = await this.#parts.keys.verify('device', device);
    if (begun === null)
      throw unauthenticated('The log-in did not begin here, or took too long. Begin again.');
    const person = await this.#known(question, () =>
      this.#provider().finishDevice(String(begun.claims.deviceCode)),
    );
    return person === null ? null : this.#parts.sessions.begin(person);
  }

  newToken(): NewToken {
    return newToken();
  }

  newKey(): NewKey {
    return newKey();
  }

  async hasSession(question: Question): Promise<boolean> {
    return (await this.#parts.authenticator.sessionOf(question)) !== null;
  }

  /** Ends the session of the request, if it has one. Returns cookies for the browser. NOT_LEADING, STORE_UNAVAILABLE. */
  async logOut(question: Question): Promise<readonly string[]> {
    const session = await this.#parts.authenticator.sessionOf(question);
    if (session !== null) {
      const { kind, name } = session;
      await this.#parts.notes.end({ id: session.session, by: name });
      this.#parts.notes.done({ by: { kind, name }, from: addressOf(question), action: 'log-out', on: null });
    }
    return [this.#cookie(question, cookieName, '', 0)];
  }

  /** Notes a log-in, or that it failed. */
  async #known<T extends Claimed | null>(
    question: Question,
    ask: () => Promise<T>,
  ): Promise<Person | Extract<T, null>> {
    try {
      const claimed = await ask();
      if (claimed === null) return null as Extract<T, null>;
      const person = this.#personOf(claimed);
      this.#noteDone(question, person);
      return person;
    } catch (error) {
      if (!(error instanceof CarillonError) || error.code === 'PROVIDER_UNAVAILABLE') throw error;
      throw this.#refused(question, error);
    }
  }

  /** FORBIDDEN: no rule gives this person a role, or too many do, or the name is too long. */
  #personOf({ id, name, groups }: Claimed): Person {
    for (const text of [id, name])
      if (utf8Length(text) > maxNameBytes)
        throw new CarillonError(
          'FORBIDDEN',
          `The identity provider says the name or the id of the person in ${utf8Length(text)} bytes. Allowed: at most ${maxNameBytes}.`,
        );
    const { people } = this.#parts.file.current;
    const known = people.knownGroups(groups);
    if (people.bindingsOf(name, known).length === 0)
      throw new CarillonError(
        'FORBIDDEN',
        `${name} has no role here. An administrator gives one with a rule in the file of --auth-file.`,
        { names: [name] },
      );
    return { kind: 'person', id, name, groups: known };
  }

  #refused(question: Question, problem: CarillonError): CarillonError {
    const from = addressOf(question);
    const refusal = this.#parts.throttle.failed(from, null, problem);
    const by = { kind: 'person', name: problem.details.names?.[0] ?? 'unknown' } as const;
    this.#parts.notes.refused({ by, from, action: 'log-in', on: null }, refusal);
    return refusal;
  }

  #noteDone(question: Question, { kind, name }: Person): void {
    this.#parts.notes.done({ by: { kind, name }, from: addressOf(question), action: 'log-in', on: null });
  }

  async #sessionCookies(question: Question, person: Person): Promise<readonly string[]> {
    const text = await this.#parts.sessions.begin(person);
    return [
      this.#cookie(question, cookieName, text, sessionMs),
      this.#cookie(question, logInCookieName, '', 0),
    ];
  }

  #cookie(question: Question, nameOf: (isSecure: boolean) => string, value: string, lifeMs: number): string {
    const isSecure = this.#parts.authenticator.isSecure(question);
    return cookieOf(nameOf(isSecure), value, lifeMs, isSecure);
  }

  #provider(): Provider {
    const oidc = this.#oidc();
    let provider = this.#providers.get(oidc);
    if (provider === undefined) {
      provider = new Provider(oidc);
      this.#providers.set(oidc, provider);
    }
    return provider;
  }

  #oidc(): Oidc {
    const { oidc } = this.#parts.file.current;
    if (oidc !== null) return oidc;
    throw new CarillonError(
      'NOT_FOUND',
      'This installation has no identity provider. An administrator sets one with oidc in the file of --auth-file; until then, use a token.',
    );
  }
}

/** Never another server: `//example.org` and `/\example.org` are addresses of others to a browser. */
export function pathIn(to: string): string {
  const here = 'http://carillon.invalid';
  if (!/^\/(?![/\\])[!-~]*$/.test(to) || !URL.canParse(to, here)) return '/';
  const { origin, pathname, search, hash } = new URL(to, here);
  return origin === here && !pathname.startsWith('//') ? `${pathname}${search}${hash}` : '/';
}
