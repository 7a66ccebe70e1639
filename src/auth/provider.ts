/**
 * The identity provider, through OpenID Connect, by `openid-client`: discovery, the code flow with PKCE, state and nonce for
 * browsers, and the device flow for the command line. The signature, the issuer, the audience, the times and the nonce of
 * each ID token are checked.
 */

import * as client from 'openid-client';
import { Agent, fetch } from 'undici';
import { CarillonError } from '../errors.ts';
import type { Oidc } from './file.ts';
import { unauthenticated } from './question.ts';

const answerWithinS = 10;
/** By how much its clock may differ. */
const skewS = 30;
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

/** What only the browser that began the log-in knows. */
export interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirectUrl: string;
}

export interface DeviceCode {
  /** For the next question. */
  readonly deviceCode: string;
  /** What the person enters at `url`. */
  readonly userCode: string;
  readonly url: string;
  /** With the code in it. */
  readonly wholeUrl: string | null;
  readonly expiresInS: number;
  readonly everyS: number;
}

/** Who logged in, as the provider says. */
export interface Claimed {
  readonly id: string;
  readonly name: string;
  readonly groups: readonly string[];
}

type Claims = Readonly<Record<string, unknown>>;

export class Provider {
  readonly #settings: Oidc;
  #found: Promise<client.Configuration> | null = null;

  constructor(settings: Oidc) {
    this.#settings = settings;
  }

