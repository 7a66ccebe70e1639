/** Alerts, what was sent about them, mutes and receivers. */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { CarillonError } from '../../errors.ts';
import { oneOf } from '../../scheduler/job/definition.ts';
import type { Mute } from '../../scheduler/model/alert.ts';
import { type Alert, type Condition, conditions } from '../../scheduler/model/alert.ts';
import { type ApiContext, requestedBy } from '../context.ts';
import { answers, instantText, type Named, named, paging, query } from '../endpoint.ts';
import { decodeCursor, encodeCursor } from '../lists/cursor.ts';
import {
  alertToWire,
  notificationToWire,
  WireAlert,
  WireAlertList,
  WireMute,
  WireNotification,
  WireNotificationList,
  WireReceiverList,
} from '../wire/alerts.ts';
import { isoOrNull, readInstant } from '../wire/instants.ts';
import { apiLimits } from '../wire/limits.ts';
import { ref } from '../wire/shape.ts';

const tags = ['alerts'];

const ListQuery = query({
  condition: Type.Optional(oneOf(conditions)),
  ...paging,
});

/** At least as many as are kept. */
const keptPerJob = 200;

export function alertRoutes(app: FastifyInstance, context: ApiContext): void {
  listRoutes(app, context);
  acknowledgeRoute(app, context);
  muteRoutes(app, context);
  notificationRoutes(app, context);
  receiverRoutes(app, context);
}

function listRoutes(app: FastifyInstance, { as }: ApiContext): void {
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/alerts',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List open alerts',
        description: 'Newest first.',
        tags,
        operationId: 'listAlerts',
        querystring: ListQuery,
        response: answers({ 200: { description: 'One page', schema: ref(WireAlertList) } }),
      },
    },
    async (request) => {
      const { condition, cursor, limit = apiLimits.defaultPage } = request.query;
      const after = cursor === undefined ? null : decodeCursor(cursor, isPlace);
      const open = [...as(request).alerts()]
        .filter((alert) => condition === undefined || alert.condition === condition)
        .sort(newestFirst)
        .filter(({ since, id }) => after === null || newestFirst({ since, id }, placed(after)) > 0);
      const items = open.slice(0, limit);
      const last = items.at(-1);
      const next = open.length > limit && last !== undefined ? encodeCursor([last.since, last.id]) : null;
      return { items: items.map(alertToWire), next };
    },
  );

  app.get<{ Params: Named }>(
    '/jobs/:name/alerts',
    {
      config: { needs: 'read' },
      schema: {
        summary: "List a job's open and ended alerts",
        description: 'Newest first. The last 100 ended ones are kept.',
        tags,
        operationId: 'listJobAlerts',
        params: named,
        response: answers({ 200: { description: 'The alerts', schema: ref(WireAlertList) } }, [
          'JOB_NOT_FOUND',
        ]),
      },
    },
    async (request) => {
      const { name } = request.params;
      const scheduler = as(request);
      scheduler.job(name);
      const ended = await scheduler.archive.past('alert-ended', {
        owner: name,
        newestFirst: true,
        limit: keptPerJob,
      });
      const open = [...scheduler.alerts()].filter(({ job }) => job === name);
      return { items: [...open.sort(newestFirst), ...ended].map(alertToWire), next: null };
    },
  );
}

type Placed = Pick<Alert, 'since' | 'id'>;
const newestFirst = (a: Placed, b: Placed): number =>
  b.since - a.since || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
const isPlace = (place: readonly unknown[]): place is [number, string] =>
  place.length === 2 && typeof place[0] === 'number' && typeof place[1] === 'string';
const placed = ([since, id]: [number, string]): Placed => ({ since, id });

const AcknowledgeBody = Type.Object(
  {
    until: Type.Optional(
      instantText('When the acknowledgement ends: at most 366 days from now. Default: when the alert ends.'),
    ),
  },
  { additionalProperties: false },
);

type Acknowledge = Static<typeof AcknowledgeBody> | undefined;
const alertId = Type.Object({ id: Type.String({ maxLength: 400, description: 'Id of the alert.' }) });

