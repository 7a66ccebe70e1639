/** A real identity provider on loopback (`oidc-provider`), and a browser that logs in there by code. */

import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';
import { Agent, fetch } from 'undici';

export const clientId = 'carillon';
export const clientSecret = 'a-secret-of-the-client-0123456789';

export interface IdentityProvider {
  readonly issuer: string;
  /** Changes ID tokens before they are sent. Null: they are sent as they are. */
  tamper: ((claims: JWTPayload, sign: Sign) => Promise<string>) | null;
  close(): Promise<void>;
}

type Sign = (claims: JWTPayload, key?: CryptoKey) => Promise<string>;

export interface ProviderOptions {
  readonly redirectUrls: readonly string[];
  readonly claims?: Readonly<Record<string, unknown>>;
  /** To begin again at the same address. */
  readonly port?: number;
  /** Its certificate. Default: it speaks plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export async function identityProvider({
  redirectUrls,
  claims = { email: 'ann@example.org', email_verified: true, groups: ['data-team', 'unknown'] },
  port = 0,
  tls,
}: ProviderOptions): Promise<IdentityProvider> {
  const server = tls === undefined ? createServer() : createTlsServer(tls);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const issuer = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const sign: Sign = (each, key = privateKey) =>
    new SignJWT(each).setProtectedHeader({ alg: 'RS256', kid: 'its-key' }).sign(key);
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [...redirectUrls],
        response_types: ['code'],
        grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'its-key', alg: 'RS256', use: 'sig' }] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
    scopes: ['openid', 'email', 'groups', 'profile'],
    features: { devInteractions: { enabled: true }, deviceFlow: { enabled: true } },
    cookies: { keys: ['a-key-for-cookies'] },
    findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id, ...claims }) }),
  });
  const self: IdentityProvider = {
    issuer,
    tamper: null,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  provider.use(async (context, next) => {
    await next();
    const body = context.body as { id_token?: string } | undefined;
    if (self.tamper === null || context.path !== '/token' || body?.id_token === undefined) return;
    const [, payload = ''] = body.id_token.split('.');
    body.id_token = await self.tamper(JSON.parse(Buffer.from(payload, 'base64url').toString()), sign);
  });
  server.on('request', provider.callback());
  return self;
}

/** Keeps cookies by host, and follows redirects as far as it is told to. */
export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();
  readonly #dispatcher: Agent | undefined;

  /** `ca`: the only authority that it trusts. Default: those of Node.js. */
  constructor(ca?: string) {
    this.#dispatcher = ca === undefined ? undefined : new Agent({ connect: { ca } });
  }

  cookiesOf(url: string): string {
    const jar = this.#cookies.get(new URL(url).host) ?? new Map<string, string>();
    return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  keep(url: string, lines: readonly string[]): void {
    const { host } = new URL(url);
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    for (const line of lines) {
      const [pair = '', ...more] = line.split(';');
      const [name = '', ...value] = pair.split('=');
      const isOver = more.some((each) => /^\s*max-age=0$/i.test(each)) || value.join('=') === '';
      if (isOver) jar.delete(name);
      else jar.set(name, value.join('='));
    }
  }

  async ask(url: string, form?: Record<string, string>): Promise<Response> {
    const response = await fetch(url, {
      redirect: 'manual',
      ...(this.#dispatcher !== undefined && { dispatcher: this.#dispatcher }),
      headers: {
        cookie: this.cookiesOf(url),
        ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form).toString() }),
    });
    this.keep(url, response.headers.getSetCookie());
    return response as unknown as Response;
  }

  async close(): Promise<void> {
    await this.#dispatcher?.close();
  }

  /**
   * Logs in at the provider, from the address to which the server sent the browser, and returns the address to which
   * the provider sends it back.
   */
  async logIn(location: string, until: string): Promise<string> {
    let [url, form]: [string, Record<string, string> | undefined] = [location, undefined];
    for (let step = 0; step < 30; step++) {
      if (url.startsWith(until)) return url;
      const response = await this.ask(url, form);
      form = undefined;
      const next = response.headers.get('location');
      if (next !== null) url = new URL(next, url).href;
      else {
        const page = await response.text();
        const action = /action="([^"]+)"/.exec(page)?.[1];
        const prompt = /name="prompt" value="([^"]+)"/.exec(page)?.[1];
        const inputs = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
        if (action === undefined) return page;
        url = new URL(action, url).href;
        form = {
          ...Object.fromEntries(inputs.map(([, name, value]) => [name!, value!])),
          ...(prompt !== undefined && { prompt }),
          ...(prompt === 'login' && { login: 'ann', password: 'any' }),
          ...(prompt === undefined && { confirm: 'yes' }),
        };
      }
    }
    throw new Error('The log-in does not end.');
  }
}
