/** Debian's Prometheus, listening on loopback, with its data in a folder that goes with it. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const hasPrometheus = ['prometheus', 'promtool'].every(
  (program) => spawnSync(program, ['--version']).status === 0,
);

export interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [at: number, value: string];
}

export class Prometheus {
  readonly #dir: string;
  readonly #child: ChildProcess;
  readonly #url: string;

  private constructor(dir: string, child: ChildProcess, url: string) {
    this.#dir = dir;
    this.#child = child;
    this.#url = url;
  }

  /** Scrapes the addresses each second. */
  static async start(targets: readonly string[], ruleFile: string): Promise<Prometheus> {
    const dir = mkdtempSync(join(tmpdir(), 'carillon-prometheus-'));
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [ruleFile],
      scrape_configs: [{ job_name: 'carillon', static_configs: [{ targets }] }],
    };
    // JSON is YAML.
    writeFileSync(join(dir, 'prometheus.yml'), JSON.stringify(config));
    const child = spawn(
      'prometheus',
      [
        `--config.file=${join(dir, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(dir, 'data')}`,
        '--web.listen-address=127.0.0.1:0',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
      lines.push(line);
      const address = /msg="Listening on" address=(127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address === undefined) continue;
      child.stderr?.resume();
      return new Prometheus(dir, child, `http://${address}`);
    }
    rmSync(dir, { recursive: true, force: true });
    throw new Error(`Prometheus ended before it listened:\n${lines.join('\n')}`);
  }

  /** The `data` of an answer of its API. */
  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}`);
    // It may not be ready yet.
    if (response.status === 503) return {} as T;
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`${path}: ${error}`);
    return data;
  }

  async query(expression: string): Promise<readonly Result[]> {
    const { result } = await this.get<{ result?: readonly Result[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    );
    return result ?? [];
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await exited;
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
