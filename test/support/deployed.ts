/** What `deploy/` has for Prometheus and Grafana. */

import { resolve } from 'node:path';

const deploy = resolve(import.meta.dirname, '../../deploy');
export const rulesFile = resolve(deploy, 'prometheus/carillon.rules.yml');
export const dashboardFile = resolve(deploy, 'grafana/carillon.json');

export interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly query: string }[] };
}

export const expressionsOf = ({ panels }: Dashboard): string[] =>
  panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
