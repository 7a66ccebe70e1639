/**
 * Downloads that are not supported here (hdfs, s3n, ftp): the job is stored but blocked, because without its
 * files it would do something else. Its runs wait with the reason until the job is sent without them.
 */

import type { JobDefinition } from '../job/definition.ts';
import { isDownloadable } from '../job/schema/fetch.ts';
import { settledFields } from './mapping.ts';

const downloaded = new Set(['http', 'https', 'file']);

/** Why the job's runs wait and are not launched. Null: nothing blocks them. */
export function heldBy(definition: JobDefinition): string | null {
  const { chronos, run = {} } = definition;
  // A container brings its own files.
  if (chronos === undefined || run.image !== undefined) return null;
  if (chronos.uris === undefined && chronos.fetch === undefined) return null;
  const { fetch, uris } = settledFields(definition);
  const all = [
    ...fetch.map(({ uri }, index) => ({ uri, field: `fetch[${index}]` })),
    ...uris.map((uri, index) => ({ uri, field: `uris[${index}]` })),
  ];
  const lacking = all.find(({ uri }) => !isDownloadable(uri));
  if (lacking === undefined) return null;
  const scheme = /^[a-z][a-z0-9+.-]*(?=:)/i.exec(lacking.uri)?.[0].toLowerCase() ?? null;
  const what = scheme === null || downloaded.has(scheme) ? 'no full address' : `an address of ${scheme}`;
  return `held: ${lacking.field} is ${what}, and only http, https and files can be downloaded here`;
}
