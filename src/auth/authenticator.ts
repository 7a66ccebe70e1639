/**
 * Proves who sends a request. A credential that is given must be right; without one, the connection may prove it: by its
 * owner on this host, or by a client certificate.
 */

import type { TLSSocket } from 'node:tls';
import type { CarillonError } from '../errors.ts';
import { askerHeader } from '../peers/client.ts';
import type { Asker, Principal } from '../scheduler/access/principal.ts';
import type { Token } from '../scheduler/model/token.ts';
import type { Clock } from '../scheduler/ports.ts';
import type { Passed, Question } from '../who-asks/question.ts';
import type { Askers } from './askers.ts';
import type { NodeCall } from './calls.ts';
import { type LocalTrust, localBindings, localPrincipal } from './local.ts';
import type { LocalToken } from './local-token.ts';
import type { Notes } from './notes.ts';
import type { PeopleFile } from './people-file.ts';
import { addressOf, credentialsIn, isEncrypted, isFromThisHost, unauthenticated } from './question.ts';
import { cookieIn, cookieName, type Session, type Sessions } from './sessions.ts';
import type { Throttle } from './throttle.ts';
import { tokenIdIn, tokenWith } from './tokens.ts';

export interface AuthenticatorParts {
  readonly clock: Pick<Clock, 'now'>;
  readonly token: (id: string) => Token | undefined;
  readonly local: LocalTrust;
  /** Null: it is not needed here. */
  readonly localToken: LocalToken | null;
  readonly sessions: Sessions;
  readonly file: PeopleFile;
  readonly askers: Askers;
  readonly throttle: Throttle;
  readonly notes: Notes;
}

/** Characters of an address in a note. */
const mostOfPlace = 200;

/** A credential that was not right. */
interface Failure {
  readonly problem: CarillonError;
  /** Of whom it claims to be, for the audit and the throttle. */
  readonly kind: 'token' | 'person';
  readonly name: string | null;
}