const conditioned = Type.Object({ ...named.properties, condition: oneOf(conditions) });

function acknowledgeRoute(app: FastifyInstance, { as }: ApiContext): void {
  const acknowledge = async (request: FastifyRequest<{ Body: Acknowledge }>, id: string) => {
    const { until } = request.body ?? {};
    const alert = await as(request).submit({
      kind: 'acknowledge',
      id,
      until: until === undefined ? null : readInstant(until, 'until', 'body'),
      by: requestedBy(request),
    });
    return alertToWire(alert);
  };

  app.post<{ Params: Named & { condition: Condition }; Body: Acknowledge }>(
    '/jobs/:name/alerts/:condition/acknowledge',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Acknowledge an open alert',
        description:
          'Shows others who handles it. Until then it is neither repeated nor escalated. Repeating the request changes nothing.',
        tags,
        operationId: 'acknowledgeAlert',
        params: conditioned,
        body: AcknowledgeBody,
        response: answers({ 200: { description: 'The alert', schema: ref(WireAlert) } }, [
          'INVALID_BODY',
          'JOB_NOT_FOUND',
          'ALERT_NOT_FOUND',
        ]),
      },
    },
    async (request) => {
      const { name, condition } = request.params;
      const scheduler = as(request);
      scheduler.job(name);
      const open = [...scheduler.alerts()].filter(({ job }) => job === name);
      const alert = open.find((each) => each.condition === condition);
      if (alert === undefined)
        throw new CarillonError('ALERT_NOT_FOUND', `Job '${name}' has no open alert '${condition}'.`, {
          field: 'condition',
          value: condition,
          allowed: open.map((each) => each.condition),
        });
      return acknowledge(request, alert.id);
    },
  );

  app.post<{ Params: { id: string }; Body: Acknowledge }>(
    '/alerts/:id/acknowledge',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Acknowledge an open alert by its id',
        description: 'As for the alert of a job; also for alerts that are not about a job.',
        tags,
        operationId: 'acknowledgeAlertById',
        params: alertId,
        body: AcknowledgeBody,
        response: answers({ 200: { description: 'The alert', schema: ref(WireAlert) } }, [
          'INVALID_BODY',
          'ALERT_NOT_FOUND',
        ]),
      },
    },
    async (request) => acknowledge(request, request.params.id),
  );
}

const MuteBody = Type.Object(
  {
    until: instantText('When the mute ends. ISO 8601, at most 366 days from now.'),
    reason: Type.String({ minLength: 1, maxLength: 500 }),
  },
  { additionalProperties: false },
);

function muteRoutes(app: FastifyInstance, { as }: ApiContext): void {
  const muted = (job: string, mute: Mute | null) => ({
    job,
    until: isoOrNull(mute?.until ?? null),
    by: mute?.by ?? null,
    reason: mute?.reason ?? null,
  });

  app.put<{ Params: Named; Body: Static<typeof MuteBody> }>(
    '/jobs/:name/mute',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Mute the alerts of a job for a time',
        description:
          'Alerts open and end as usual, without messages about new ones. An alert that is still open when the mute ends is ' +
          'reported then.',
        tags,
        operationId: 'muteJob',
        params: named,
        body: MuteBody,
        response: answers({ 200: { description: 'The mute', schema: ref(WireMute) } }, [
          'INVALID_BODY',
          'MISSING_FIELD',
          'JOB_NOT_FOUND',
        ]),
      },
    },
    async (request) => {
      const { name } = request.params;
      const { reason } = request.body;
      const until = readInstant(request.body.until, 'until', 'body');
      const { state } = await as(request).submit({
        kind: 'mute',
        name,
        until,
        reason,
        by: requestedBy(request),
      });
      return muted(name, state.muted);
    },
  );

  app.delete<{ Params: Named }>(
    '/jobs/:name/mute',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'End the mute of a job',
        tags,
        operationId: 'unmuteJob',
        params: named,
        response: answers({ 200: { description: 'The job is not muted', schema: ref(WireMute) } }, [
          'JOB_NOT_FOUND',
        ]),
      },
    },
    async (request) => {
      const { name } = request.params;
      const { state } = await as(request).submit({ kind: 'unmute', name, by: requestedBy(request) });
      return muted(name, state.muted);
    },
  );
}

