/**
 * Reports that the server does not have yet, one file each, so that they outlive this process. Their names are in the order
 * in which the reports were made. A file whose name ends with the id of a process is being sent by it.
 */

import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { WireReportStep } from '../../api/wire/heartbeat.ts';
import { MAX_REPORT_AGE_MS } from '../../scheduler/rules/reports.ts';

export interface Report {
  readonly job: string;
  readonly step: WireReportStep;
  /** Equal in the reports about one run. */
  readonly rid: string;
  /** When it happened, by this host's clock. */
  readonly at: number;
  readonly durationMs?: number;
  readonly exitCode?: number;
  /** In base 64. */
  readonly output?: string;
}

/** A report, and where it is kept. Null: nowhere. */
export interface Kept {
  readonly report: Report;
  readonly path: string | null;
}

const MAX_FILES = 1_000;
const MAX_BYTES = 16 * 1024 * 1024;
/** A process does not send for longer, so its id belongs to another by now. */
const MAX_CLAIM_MS = 86_400_000;

const nameForm = /^(?<at>\d{15})-[\w-]{1,64}-[01]\.json(?:\.(?<owner>\d{1,10}))?$/;

export class Spool {
  readonly #dir: string;
  readonly #now: () => number;

  constructor(dir: string, now: () => number) {
    this.#dir = dir;
    this.#now = now;
  }

  /** Keeps a report, which this process will send. Throws if it cannot. */
  put(report: Report): Kept {
    this.#open();
    const name = `${String(report.at).padStart(15, '0')}-${report.rid}-${report.step === 'start' ? 0 : 1}.json`;
    const path = join(this.#dir, `${name}.${process.pid}`);
    const draft = join(this.#dir, `draft-${process.pid}`);
    writeFileSync(draft, JSON.stringify(report), { mode: 0o600, flush: true });
    renameSync(draft, path);
    this.#bound(path);
    return { report, path };
  }

  /** Takes over what no other process is sending, oldest first. */
  *claim(): Generator<Kept> {
    for (const { name, at, owner } of this.#files()) {
      const path = join(this.#dir, name);
      if (at < this.#now() - MAX_REPORT_AGE_MS) drop(path);
      else if (owner === null || owner === process.pid || !this.#isSending(owner, path)) {
        const own = join(this.#dir, `${name.replace(/\.json.*$/, '.json')}.${process.pid}`);
        const report = read(path, own);
        if (report !== null) yield { report, path: own };
      }
    }
  }

  /** The server has it, or will not take it. */
  done({ path }: Kept): void {
    if (path !== null) drop(path);
  }

  /** Lets other processes send what this one could not. */
  release(): void {
    for (const { name, owner } of this.#files())
      if (owner === process.pid) move(join(this.#dir, name), join(this.#dir, name.replace(/\.\d+$/, '')));
  }

  /** Number of reports. */
  get size(): number {
    return this.#files().length;
  }

  #open(): void {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(this.#dir);
    // Output of jobs is nobody else's business, and neither is what is reported.
    if (uid !== process.getuid?.()) throw new Error(`${this.#dir} belongs to another user`);
    if ((mode & 0o077) !== 0) chmodSync(this.#dir, 0o700);
  }

  #files(): { name: string; at: number; owner: number | null }[] {
    let names: string[] = [];
    try {
      names = readdirSync(this.#dir).sort();
    } catch {
      // There is none yet.
    }
    return names.flatMap((name) => {
      const { at, owner } = nameForm.exec(name)?.groups ?? {};
      return at === undefined
        ? []
        : [{ name, at: Number(at), owner: owner === undefined ? null : Number(owner) }];
    });
  }

  #isSending(owner: number, path: string): boolean {
    try {
      if (statSync(path).ctimeMs < this.#now() - MAX_CLAIM_MS) return false;
      process.kill(owner, 0);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  }

  /** Drops the oldest reports above the limits. */
  #bound(newest: string): void {
    const files = this.#files().map(({ name }) => join(this.#dir, name));
    const sizes = files.map((path) => sizeOf(path));
    let bytes = sizes.reduce((sum, size) => sum + size, 0);
    for (const [i, path] of files.entries()) {
      if (files.length - i <= MAX_FILES && bytes <= MAX_BYTES) return;
      if (path === newest) continue;
      drop(path);
      bytes -= sizes[i] ?? 0;
    }
  }
}

/** Null if another process was faster, or the file has no report. */
function read(path: string, own: string): Report | null {
  if (!move(path, own)) return null;
  try {
    const report = JSON.parse(readFileSync(own, 'utf8')) as Report;
    if (typeof report.job === 'string' && typeof report.at === 'number') return report;
  } catch {
    // The disk was full, or somebody wrote to it.
  }
  drop(own);
  return null;
}

function move(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

function drop(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Another process was faster.
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}
