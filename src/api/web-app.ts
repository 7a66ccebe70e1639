/**
 * Serves the built web app: a fixed list of files, read once and kept in memory, so that a request can name
 * no other file and needs no disk access. Files with a hash in their name never change and are cached by
 * browsers permanently; all others are revalidated. Precompressed files are sent compressed.
 *
 * A browser that requests a page gets the app at any address outside the API, because the app has its own
 * routes.
 */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Allows only the app's own files: no frames, no plugins, no forms sent elsewhere. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** Best first. */
const encodings = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/** Paths for machines, where a page is never shown. */
const machines = /^\/(?:api|internal|health|v1|scheduler)(?:\/|$)|^\/(?:metrics|ping)$/;

interface WebFile {
  readonly type: string;
  readonly etag: string;
  readonly forGood: boolean;
  readonly plain: Buffer;
  /** By encoding. */
  readonly packed: ReadonlyMap<string, Buffer>;
}

export class WebApp {
  readonly #files: ReadonlyMap<string, WebFile>;

  /** `dir` may be missing: then there are no pages, and `/` explains how to build them. */
  constructor(dir: string | null) {
    this.#files = dir === null || !existsSync(join(dir, 'index.html')) ? new Map() : readFiles(dir);
  }

  /** Answers a request without a route, or returns null if it is not for the web app. */
  answer(request: FastifyRequest, reply: FastifyReply): FastifyReply | null {
    if (request.method !== 'GET' && request.method !== 'HEAD') return null;
    if (!this.has(request)) return null;
    const file = this.#files.get(pathOf(request));
    return file === undefined ? this.page(request, reply) : send(request, reply, file);
  }

  /** True if a file or, for a browser, a page exists at the address, whatever the method. */
  has(request: FastifyRequest): boolean {
    const path = pathOf(request);
    return this.#files.has(path) || (wantsPage(request) && !machines.test(path));
  }

  /** The page that every address of the app loads. */
  page(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const page = this.#files.get('/index.html');
    if (page !== undefined) return send(request, reply, page);
    return reply
      .code(200)
      .type('text/plain; charset=utf-8')
      .send(
        'Carillon is running. The web app is not built: run npm run build.\nThe API is at /api/v1/jobs, ' +
          'its description at /api/v1/openapi.json.\n',
      );
  }
}

const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0] as string;

/** Browsers request text/html explicitly when they navigate; scripts and tools accept anything. */
export const wantsPage = ({ headers }: FastifyRequest): boolean =>
  headers.accept?.includes('text/html') === true;

function readFiles(dir: string): Map<string, WebFile> {
  const names = (readdirSync(dir, { recursive: true }) as string[]).filter((name) => types[extname(name)]);
  return new Map(
    names.map((name) => {
      const file = join(dir, name);
      const plain = readFileSync(file);
      const packed = encodings.flatMap(([encoding, ending]) =>
        existsSync(file + ending) ? [[encoding, readFileSync(file + ending)] as const] : [],
      );
      const path = `/${name.replaceAll(sep, '/')}`;
      return [
        path,
        {
          type: types[extname(name)] as string,
          etag: createHash('sha256').update(plain).digest('base64url').slice(0, 22),
          // The build writes a hash of the content into these names.
          forGood: path.startsWith('/assets/'),
          plain,
          packed: new Map(packed),
        },
      ];
    }),
  );
}

function send(request: FastifyRequest, reply: FastifyReply, file: WebFile): FastifyReply {
  const accepted = request.headers['accept-encoding'];
  const encoding = encodings
    .map(([name]) => name)
    .find((name) => takes(accepted, name) && file.packed.has(name));
  const etag = `"${file.etag}${encoding === undefined ? '' : `-${encoding}`}"`;
  reply
    .header('cache-control', file.forGood ? 'public, max-age=31536000, immutable' : 'no-cache')
    .header('content-security-policy', policy)
    .header('cross-origin-opener-policy', 'same-origin')
    .header('referrer-policy', 'no-referrer')
    .header('vary', 'accept, accept-encoding')
    .header('etag', etag)
    .type(file.type);
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  if (encoding !== undefined) reply.header('content-encoding', encoding);
  return reply.code(200).send(encoding === undefined ? file.plain : file.packed.get(encoding));
}

/** Parses `br`, `gzip;q=0.5`. A weight of zero refuses the encoding. */
function takes(accepted: string | string[] | undefined, encoding: string): boolean {
  return String(accepted ?? '')
    .split(',')
    .some((part) => {
      const [name, weight] = part.split(';');
      return name?.trim() === encoding && !/q=0(?:\.0*)?$/.test(weight?.trim() ?? '');
    });
}
