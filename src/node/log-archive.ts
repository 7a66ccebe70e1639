/** Joins the archive of logs to the configuration, if that names a bucket. */

import { LogArchive } from '../executor/logs/archive.ts';
import { awsCredentials } from '../executor/logs/aws-credentials.ts';
import { S3Bucket } from '../executor/logs/s3-bucket.ts';
import type { Clock, Log } from '../scheduler/ports.ts';
import type { Config, Environment } from './config.ts';

/** Null: there is no archive. INVALID_FIELD without credentials. */
export async function logArchiveOf(
  config: Config,
  parts: {
    readonly installation: string;
    readonly dir: string;
    readonly environment: Environment;
    readonly clock: Clock;
    readonly log: Log;
  },
): Promise<LogArchive | null> {
  const {
    logArchive: name,
    logArchiveRegion: region,
    logArchiveCredentials: file,
    logLimit: logBytes,
  } = config;
  if (name === null) return null;
  const { installation, environment, ...own } = parts;
  const endpoint = config.logArchiveEndpoint ?? `https://s3.${region}.amazonaws.com`;
  const place = name.slice('s3://'.length).replace(/\/+$/, '');
  const credentials = () => awsCredentials(file, environment);
  await credentials();
  const url = `${endpoint.replace(/\/+$/, '')}/${place}/${encodeURIComponent(installation)}`;
  const bucket = new S3Bucket({ url, region, credentials, clock: own.clock });
  return new LogArchive({ ...own, name, logBytes, bucket });
}