const notificationId = Type.Object({
  id: Type.String({ maxLength: 400, description: 'Key of the message.' }),
});

const OutboxQuery = query({
  receiver: Type.Optional(Type.String({ maxLength: 64, description: 'Only messages to this receiver.' })),
  state: Type.Optional(oneOf(['waiting', 'failed'])),
  ...paging,
});

const isOrder = (place: readonly unknown[]): place is [number] =>
  place.length === 1 && typeof place[0] === 'number';

function notificationRoutes(app: FastifyInstance, { as }: ApiContext): void {
  app.get<{ Querystring: Static<typeof OutboxQuery> }>(
    '/notifications',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List messages that are owed, or could not be delivered',
        description:
          'In the order in which their receivers get them, as seen by the leader. Other nodes forward the request.',
        tags,
        operationId: 'listNotifications',
        querystring: OutboxQuery,
        response: answers({ 200: { description: 'One page', schema: ref(WireNotificationList) } }),
      },
    },
    async (request) => {
      const { receiver, state, cursor, limit = apiLimits.defaultPage } = request.query;
      const after = cursor === undefined ? null : decodeCursor(cursor, isOrder)[0];
      const owed = as(request)
        .notifications()
        .filter(
          (one) =>
            (receiver === undefined || one.receiver === receiver) &&
            (state === undefined || one.state === state) &&
            (after === null || one.order > after),
        );
      const items = owed.slice(0, limit);
      const last = items.at(-1);
      const next = owed.length > limit && last !== undefined ? encodeCursor([last.order]) : null;
      return { items: items.map(notificationToWire), next };
    },
  );

  app.post<{ Params: { id: string } }>(
    '/notifications/:id/send',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Send a message again that could not be delivered, or now one that waits for its next try',
        tags,
        operationId: 'sendNotification',
        params: notificationId,
        response: answers({ 200: { description: 'The message', schema: ref(WireNotification) } }, [
          'NOTIFICATION_NOT_FOUND',
        ]),
      },
    },
    async (request) => {
      const by = requestedBy(request);
      return notificationToWire(await as(request).submit({ kind: 'send-again', id: request.params.id, by }));
    },
  );
}

const receiverName = Type.Object({
  name: Type.String({ maxLength: 64, description: 'Name of a receiver.' }),
});

function receiverRoutes(app: FastifyInstance, { as }: ApiContext): void {
  app.get(
    '/receivers',
    {
      config: { needs: 'read' },
      schema: {
        summary: 'List receivers',
        description: 'Those of the node that answers; all nodes should have the same.',
        tags,
        operationId: 'listReceivers',
        response: answers({ 200: { description: 'The receivers', schema: ref(WireReceiverList) } }),
      },
    },
    async (request) => {
      const { names, problem } = as(request).receivers();
      return { items: names.map((name) => ({ name })), next: null, problem };
    },
  );

  app.post<{ Params: Named }>(
    '/receivers/:name/test',
    {
      config: { needs: 'admin', waits: true },
      schema: {
        summary: 'Send a test message to a receiver',
        tags,
        operationId: 'testReceiver',
        params: receiverName,
        response: answers(
          { 200: { description: 'It was accepted', schema: Type.Object({ name: Type.String() }) } },
          ['RECEIVER_NOT_FOUND', 'NOTIFICATION_REFUSED', 'NOTIFICATION_FAILED'],
        ),
      },
    },
    async (request) => {
      const { name } = request.params;
      const receivers = as(request).receivers();
      if (!receivers.names.includes(name))
        throw new CarillonError('RECEIVER_NOT_FOUND', `There is no receiver named '${name}'.`, {
          field: 'name',
          value: name,
          allowed: [...receivers.names],
        });
      await receivers.test(name);
      return { name };
    },
  );
}
