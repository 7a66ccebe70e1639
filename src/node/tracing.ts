/** Joins the export of traces to the configuration, if that names a collector. */

import type { Clock, Log, Member } from '../scheduler/ports.ts';
import { Collector } from '../traces/collector.ts';
import { type Headers, headersInFile, headersInVariable } from '../traces/headers.ts';
import { Traces } from '../traces/traces.ts';
import type { Config, Environment } from './config.ts';

/** The one for traces alone comes first. */
const headerVariables = ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS'] as const;

/** Null: there is no collector. */
export function tracesOf(
  config: Config,
  parts: {
    readonly installation: string;
    readonly node: Member;
    readonly environment: Environment;
    readonly clock: Clock;
    readonly log: Log;
  },
): Traces | null {
  const url = addressIn(config);
  if (url === null) return null;
  const { otlpHeadersFile: file } = config;
  const headers = async (): Promise<Headers> =>
    file === null ? headersIn(parts.environment) : headersInFile(file);
  const collector = new Collector({ url, headers, clock: parts.clock });
  return new Traces({ ...parts, collector, check: async () => void (await headers()) });
}

function addressIn({ otlpEndpoint, otlpTracesEndpoint }: Config): string | null {
  if (otlpTracesEndpoint !== null || otlpEndpoint === null) return otlpTracesEndpoint;
  const url = new URL(otlpEndpoint);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`;
  return url.href;
}

function headersIn(environment: Environment): Headers {
  const variable = headerVariables.find((name) => environment[name]);
  return variable === undefined ? {} : headersInVariable(variable, environment[variable] ?? '');
}
