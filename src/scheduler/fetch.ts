/** What a job wants to have downloaded before its command: its schema, its checks, and under which name. */

import { type Static, Type } from 'typebox';
import type { RunDefinition } from './definition.ts';
import { type Findings, shorten } from './explain.ts';
import { fetchAddressForm, outputForm } from './forms.ts';
import { published } from './published.ts';

const text = (description: string, pattern: string) =>
  Type.String({ description, maxLength: 4_096, ...published({ pattern }) });

export const Fetch = Type.Object(
  {
    uri: text('http, https or file; or the full path of a file.', fetchAddressForm),
    output: Type.Optional(
      text("Below the run's folder; the last part of the address unless said.", outputForm),
    ),
    executable: Type.Optional(Type.Boolean({ description: 'May be run; false unless said.' })),
    extract: Type.Optional(
      Type.Boolean({
        description: 'Unpack what ends like an archive (.tgz, .tar.gz, .zip …); false unless said.',
      }),
    ),
  },
  { additionalProperties: false },
);
export type FetchDefinition = Static<typeof Fetch>;

const downloaded = new Set(['http', 'https', 'file']);
const address = /^(https?:\/\/[^\s/]+|file:\/\/\/|\/)\S*$/;

/** Why the job's runs wait and are not launched: what it asks for can't be had here. Null: all of it can. */
export function heldBy({ fetch = [] }: RunDefinition): string | null {
  const index = fetch.findIndex(({ uri }) => !address.test(uri));
  if (index < 0) return null;
  const scheme = /^[a-z][a-z0-9+.-]*(?=:)/i.exec(fetch[index]!.uri)?.[0].toLowerCase() ?? null;
  const what = scheme === null || downloaded.has(scheme) ? 'no full address' : `an address of ${scheme}`;
  return `held: run.fetch[${index}] is ${what}, and only http, https and files can be downloaded here`;
}

/** With `anyAddress` those that can't be had are taken as well, and hold the job. */
export function checkFetch({ fetch = [] }: RunDefinition, anyAddress: boolean, findings: Findings): void {
  fetch.forEach(({ uri, output }, index) => {
    const refuse = (field: string, value: string, allowed: string) =>
      findings.add('INVALID_FIELD', `${field} is ${JSON.stringify(shorten(value))}. Allowed: ${allowed}.`, {
        field,
        value: shorten(value),
        allowed,
      });
    const place = `run.fetch[${index}]`;
    if (!address.test(uri) && !anyAddress)
      refuse(`${place}.uri`, uri, 'http://…, https://…, file:///… or a full path');
    const name = output ?? fetchName(uri);
    if (name === '' || name.startsWith('/') || name.split('/').includes('..'))
      refuse(`${place}.output`, name, "a path below the run's folder");
  });
}

/** The last part of the address; what asks for nothing by name is called `download`. */
export function fetchName(uri: string): string {
  const path = uri.replace(/^[a-z]+:\/\/[^/]*/i, '').split(/[?#]/, 1)[0] ?? '';
  const name = path.split('/').at(-1) ?? '';
  return name === '' || name === '.' || name === '..' ? 'download' : name;
}
