/**
 * A double of the HTTP API of HashiCorp Vault and OpenBao, as their documents describe it: KV version 2, and the log-ins with
 * AppRole and Kubernetes. No real server can be had for the tests.
 */

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Version {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly version: number;
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

const refused = (status: number, ...errors: string[]): Answer => ({ status, body: { errors } });
const denied = refused(403, 'permission denied');

export class VaultDouble {
  /** By path with the mount and `data`. */
  readonly secrets = new Map<string, Version[]>();
  readonly tokens = new Map<string, { ttl: number; renewable: boolean; root?: true }>();
  readonly requests: string[] = [];
  /** Log-ins that count. */
  readonly appRole = { role_id: 'role-1', secret_id: 'secret-1' };
  readonly kubernetes = { role: 'carillon', jwt: 'jwt-1' };
  namespace: string | null = null;
  /** Answers everything with this status. */
  down: number | null = null;
  /** Of the tokens that a log-in or a renewal gives, in seconds. */
  ttl = 3_600;
  mayRenew = true;
  delayMs = 0;
  #server: Server | null = null;
  #made = 0;

  async start(): Promise<string> {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
      const { status, body } = this.#answer(request, Buffer.concat(chunks).toString() || '{}');
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  put(path: string, data: Version['data']): void {
    const versions = this.secrets.get(path) ?? [];
    this.secrets.set(path, [...versions, { data, version: versions.length + 1 }]);
  }

  #answer({ method, url = '', headers }: IncomingMessage, text: string): Answer {
    this.requests.push(`${method} ${url}`);
    if (this.down !== null) return refused(this.down, this.down === 503 ? 'Vault is sealed' : 'no');
    if ((headers['x-vault-namespace'] ?? null) !== this.namespace) return denied;
    const { pathname, searchParams } = new URL(url, 'http://vault');
    const path = pathname.replace(/^\/v1\//, '');
    const body = JSON.parse(text) as Record<string, unknown>;
    if (method === 'POST' && path === 'auth/approle/login') {
      const { role_id, secret_id } = this.appRole;
      if (body.role_id !== role_id || body.secret_id !== secret_id)
        return refused(400, 'invalid role or secret ID');
      return this.#auth();
    }
    if (method === 'POST' && path === 'auth/kubernetes/login') {
      const { role, jwt } = this.kubernetes;
      return body.role === role && body.jwt === jwt ? this.#auth() : denied;
    }
    const name = String(headers['x-vault-token'] ?? '');
    const token = this.tokens.get(name);
    if (token === undefined) return denied;
    if (path === 'auth/token/lookup-self')
      return { status: 200, body: { data: { id: name, ttl: token.ttl, renewable: token.renewable } } };
    if (method === 'POST' && path === 'auth/token/renew-self')
      return this.mayRenew ? this.#auth(name) : refused(400, 'lease is not renewable');
    return this.#secret(path, searchParams.get('version'));
  }

  #secret(path: string, version: string | null): Answer {
    if (path.includes('/forbidden')) return denied;
    const versions = this.secrets.get(path) ?? [];
    const found =
      version === null ? versions.at(-1) : versions.find((each) => String(each.version) === version);
    if (found === undefined) return { status: 404, body: { errors: [] } };
    const metadata = {
      created_time: '2026-01-01T00:00:00Z',
      deletion_time: '',
      destroyed: false,
      version: found.version,
    };
    const body = {
      request_id: '1',
      lease_id: '',
      renewable: false,
      lease_duration: 0,
      data: { data: found.data, metadata },
    };
    return { status: found.data === null ? 404 : 200, body };
  }

  #auth(token = `token-${++this.#made}`): Answer {
    this.tokens.set(token, { ttl: this.ttl, renewable: true });
    const auth = { client_token: token, lease_duration: this.ttl, renewable: true, token_type: 'service' };
    return { status: 200, body: { request_id: '1', data: null, auth } };
  }
}