export class RequestAuthenticator {
  readonly #parts: AuthenticatorParts;
  readonly #ofTokens = new WeakMap<Token, Principal>();
  readonly #ofSessions = new WeakMap<Session, { readonly file: unknown; readonly principal: Principal }>();
  readonly #ofCertificates = new WeakMap<
    object,
    { readonly file: unknown; readonly principal: Principal | null }
  >();

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
  }

  /** Who asks. UNAUTHENTICATED, TOO_MANY_ATTEMPTS. */
  async authenticate(question: Question): Promise<Principal> {
    if (question.isPeer) return (await this.received(question)).principal;
    const { headers } = question;
    const given = headers.authorization === undefined ? null : await this.#byHeader(question);
    if (given !== null) return 'problem' in given ? this.#fail(question, given) : given;
    const proven =
      (await this.#byCookie(question)) ??
      this.#byCertificate(question) ??
      (await this.#parts.local.principalOf(question));
    if (proven !== null) return proven;
    throw this.#stranger(question);
  }

  /** Who asked the node that passed the request on, or that node itself. UNAUTHENTICATED. */
  async received(question: Question): Promise<Asker> {
    const given = question.headers[askerHeader];
    const asker = typeof given === 'string' ? await this.#parts.askers.verify(given, question) : null;
    if (asker !== null) return asker;
    throw this.#fail(question, {
      problem: unauthenticated('The request is not signed by a node of this installation.', askerHeader),
      kind: 'person',
      name: null,
    });
  }

  /** Whose token a text is. UNAUTHENTICATED, TOO_MANY_ATTEMPTS. */
  holderOf(text: string, question: Question): Principal {
    const holder = this.#localHolder(text, question) ?? this.#byToken(text, question);
    return 'problem' in holder ? this.#fail(question, holder) : holder;
  }

  /** Notes that somebody known may not do it. Nobody waits for that: it is no attempt to be somebody else. */
  refused({ principal, from }: Asker, question: Question, problem: CarillonError): void {
    const { kind, name } = principal;
    this.#parts.notes.forbidden(
      { by: { kind, name }, from, action: 'request', on: placeOf(question) },
      problem,
    );
  }

  /** Notes what another node asked of an engine here. */
  called(asker: Asker, call: Omit<NodeCall, 'by' | 'from'>): void {
    const { kind, name } = asker.principal;
    this.#parts.notes.called({ ...call, by: { kind, name }, from: asker.from });
  }

  /** Headers by which another node knows for whom it is asked. */
  async passOn(asker: Asker, passed: Passed): Promise<Record<string, string>> {
    return { [askerHeader]: await this.#parts.askers.sign(asker, passed) };
  }

  /** The session of a request that has one. */
  async sessionOf({ headers, socket }: Question): Promise<Session | null> {
    const isSecure = this.isSecure({ socket });
    const text = credentialsIn(headers, 'bearer') ?? cookieIn(headers, cookieName(isSecure));
    return text === null ? null : this.#parts.sessions.sessionIn(text);
  }

  /** Whether the browser speaks HTTPS, here or with what is in front of this server. */
  isSecure(question: Pick<Question, 'socket'>): boolean {
    return isEncrypted(question) || this.#parts.file.current.oidc?.redirectUrl?.startsWith('https:') === true;
  }

  async #byHeader(question: Question): Promise<Principal | Failure> {
    const { headers } = question;
    const password = passwordIn(credentialsIn(headers, 'basic'));
    const text = credentialsIn(headers, 'bearer') ?? password;
    const schemes = 'Authorization has neither a bearer token, nor Basic with a token as the password.';
    if (text === null)
      return { problem: unauthenticated(schemes, 'authorization'), kind: 'token', name: null };
    const local = this.#localHolder(text, question);
    if (local !== null) return local;
    if (password === null && text.startsWith('ey')) {
      const session = await this.#parts.sessions.sessionIn(text);
      const problem = unauthenticated(
        'The session has ended. Log in again: carillon login.',
        'authorization',
      );
      const principal = session === null ? null : this.#principalOf(session, question);
      return principal ?? { problem, kind: 'person', name: null };
    }
    return this.#byToken(text, question);
  }

  #localHolder(text: string, { socket }: Question): Principal | null {
    const isIt = isFromThisHost(socket) && this.#parts.localToken?.isToken(text) === true;
    return isIt ? localPrincipal(process.getuid?.() ?? 0) : null;
  }

  #byToken(text: string, question: Question): Principal | Failure {
    const { clock, notes } = this.#parts;
    const token = tokenWith(text, this.#parts.token);
    const name = tokenIdIn(text);
    if (token === null)
      return { problem: unauthenticated('The token is not valid.', 'authorization'), kind: 'token', name };
    if (token.expiresAt !== null && token.expiresAt <= clock.now()) {
      const at = new Date(token.expiresAt).toISOString();
      const problem = unauthenticated(`The token ${token.name} expired at ${at}.`, 'authorization');
      return { problem, kind: 'token', name: token.name };
    }
    notes.used(token, addressOf(question));
    return this.#principalWith(token);
  }

  #principalWith(token: Token): Principal {
    let principal = this.#ofTokens.get(token);
    if (principal === undefined) {
      principal = { kind: 'token', name: token.name, id: token.id, bindings: token.bindings };
      this.#ofTokens.set(token, principal);
    }
    return principal;
  }

  async #byCookie(question: Question): Promise<Principal | null> {
    if (question.headers.cookie === undefined) return null;
    const text = cookieIn(question.headers, cookieName(this.isSecure(question)));
    const session = text === null ? null : await this.#parts.sessions.sessionIn(text);
    return session === null ? null : this.#principalOf(session, question);
  }

  /** Null: the session was begun with a token that has ended. */
  #principalOf(session: Session, question: Question): Principal | null {
    if (session.kind === 'token') {
      const token = this.#parts.token(session.id);
      if (token === undefined || (token.expiresAt !== null && token.expiresAt <= this.#parts.clock.now()))
        return null;
      this.#parts.notes.used(token, addressOf(question));
      return this.#principalWith(token);
    }
    const file = this.#parts.file.current;
    const known = this.#ofSessions.get(session);
    if (known?.file === file) return known.principal;
    const { kind, name, id, groups } = session;
    const bindings = kind === 'local' ? localBindings : file.people.bindingsOf(name, groups);
    const principal = { kind, name, id, bindings };
    this.#ofSessions.set(session, { file, principal });
    return principal;
  }

  /** Once for each connection and content of the file. */
  #byCertificate({ socket }: Question): Principal | null {
    const secure = socket as Partial<TLSSocket>;
    if (secure.authorized !== true) return null;
    const file = this.#parts.file.current;
    const known = this.#ofCertificates.get(socket);
    if (known?.file === file) return known.principal;
    const parts = secure.getPeerX509Certificate?.()?.subject?.split('\n');
    const bindings = parts === undefined ? undefined : file.people.bindingsOfCertificate(parts);
    const name = parts?.join(',') ?? '';
    const principal =
      bindings === undefined
        ? null
        : ({ kind: 'person', name, id: `certificate ${name}`, bindings } as const);
    this.#ofCertificates.set(socket, { file, principal });
    return principal;
  }

  #fail(question: Question, { problem, kind, name }: Failure): never {
    const { throttle, notes } = this.#parts;
    const from = addressOf(question);
    const account = name === null ? null : `${kind} ${name}`;
    const refusal = throttle.failed(from, account, problem);
    const by = { kind, name: name ?? 'unknown' };
    notes.refused({ by, from, action: 'request', on: placeOf(question) }, refusal);
    throw refusal;
  }

  /** No attempt to be somebody, so nothing that makes others wait. */
  #stranger(question: Question): CarillonError {
    const hadSession = cookieIn(question.headers, cookieName(this.isSecure(question))) !== null;
    const problem = unauthenticated(
      hadSession ? 'The session has ended. Log in again.' : 'This needs a log-in or a token.',
    );
    const by = { kind: 'person', name: 'unknown' } as const;
    this.#parts.notes.refused(
      { by, from: addressOf(question), action: 'request', on: placeOf(question) },
      problem,
    );
    return problem;
  }
}

/** Without the query, which may be private. Its beginning: strangers choose how long it is. */
const placeOf = ({ method, path }: Question): string =>
  `${method} ${path.split('?', 1)[0]}`.slice(0, mostOfPlace);

/** The user name does not matter. */
function passwordIn(basic: string | null): string | null {
  if (basic === null) return null;
  const text = Buffer.from(basic, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : text.slice(colon + 1);
}
