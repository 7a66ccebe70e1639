/**
 * Files of certificates while a node runs. They are read when the node starts, and again when they have changed. A pair
 * that does not match, or that cannot be read, then changes nothing until it is mended.
 */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { CarillonError } from '../../errors.ts';
import type { Clock, Log } from '../../scheduler/ports.ts';
import { flagOf } from '../../setting.ts';

/** How often the files are looked at. */
const lookEveryMs = 2_000;
/** Whoever renews certificates by hand still has time. */
const soonMs = 14 * 86_400_000;

/** Names of settings with the files. */
export interface TlsFileNames {
  readonly cert: readonly [setting: string, path: string];
  readonly key: readonly [setting: string, path: string];
  readonly ca: readonly [setting: string, path: string] | null;
}

export interface TlsFilesParts {
  readonly clock: Clock;
  readonly log: Log;
}

export class TlsFiles {
  readonly #files: TlsFileNames;
  readonly #parts: TlsFilesParts;
  readonly #listeners: (() => void)[] = [];
  #context: SecureContextOptions = {};
  /** What tells whether the files have changed. */
  #seen = '';
  #problem: string | null = null;
  #cancelLook: (() => void) | null = null;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(files: TlsFileNames, parts: TlsFilesParts) {
    this.#files = files;
    this.#parts = parts;
  }

  /** As they are now. TLS 1.2 or newer. */
  get context(): SecureContextOptions {
    return this.#context;
  }

  /** Files whose certificates end. */
  get paths(): readonly string[] {
    const { cert, ca } = this.#files;
    return ca === null ? [cert[1]] : [cert[1], ca[1]];
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** INVALID_FIELD with the setting if a file cannot be used. */
  async open(): Promise<void> {
    await this.#read();
  }

  /** Reads the files again when they have changed. */
  start(): void {
    this.#lookLater();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelLook?.();
    await this.#looking;
  }

  #lookLater(): void {
    if (this.#stopped) return;
    this.#cancelLook = this.#parts.clock.after(lookEveryMs, () => {
      this.#looking = this.#read()
        .catch((error: unknown) => this.#keep(error))
        .finally(() => this.#lookLater());
    });
  }

  async #read(): Promise<void> {
    const { cert, key, ca } = this.#files;
    const seen = (await Promise.all([cert, key, ...(ca === null ? [] : [ca])].map(stateOf))).join();
    if (seen === this.#seen && this.#problem === null) return;
    const context: SecureContextOptions = {
      cert: await textOf(cert),
      key: await textOf(key),
      ...(ca !== null && { ca: await textOf(ca) }),
      minVersion: 'TLSv1.2',
    };
    const ends = checked(context, this.#files);
    this.#context = context;
    this.#seen = seen;
    this.#problem = null;
    for (const listener of this.#listeners) listener();
    const fields = { path: cert[1], ends: new Date(ends).toISOString() };
    this.#parts.log.info(fields, 'tls.files-read');
    if (ends - this.#parts.clock.now() < soonMs) this.#parts.log.warn(fields, 'tls.certificate-ends');
  }

  /** Continues with what was read before. */
  #keep(error: unknown): void {
    const problem = (error as Error).message;
    if (problem !== this.#problem)
      this.#parts.log.warn({ path: this.#files.cert[1], error: problem }, 'tls.files-not-read');
    this.#problem = problem;
  }
}

async function stateOf(file: TlsFileNames['cert']): Promise<string> {
  try {
    const { mtimeMs, ino, size } = await stat(file[1]);
    return `${mtimeMs} ${ino} ${size}`;
  } catch (error) {
    throw unusable(file, `it cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

async function textOf(file: TlsFileNames['cert']): Promise<string> {
  try {
    return await readFile(file[1], 'utf8');
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
    throw unusable(files.key, `it is not the key of the certificate in ${files.cert[1]}`);
  // What is left: keys that are too short, intermediates that are none.
  attempt(files.cert, 'a certificate that TLS allows', () => createSecureContext({ cert, key, ca }));
  return Date.parse(certificate.validTo);
}

function attempt<T>(file: TlsFileNames['cert'], what: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw unusable(file, `it does not begin with ${what}, as PEM`);
  }
}

const unusable = ([setting, path]: TlsFileNames['cert'], problem: string): CarillonError =>
  new CarillonError('INVALID_FIELD', `${path}: ${problem}.`, {
    field: setting,
    value: path,
    allowed: 'a file with PEM that the scheduler may read',
    source: flagOf(setting),
  });
