/**
 * Accepts only requests whose Host names this server. With DNS rebinding, a web page makes its own host name
 * resolve to this address, so it is same-origin to the browser and nothing else keeps it out. The browser
 * still sends the page's name in Host. `X-Forwarded-Host` and similar headers are ignored, because any sender
 * can set them.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CarillonError } from '../../errors.ts';
import { isLoopbackHost } from '../../who-asks/loopback.ts';

/**
 * Health checks over HTTP/1.0 send no Host. Browsers always send it, and these paths reveal nothing about
 * jobs.
 */
const withoutHost = new Set(['/health/live', '/health/ready', '/ping']);

/** Throws MISDIRECTED for a request to another host. */
export type HostCheck = (request: FastifyRequest) => void;

/**
 * Always accepts loopback names, with any port, and the address that the connection came in at. `names` are
 * further host names and addresses without ports, IPv6 with or without brackets.
 */
export function hostCheck(names: readonly string[]): HostCheck {
  const known = new Set(names.map((name) => hostnameOf(bracketed(name))));
  return (request) => {
    const asked = hostsOf(request);
    if (asked.length === 0 && withoutHost.has(request.url.split('?', 1)[0] as string)) return;
    for (const host of asked.length === 0 ? [''] : asked) {
      const name = hostnameOf(host);
      const here = name !== null && (isLoopbackHost(name) || known.has(name) || name === ownAddress(request));
      if (!here) throw misdirected(host, name);
    }
  };
}

/** Covers every route and addresses without a route, before any other hook. */
export function answerOwnHosts(app: FastifyInstance, check: HostCheck): void {
  app.addHook('onRequest', async (request) => check(request));
}

/** `Host` and, if the request target is a whole URL, the host in that URL: the router uses either. */
function hostsOf({ raw, originalUrl }: FastifyRequest): string[] {
  // `headers` keeps only the first of several.
  const hosts = raw.rawHeaders.filter(
    (_, i) => i % 2 === 1 && raw.rawHeaders[i - 1]?.toLowerCase() === 'host',
  );
  if (originalUrl.startsWith('/') || originalUrl === '*') return hosts;
  // A target that cannot be parsed has no known host.
  return [...hosts, /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(originalUrl)?.[1] ?? originalUrl];
}

/** Normalizes like a browser and removes the port. Null for an invalid host. */
function hostnameOf(host: string): string | null {
  const url = `http://${host}`;
  if (!/^[^\s/?#@\\]+$/.test(host) || !URL.canParse(url)) return null;
  return plainAddress(new URL(url).hostname.replace(/\.$/, ''));
}

/** An IPv4-mapped IPv6 address is the same address: `[::ffff:7f00:1]` is 127.0.0.1. */
function plainAddress(name: string): string {
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(name) ?? [];
  if (high === undefined || low === undefined) return name;
  return [high, low]
    .map((part) => Number.parseInt(part, 16))
    .flatMap((part) => [part >> 8, part & 0xff])
    .join('.');
}

/** IPv6 as written in URLs. */
const bracketed = (name: string): string =>
  name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;

function ownAddress({ raw: { socket } }: FastifyRequest): string | null {
  const address = socket.localAddress?.replace(/%.*$/, '');
  return address === undefined ? null : hostnameOf(bracketed(address));
}

function misdirected(host: string, name: string | null): CarillonError {
  const shown = JSON.stringify(host.slice(0, 200));
  const what =
    host === ''
      ? 'The request has no Host header.'
      : `This server does not accept requests for host ${shown}.`;
  const next =
    name === null
      ? ''
      : ` If that name is right, start it with --allowed-host ${name.slice(0, 200)} ` +
        '(CARILLON_ALLOWED_HOST, or allowedHost in the configuration file).';
  return new CarillonError('MISDIRECTED', what + next, {
    field: 'Host',
    value: host.slice(0, 200),
    allowed: 'localhost, the address the server listens on or advertises, or a name set with --allowed-host',
    source: 'header',
  });
}