  async begin(redirectUrl: string): Promise<{ readonly begun: Begun; readonly location: string }> {
    const found = await this.#discovered();
    const verifier = client.randomPKCECodeVerifier();
    const begun = { state: client.randomState(), nonce: client.randomNonce(), verifier, redirectUrl };
    const location = client.buildAuthorizationUrl(found, {
      ...{ redirect_uri: redirectUrl, scope: this.#scope, state: begun.state, nonce: begun.nonce },
      ...{ code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
    });
    return { begun, location: location.href };
  }

  /** `search`: the query with which the browser came back. UNAUTHENTICATED. */
  async finish({ state, nonce, verifier, redirectUrl }: Begun, search: string): Promise<Claimed> {
    const found = await this.#discovered();
    const returned = new URL(redirectUrl);
    returned.search = search;
    const tokens = await this.#asked(() =>
      client.authorizationCodeGrant(found, returned, {
        ...{ pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
      }),
    );
    return this.#claimedIn(found, tokens);
  }

  async beginDevice(): Promise<DeviceCode> {
    const found = await this.#discovered();
    if (found.serverMetadata().device_authorization_endpoint === undefined)
      throw refused('it has no log-in for devices (device_authorization_endpoint)');
    const answer = await this.#asked(() => client.initiateDeviceAuthorization(found, { scope: this.#scope }));
    return {
      ...{ deviceCode: answer.device_code, userCode: answer.user_code, url: answer.verification_uri },
      wholeUrl: answer.verification_uri_complete ?? null,
      ...{ expiresInS: answer.expires_in, everyS: answer.interval ?? 5 },
    };
  }

  /** Null: the person has not finished yet. UNAUTHENTICATED. */
  async finishDevice(deviceCode: string): Promise<Claimed | null> {
    const found = await this.#discovered();
    try {
      const tokens = await client.genericGrantRequest(found, deviceGrant, { device_code: deviceCode });
      return await this.#claimedIn(found, tokens);
    } catch (error) {
      if (error instanceof client.ResponseBodyError && waiting.has(error.error)) return null;
      throw this.#problem(error);
    }
  }

  get #scope(): string {
    return (this.#settings.scopes ?? ['openid', 'email', 'profile']).join(' ');
  }

  /** Found once. A failure is not kept. */
  #discovered(): Promise<client.Configuration> {
    this.#found ??= this.#discover().catch((error: unknown) => {
      this.#found = null;
      throw this.#problem(error);
    });
    return this.#found;
  }

  async #discover(): Promise<client.Configuration> {
    const { issuer, clientId, secret, ca } = this.#settings;
    const ask = fetchWith(ca);
    const found = await client.discovery(
      new URL(issuer),
      clientId,
      { ...(secret !== null && { client_secret: secret }), [client.clockTolerance]: skewS },
      secret === null ? client.None() : client.ClientSecretBasic(secret),
      {
        timeout: answerWithinS,
        execute: issuer.startsWith('http:') ? [client.allowInsecureRequests] : [],
        ...(ask !== null && { [client.customFetch]: ask }),
      },
    );
    client.enableNonRepudiationChecks(found);
    return found;
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw this.#problem(error);
    }
  }

  async #claimedIn(
    found: client.Configuration,
    tokens: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers,
  ): Promise<Claimed> {
    const { name: nameClaim = 'email', groups: groupsClaim = 'groups' } = this.#settings;
    const inToken = tokens.claims();
    if (inToken === undefined) throw refused('it sent no ID token');
    const needed = [nameClaim, groupsClaim, ...(nameClaim === 'email' ? ['email_verified'] : [])];
    const lacks = needed.some((claim) => inToken[claim] === undefined);
    const asks = lacks && found.serverMetadata().userinfo_endpoint !== undefined;
    const more: Claims = asks
      ? await this.#asked(() => client.fetchUserInfo(found, tokens.access_token, inToken.sub))
      : {};
    const claims: Claims = { ...more, ...inToken };
    const name = claims[nameClaim];
    if (typeof name !== 'string' || name === '')
      throw refused(`it did not say the ${nameClaim} of the person`);
    if (nameClaim === 'email' && ![inToken, more].some((each) => isVerified(each, name)))
      throw refused('the address of the person is not verified there');
    const groups = claims[groupsClaim];
    return { id: inToken.sub, name, groups: Array.isArray(groups) ? groups.map(String) : [] };
  }

  /** Without what it answered: that may have secrets. */
  #problem(error: unknown): unknown {
    if (error instanceof CarillonError) return error;
    if (error instanceof client.ResponseBodyError || error instanceof client.AuthorizationResponseError) {
      const said = error.error_description ?? error.error;
      return refused(`it answered: ${said.slice(0, 200)}`);
    }
    const { code, message, cause } = error as { code?: string; message?: string; cause?: unknown };
    const isAway = error instanceof TypeError || (code !== undefined && away.has(code));
    const { code: reason } = Object(cause) as { code?: unknown };
    if (typeof reason === 'string' && untrusted.has(reason)) return this.#notTrusted(reason);
    if (!isAway) return refused(`what it sent is not valid (${shortOf(message, cause)})`);
    return new CarillonError(
      'PROVIDER_UNAVAILABLE',
      `The identity provider ${this.#settings.issuer} cannot be used now (${shortOf(message, cause)}). Tokens and sessions work without it.`,
    );
  }

  #notTrusted(reason: string): CarillonError {
    const { issuer, ca } = this.#settings;
    const [authority, advice] =
      ca === null
        ? ['an unknown authority', 'If it is right, name that authority with oidc.caFile.']
        : ['an authority that is not in oidc.caFile', 'If it is right, add that authority to the file.'];
    const problem = `The identity provider ${issuer} has a certificate of ${authority} (${reason}). ${advice}`;
    return new CarillonError('PROVIDER_UNAVAILABLE', problem, { field: 'oidc.caFile' });
  }
}

/** Nothing was sent to it, because its certificate is not of an authority that is trusted. */
const untrusted: ReadonlySet<string> = new Set([
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT'],
  ...['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'CERT_SIGNATURE_FAILURE'],
]);
/** It does not answer, or not as a provider that works. */
const away: ReadonlySet<string> = new Set([
  ...['OAUTH_TIMEOUT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_PARSE_ERROR'],
]);
/** Some providers write it as a text. Whoever says it must say it of this address. */
const isVerified = ({ email, email_verified: verified }: Claims, name: string): boolean =>
  email === name && (verified === true || verified === 'true');

const waiting = new Set(['authorization_pending', 'slow_down']);

function shortOf(message = '', cause: unknown): string {
  const { code, message: detail } = Object(cause) as { code?: unknown; message?: unknown };
  const more = typeof code === 'string' ? code : typeof detail === 'string' ? detail : '';
  return (more === '' ? message : `${message}: ${more}`).slice(0, 200);
}

const refused = (why: string): CarillonError =>
  unauthenticated(`The identity provider did not let the person in: ${why}.`);

function fetchWith(ca: string | null): client.CustomFetch | null {
  if (ca === null) return null;
  const dispatcher = new Agent({ connect: { ca } });
  return (url, options) => fetch(url, { ...(options as object), dispatcher }) as unknown as Promise<Response>;
}
