/** Debian's Prometheus. */

import { spawnSync } from 'node:child_process';
import { DebianServer } from './debian-server.ts';

export const hasPrometheus = ['prometheus', 'promtool'].every(
  (program) => spawnSync(program, ['--version']).status === 0,
);

export interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [at: number, value: string];
}

export class Prometheus {
  readonly #server: DebianServer;

  private constructor(server: DebianServer) {
    this.#server = server;
  }

  /** Scrapes the addresses each second. */
  static async start(targets: readonly string[], ruleFile: string): Promise<Prometheus> {
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [ruleFile],
      scrape_configs: [{ job_name: 'carillon', static_configs: [{ targets }] }],
    };
    return new Prometheus(
      await DebianServer.start('prometheus', config, (file, data) => [
        `--config.file=${file}`,
        `--storage.tsdb.path=${data}`,
      ]),
    );
  }

  /** The `data` of an answer of its API. */
  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#server.url}/api/v1/${path}`);
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

  stop = (): Promise<void> => this.#server.stop();
}
