/**
 * Files of certificates while a node runs. They are read when the node starts, and again when they have changed. A pair
 * that does not match, or that cannot be read, then changes nothing until it is mended.
 */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { CarillonError } from '../../errors.ts';
import type { Clock, Log } from '../../scheduler/ports.ts';
import { flagOf } from '../../setting.ts';
import { type NamedFile, WatchedFiles } from '../../settings-file/watched.ts';

/** Whoever renews certificates by hand still has time. */
const soonMs = 14 * 86_400_000;

/** By what they have. */
export interface TlsFileNames {
  readonly cert: NamedFile;
  readonly key: NamedFile;
  readonly ca: NamedFile | null;
}

export interface TlsFilesParts {
  readonly clock: Clock;
  readonly log: Log;
}

export class TlsFiles {
  readonly #files: TlsFileNames;
  readonly #watched: WatchedFiles;
  readonly #parts: TlsFilesParts;
  readonly #listeners: (() => void)[] = [];
  #context: SecureContextOptions = {};

  constructor(files: TlsFileNames, parts: TlsFilesParts) {
    const { cert, key, ca } = files;
    this.#files = files;
    this.#parts = parts;
    this.#watched = new WatchedFiles([cert, key, ...(ca === null ? [] : [ca])], {
      ...parts,
      ...{ subject: 'tls', use: () => this.#use() },
    });
  }

  /** As they are now. TLS 1.2 or newer. */
  get context(): SecureContextOptions {
    return this.#context;
  }

  /** Files whose certificates end. */
  get paths(): readonly string[] {
    const { cert, ca } = this.#files;
    return ca === null ? [cert.path] : [cert.path, ca.path];
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** INVALID_FIELD with the setting if a file cannot be used. */
  open(): Promise<void> {
    return this.#watched.open();
  }

  /** Reads the files again when they have changed. */
  start(): void {
    this.#watched.start();
  }

  stop(): Promise<void> {
    return this.#watched.stop();
  }

  async #use(): Promise<object> {
    const { cert, key, ca } = this.#files;
    const context: SecureContextOptions = {
      cert: await textOf(cert),
      key: await textOf(key),
      ...(ca !== null && { ca: await textOf(ca) }),
      minVersion: 'TLSv1.2',
    };
    const endsAt = checked(context, this.#files);
    this.#context = context;
    for (const listener of this.#listeners) listener();
    const ends = new Date(endsAt).toISOString();
    const { clock, log } = this.#parts;
    if (endsAt - clock.now() < soonMs) log.warn({ path: cert.path, ends }, 'tls.certificate-ends');
    return { ends };
  }
}

async function textOf(file: NamedFile): Promise<string> {
  try {
    return await readFile(file.path, 'utf8');
  } catch (error) {
    throw unusable(file, `it cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** Returns when the certificate ends. */
function checked({ cert, key, ca }: SecureContextOptions, files: TlsFileNames): number {
  const certificate = attempt(files.cert, 'a certificate', () => new X509Certificate(cert as string));
  const secret = attempt(files.key, 'a private key without a passphrase', () =>
    createPrivateKey(key as string),
  );
  if (files.ca !== null) attempt(files.ca, 'a certificate', () => new X509Certificate(ca as string));
  if (!certificate.checkPrivateKey(secret))
    throw unusable(files.key, `it is not the key of the certificate in ${files.cert.path}`);
  // What is left: keys that are too short, intermediates that are none.
  attempt(files.cert, 'a certificate that TLS allows', () => createSecureContext({ cert, key, ca }));
  return Date.parse(certificate.validTo);
}

function attempt<T>(file: NamedFile, what: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw unusable(file, `it does not begin with ${what}, as PEM`);
  }
}

const unusable = ({ setting, path }: NamedFile, problem: string): CarillonError =>
  new CarillonError('INVALID_FIELD', `${path}: ${problem}.`, {
    field: setting,
    value: path,
    allowed: 'a file with PEM that the scheduler may read',
    source: flagOf(setting),
  });
