/** Headers of requests to the collector, which hold its keys: from a file, or the variable that OpenTelemetry defines. */

import { readFile } from 'node:fs/promises';
import { CarillonError } from '../errors.ts';

const maxBytes = 64 * 1024;
/** Each line of the file. */
const line = /^(?<name>[\w!#$%&'*+.^`|~-]+)\s*:\s*(?<value>[ -~]+)$/;
/** Each item of the variable. */
const item = /^(?<name>[\w!#$%&'*+.^`|~-]+)=(?<value>[!-~]*)$/;

export type Headers = Readonly<Record<string, string>>;

/** INVALID_FIELD with the file and the line, and nothing of the content. */
export async function headersInFile(file: string): Promise<Headers> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw unusable(file, `it cannot be read (${error.code ?? error.message})`);
  });
  if (text.length > maxBytes) throw unusable(file, `it has more than ${maxBytes} characters`);
  const lines = text.split('\n').map((each) => each.trim());
  const found = lines.flatMap((each, i): [string, string][] => {
    if (each === '' || each.startsWith('#')) return [];
    const { name, value } = line.exec(each)?.groups ?? {};
    if (name === undefined || value === undefined) throw unusable(file, `line ${i + 1} is no header`);
    return [[name.toLowerCase(), value]];
  });
  return Object.fromEntries(found);
}

/** `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,…`, percent-encoded. INVALID_FIELD with nothing of the content. */
export function headersInVariable(variable: string, text: string): Headers {
  const items = text.split(',').map((each) => each.trim());
  const found = items.flatMap((each, i): [string, string][] => {
    if (each === '') return [];
    const { name, value } = item.exec(each)?.groups ?? {};
    const decoded = value === undefined ? null : decodedOrNull(value);
    if (name === undefined || decoded === null)
      throw new CarillonError('INVALID_FIELD', `${variable}: item ${i + 1} is no header.`, {
        field: variable,
        allowed: 'name=value,… with values that are percent-encoded',
      });
    return [[name.toLowerCase(), decoded]];
  });
  return Object.fromEntries(found);
}

function decodedOrNull(text: string): string | null {
  try {
    const value = decodeURIComponent(text);
    return /^[ -~]*$/.test(value) ? value : null;
  } catch {
    return null;
  }
}

function unusable(file: string, problem: string): CarillonError {
  const allowed = 'a file with a header per line, such as `Authorization: Bearer …`';
  return new CarillonError('INVALID_FIELD', `${file}: ${problem}. Allowed: ${allowed}.`, {
    field: 'otlpHeadersFile',
    value: file,
    allowed,
  });
}
