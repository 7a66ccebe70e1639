/** Files to download before a job's command: the schema, its checks, and their names. */

import { type Static, Type } from 'typebox';
import { type Findings, shorten } from './explain.ts';
import { fetchAddressForm, outputForm } from './forms.ts';
import { published } from './published.ts';

const text = (description: string, pattern: string) =>
  Type.String({ description, maxLength: 4_096, ...published({ pattern }) });

export const Fetch = Type.Object(
  {
    uri: text('http, https or file URL, or the absolute path of a file.', fetchAddressForm),
    output: Type.Optional(
      text("Path of a file below the run's folder. Default: the last part of the address.", outputForm),
    ),
    executable: Type.Optional(Type.Boolean({ description: 'Make the file executable. Default: false.' })),
    extract: Type.Optional(
      Type.Boolean({
        description: 'Unpack a file with an archive extension (.tgz, .tar.gz, .zip …). Default: false.',
      }),
    ),
  },
  { additionalProperties: false },
);
export type FetchDefinition = Static<typeof Fetch>;

const address = /^(https?:\/\/[^\s/]|file:\/\/\/|\/)\S*$/;
export const isDownloadable = (uri: string): boolean => address.test(uri);

export function checkFetch(fetch: readonly FetchDefinition[], findings: Findings): void {
  fetch.forEach(({ uri, output }, index) => {
    const refuse = (field: string, value: string, allowed: string) =>
      findings.add('INVALID_FIELD', `${field} is ${JSON.stringify(shorten(value))}. Allowed: ${allowed}.`, {
        field,
        value: shorten(value),
        allowed,
      });
    const place = `run.fetch[${index}]`;
    if (!isDownloadable(uri))
      refuse(`${place}.uri`, uri, 'http://…, https://…, file:///… or an absolute path');
    const name = output ?? fetchName(uri);
    const parts = name.split('/');
    if (name.startsWith('/') || parts.includes('..') || ['', '.'].includes(parts.at(-1) ?? ''))
      refuse(`${place}.output`, name, "the path of a file below the run's folder");
  });
}

/** The last part of the address, or `download` if that is empty. */
export function fetchName(uri: string): string {
  const path = uri.replace(/^[a-z]+:\/\/[^/]*/i, '').split(/[?#]/, 1)[0] ?? '';
  const name = path.split('/').at(-1) ?? '';
  return name === '' || name === '.' || name === '..' ? 'download' : name;
}
