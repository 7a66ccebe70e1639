/**
 * The file of alerts: YAML or JSON, one mapping with `receivers`, `routes` and `maintenance`. Secrets are not in it, but in files that it
 * names; what is found in their place by mistake is not repeated. All mistakes in it are told together.
 */

import { Type } from 'typebox';
import { type Findings, hasForm } from '../scheduler/job/schema/explain.ts';
import { closed } from '../scheduler/job/schema/parts.ts';
import type { Maintenance, Route } from '../scheduler/model/alert.ts';
import { type Fields, isMapping, readBounded, readMapping } from '../settings-file/read.ts';
import { checkHeartbeat, HeartbeatSchema, type HeartbeatSettings, type Heartbeats } from './heartbeats.ts';
import { checkReceiver, receiverHints } from './receivers.ts';
import {
  MaintenanceSchema,
  maintenanceLimits,
  maintenanceOf,
  type WrittenMaintenance,
} from './routing/maintenance.ts';
import { RouteSchema, routeLimits, routeOf, type WrittenRoute } from './routing/routes.ts';
import { ReceiverSchema, type ReceiverSettings, type Receivers, receiverLimits } from './schema.ts';

/** What is in it has schemas of its own. */
const FileSchema = Type.Object(
  {
    receivers: Type.Record(Type.String(), Type.Unknown(), {
      description: 'Receivers by name.',
      maxProperties: receiverLimits.receivers,
    }),
    heartbeats: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Services that are told of runs, by name.',
        maxProperties: receiverLimits.receivers,
      }),
    ),
    routes: Type.Optional(Type.Array(Type.Unknown(), { maxItems: routeLimits.routes })),
    maintenance: Type.Optional(Type.Array(Type.Unknown(), { maxItems: maintenanceLimits.windows })),
  },
  closed,
);

export interface AlertsFile {
  readonly receivers: Receivers;
  readonly routes: readonly Route[];
  readonly heartbeats: Heartbeats;
  readonly maintenance: readonly Maintenance[];
}

/** LIMIT_EXCEEDED, an error of the system, or the first problem of the file with its place, carrying the others. */
export async function readAlertsFile(path: string): Promise<AlertsFile> {
  return parseAlertsFile(await readBounded(path), path);
}

/** `source`: the path of the file. */
export const parseAlertsFile = (text: string, source: string): AlertsFile =>
  readMapping(text, source, { main: 'receivers', hints: receiverHints, check: checked });

function checked(fields: Fields, findings: Findings): AlertsFile {
  // With services alone, it needs no receivers.
  hasForm(FileSchema, fields.heartbeats === undefined ? fields : { receivers: {}, ...fields }, '', findings);
  const receivers = isMapping(fields.receivers) ? fields.receivers : {};
  const routes = Array.isArray(fields.routes) ? fields.routes : [];
  const windows = Array.isArray(fields.maintenance) ? fields.maintenance : [];
  for (const [name, settings] of Object.entries(receivers))
    if (hasForm(ReceiverSchema, settings, `receivers.${name}`, findings))
      checkReceiver(name, settings as ReceiverSettings, findings);
  const heartbeats = isMapping(fields.heartbeats) ? fields.heartbeats : {};
  for (const [name, settings] of Object.entries(heartbeats))
    if (hasForm(HeartbeatSchema, settings, `heartbeats.${name}`, findings))
      checkHeartbeat(name, settings as HeartbeatSettings, findings);
  return {
    receivers: receivers as Receivers,
    heartbeats: heartbeats as Heartbeats,
    routes: routes.flatMap((route, i) =>
      hasForm(RouteSchema, route, `routes[${i}]`, findings)
        ? [routeOf(route as WrittenRoute, `routes[${i}]`, receivers as Receivers, findings)]
        : [],
    ),
    maintenance: windows.flatMap((window, i) =>
      hasForm(MaintenanceSchema, window, `maintenance[${i}]`, findings)
        ? maintenanceOf(window as WrittenMaintenance, `maintenance[${i}]`, findings)
        : [],
    ),
  };
}
