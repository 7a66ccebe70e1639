/** The calls of the API about calendars and maintenance. */

import type {
  WireCalendar,
  WireCalendarChange,
  WireCalendarDocument,
  WireCalendarPreview,
  WireException,
  WireMaintenance,
} from '../api/wire/calendars/calendars.ts';

type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;
type Send = <T>(method: string, path: string, body?: unknown, query?: Query) => Promise<T>;
type Items<T> = { readonly items: readonly T[] };

export const calendarCalls = (send: Send) => ({
  all: async () => (await send<Items<WireCalendar>>('GET', '/calendars')).items,
  one: (name: string) => send<WireCalendar>('GET', at(name)),
  put: (document: WireCalendarDocument, query: Query) =>
    send<WireCalendarChange>('PUT', at(document.calendar), document, query),
  remove: (name: string) => send<WireCalendar>('DELETE', at(name)),
  preview: (name: string, query: Query) =>
    send<WireCalendarPreview>('GET', `${at(name)}/preview`, undefined, query),
  skipNext: (job: string, body: { reason?: string }) =>
    send<WireException>('POST', `${ofJob(job)}/skip-next`, body),
  move: (job: string, body: { from: string; to: string; reason?: string }) =>
    send<WireException>('POST', `${ofJob(job)}/move`, body),
  maintenance: async () => (await send<Items<WireMaintenance>>('GET', '/maintenance')).items,
  beginMaintenance: (body: { until: string; reason: string; labels: Readonly<Record<string, string>> }) =>
    send<WireMaintenance>('POST', '/maintenance', body),
  endMaintenance: (id: string) => send<WireMaintenance>('DELETE', `/maintenance/${encodeURIComponent(id)}`),
});

const ofJob = (name: string): string => `/jobs/${encodeURIComponent(name)}`;
const at = (name: string): string => `/calendars/${encodeURIComponent(name)}`;
