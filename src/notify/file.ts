/**
 * The file of alerts: YAML or JSON, one mapping with `receivers`, `routes` and `maintenance`. Secrets are not in it, but in files that it
 * names; what is found in their place by mistake is not repeated. All mistakes in it are told together.
 */

import { readFile, stat } from 'node:fs/promises';
import { Type } from 'typebox';
import { CarillonError, firstOf } from '../errors.ts';
import { parseJobFile } from '../job-file/read.ts';
import { explain, Findings, type Shape } from '../scheduler/job/schema/explain.ts';
import { closed } from '../scheduler/job/schema/parts.ts';
import type { Maintenance, Route } from '../scheduler/model/alert.ts';
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

const maxFileBytes = 1024 * 1024;
const maxProblems = 20;

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
  const { size } = await stat(path);
  if (size > maxFileBytes)
    throw new CarillonError('LIMIT_EXCEEDED', `${path} has ${size} bytes. Allowed: at most ${maxFileBytes}.`);
  return parseAlertsFile(await readFile(path, 'utf8'), path);
}

/** `source`: the path of the file. */
export function parseAlertsFile(text: string, source: string): AlertsFile {
  const [first, ...others] = parseJobFile(text, source);
  const { definition, placeOf } = first ?? {};
  if (!isMapping(definition) || others.length > 0)
    throw new CarillonError(
      'INVALID_FIELD',
      `${source}: it has no mapping, or several documents. Allowed: one mapping with receivers.`,
      {
        field: 'receivers',
        source,
        allowed: 'one mapping with receivers',
      },
    );
  const findings = new Findings('', maxProblems, receiverHints);
  const file = checked(definition, findings);
  const problem = firstOf(findings.problems.map((each) => placed(each, (at) => placeOf?.(at) ?? source)));
  if (problem !== null) throw problem;
  return file;
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function checked(fields: Readonly<Record<string, unknown>>, findings: Findings): AlertsFile {
  /** Whether it has the form that further checks need. */
  const hasForm = (schema: object, value: unknown, field: string): boolean => {
    const before = findings.problems.length;
    explain(schema as Shape, value, field, findings);
    return findings.problems.length === before;
  };
  // With services alone, it needs no receivers.
  hasForm(FileSchema, fields.heartbeats === undefined ? fields : { receivers: {}, ...fields }, '');
  const receivers = isMapping(fields.receivers) ? fields.receivers : {};
  const routes = Array.isArray(fields.routes) ? fields.routes : [];
  const windows = Array.isArray(fields.maintenance) ? fields.maintenance : [];
  for (const [name, settings] of Object.entries(receivers))
    if (hasForm(ReceiverSchema, settings, `receivers.${name}`))
      checkReceiver(name, settings as ReceiverSettings, findings);
  const heartbeats = isMapping(fields.heartbeats) ? fields.heartbeats : {};
  for (const [name, settings] of Object.entries(heartbeats))
    if (hasForm(HeartbeatSchema, settings, `heartbeats.${name}`))
      checkHeartbeat(name, settings as HeartbeatSettings, findings);
  return {
    receivers: receivers as Receivers,
    heartbeats: heartbeats as Heartbeats,
    routes: routes.flatMap((route, i) =>
      hasForm(RouteSchema, route, `routes[${i}]`)
        ? [routeOf(route as WrittenRoute, `routes[${i}]`, receivers as Receivers, findings)]
        : [],
    ),
    maintenance: windows.flatMap((window, i) =>
      hasForm(MaintenanceSchema, window, `maintenance[${i}]`)
        ? maintenanceOf(window as WrittenMaintenance, `maintenance[${i}]`, findings)
        : [],
    ),
  };
}

/** With the place in the message, and without the value of an unknown field: it may be a secret. */
function placed(
  { code, message, details }: CarillonError,
  placeOf: (field: string) => string,
): CarillonError {
  const { value, field = 'receivers', ...others } = details;
  const source = placeOf(field);
  const told = code === 'UNKNOWN_FIELD' ? {} : { value };
  return new CarillonError(code, `${source}: ${message}`, { ...others, ...told, field, source });
}
