/** Certificates for tests, made as `carillon certs` makes them, in files of a folder. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeAuthority, makeNode, type Pair } from '../../src/cli/certs/make.ts';

export interface PairFiles extends Pair {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Made {
  readonly hosts?: readonly string[];
  /** Ends so long after now; before, if it is negative. */
  readonly forMs?: number;
  /** In files of this name. */
  readonly as?: string;
}

export class Authority {
  readonly file: string;
  readonly pair: Pair;
  readonly #dir: string;

  private constructor(dir: string, name: string, pair: Pair) {
    this.#dir = dir;
    this.pair = pair;
    this.file = written(dir, name, pair).certFile;
  }

  static async make(dir: string, name = 'ca'): Promise<Authority> {
    return new Authority(dir, name, await makeAuthority(name, Date.now()));
  }

  async issue(name: string, { hosts = ['127.0.0.1', 'localhost'], forMs, as = name }: Made = {}) {
    return written(this.#dir, as, await makeNode(this.pair, { name, hosts }, Date.now(), forMs));
  }
}

function written(dir: string, name: string, pair: Pair): PairFiles {
  const [certFile, keyFile] = [join(dir, `${name}.pem`), join(dir, `${name}.key`)];
  writeFileSync(certFile, pair.cert);
  writeFileSync(keyFile, pair.key, { mode: 0o600 });
  return { ...pair, certFile, keyFile };
}
