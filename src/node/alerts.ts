/** Opens the file of receivers and routes. */

import { CarillonError } from '../errors.ts';
import { readAlertsFile } from '../notify/file.ts';
import { createNotifier } from '../notify/notifier.ts';
import type { ReceiverParts } from '../notify/receiver.ts';
import type { Route } from '../scheduler/model/alert.ts';
import type { Notifier } from '../scheduler/notifier.ts';

export interface Telling {
  /** Started. Null: there is no file, so there are no receivers. */
  readonly notifier: Notifier | null;
  readonly routes: readonly Route[];
}

/** INVALID_FIELD or LIMIT_EXCEEDED, with the place in the file, if it or a file that it names cannot be used. */
export async function openAlerts(path: string | null, parts: ReceiverParts): Promise<Telling> {
  if (path === null) return { notifier: null, routes: [] };
  const { receivers, routes } = await readAlertsFile(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const notifier = createNotifier(receivers, parts);
  await notifier.start();
  return { notifier, routes };
}

function unreadable(path: string, error: unknown): unknown {
  const { code } = Object(error) as { code?: unknown };
  if (error instanceof CarillonError || typeof code !== 'string') return error;
  const allowed = 'a file that the scheduler may read';
  return new CarillonError('INVALID_FIELD', `${path}: it cannot be read (${code}). Allowed: ${allowed}.`, {
    field: 'alertsFile',
    value: path,
    allowed,
  });
}
