/** Debian's Alertmanager. */

import { spawnSync } from 'node:child_process';
import { DebianServer } from './debian-server.ts';

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
  readonly #server: DebianServer;

  private constructor(server: DebianServer) {
    this.#server = server;
  }

  /** Sends each alert to the URL at once. It ends one that says no end after a second. */
  static async start(webhook: string): Promise<Alertmanager> {
    const config = {
      global: { resolve_timeout: '1s' },
      route: { receiver: 'hook', group_by: ['...'], group_wait: '0s', group_interval: '1s' },
      receivers: [{ name: 'hook', webhook_configs: [{ url: webhook, send_resolved: true }] }],
    };
    return new Alertmanager(
      await DebianServer.start(program, config, (file, data) => [
        `--config.file=${file}`,
        `--storage.path=${data}`,
        '--cluster.listen-address=',
      ]),
    );
  }

  get url(): string {
    return this.#server.url;
  }

  /** Those that have not ended. */
  async alerts(): Promise<readonly Alert[]> {
    const response = await fetch(`${this.url}/api/v2/alerts`);
    return (await response.json()) as Alert[];
  }

  stop = (): Promise<void> => this.#server.stop();
}
