/**
 * Answers only requests that are for this server by name. A web page whose own name was made to resolve to this
 * address (DNS rebinding) is same-origin to its browser, so nothing else keeps it out: the browser still says
 * the page's name in Host. `X-Forwarded-Host` and its like are not read: whoever sends them could say anything.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CarillonError } from '../../errors.ts';

/** Health checks in HTTP/1.0 send no Host. No browser leaves it out, and these paths tell nothing about jobs. */
const withoutHost = new Set(['/health/live', '/health/ready', '/ping']);

/** Throws MISDIRECTED for a request to any other host. */
export type HostCheck = (request: FastifyRequest) => void;

/**
 * Loopback names are always answered, with any port, and so is the address that a connection came in at. `names`
 * are the others: host names and addresses without ports, IPv6 with or without brackets.
 */
export function hostCheck(names: readonly string[]): HostCheck {
  const known = new Set(names.map((name) => hostnameOf(bracketed(name))));
  return (request) => {
    const asked = hostsOf(request);
    if (asked.length === 0 && withoutHost.has(request.url.split('?', 1)[0] as string)) return;
    for (const host of asked.length === 0 ? [''] : asked) {
      const name = hostnameOf(host);
      const here = name !== null && (isLoopback(name) || known.has(name) || name === ownAddress(request));
      if (!here) throw misdirected(host, name);
    }
  };
}

/** For every route and for addresses where nothing is; before any other hook. */
export function answerOwnHosts(app: FastifyInstance, check: HostCheck): void {
  app.addHook('onRequest', async (request) => check(request));
}

/** `Host` and, where the request target is a whole URL, the host in there: routing goes by either. */
function hostsOf({ raw, originalUrl }: FastifyRequest): string[] {
  // `headers` keeps the first of several only.
  const hosts = raw.rawHeaders.filter(
    (_, i) => i % 2 === 1 && raw.rawHeaders[i - 1]?.toLowerCase() === 'host',
  );
  if (originalUrl.startsWith('/') || originalUrl === '*') return hosts;
  // What can't be read has no host that anyone could know.
  return [...hosts, /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(originalUrl)?.[1] ?? originalUrl];
}

/** Canonical and without the port, as browsers send it; null for what is no host. */
function hostnameOf(host: string): string | null {
  const url = `http://${host}`;
  if (!/^[^\s/?#@\\]+$/.test(host) || !URL.canParse(url)) return null;
  return plainAddress(new URL(url).hostname.replace(/\.$/, ''));
}

/** IPv4 as IPv6 is the same address: `[::ffff:7f00:1]` is 127.0.0.1. */
function plainAddress(name: string): string {
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(name) ?? [];
  if (high === undefined || low === undefined) return name;
  return [high, low]
    .map((part) => Number.parseInt(part, 16))
    .flatMap((part) => [part >> 8, part & 0xff])
    .join('.');
}

/** IPv6 as it stands in URLs. */
const bracketed = (name: string): string =>
  name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;

const isLoopback = (name: string): boolean =>
  name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);

function ownAddress({ raw: { socket } }: FastifyRequest): string | null {
  const address = socket.localAddress?.replace(/%.*$/, '');
  return address === undefined ? null : hostnameOf(bracketed(address));
}

function misdirected(host: string, name: string | null): CarillonError {
  const shown = JSON.stringify(host.slice(0, 200));
  const what = host === '' ? 'The request has no Host.' : `This server does not answer as ${shown}.`;
  const next =
    name === null
      ? ''
      : ` If that name is right, start it with --allowed-host ${name.slice(0, 200)} (CARILLON_ALLOWED_HOST, or allowedHost in the file).`;
  return new CarillonError('MISDIRECTED', what + next, {
    field: 'Host',
    value: host.slice(0, 200),
    allowed: 'localhost, the address the server listens on or advertises, or a name set by --allowed-host',
    source: 'header',
  });
}
