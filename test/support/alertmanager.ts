/** Debian's Alertmanager, listening on loopback, with its data in a folder that goes with it. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const program = 'prometheus-alertmanager';
export const hasAlertmanager = spawnSync(program, ['--version']).status === 0;

export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
  readonly status: { readonly state: string };
}

export class Alertmanager {
  readonly #dir: string;
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(dir: string, child: ChildProcess, url: string) {
    this.#dir = dir;
    this.#child = child;
    this.url = url;
  }

  /** Sends each alert to the URL at once. It ends one that says no end after a second. */
  static async start(webhook: string): Promise<Alertmanager> {
    const dir = mkdtempSync(join(tmpdir(), 'carillon-alertmanager-'));
    const config = {
      global: { resolve_timeout: '1s' },
      route: { receiver: 'hook', group_by: ['...'], group_wait: '0s', group_interval: '1s' },
      receivers: [{ name: 'hook', webhook_configs: [{ url: webhook, send_resolved: true }] }],
    };
    // JSON is YAML.
    writeFileSync(join(dir, 'alertmanager.yml'), JSON.stringify(config));
    const child = spawn(
      program,
      [
        `--config.file=${join(dir, 'alertmanager.yml')}`,
        `--storage.path=${join(dir, 'data')}`,
        '--web.listen-address=127.0.0.1:0',
        '--cluster.listen-address=',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
      lines.push(line);
      const address = /msg="Listening on" address=(127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address === undefined) continue;
      child.stderr?.resume();
      return new Alertmanager(dir, child, `http://${address}`);
    }
    rmSync(dir, { recursive: true, force: true });
    throw new Error(`Alertmanager ended before it listened:\n${lines.join('\n')}`);
  }

  /** Those that have not ended. */
  async alerts(): Promise<readonly Alert[]> {
    const response = await fetch(`${this.url}/api/v2/alerts`);
    return (await response.json()) as Alert[];
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await exited;
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
