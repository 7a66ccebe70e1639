/** JSON Schema of a job file, for editors: one job, a list of jobs, or `jobs:` with a list. */

import { JobDefinition } from './definition.ts';
import { publish } from './schema/published.ts';

export function jobFileSchema(): object {
  const job = { $ref: '#/$defs/Job' };
  const jobs = { type: 'array', items: job };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Carillon job file',
    anyOf: [
      job,
      jobs,
      {
        type: 'object',
        required: ['jobs'],
        properties: { jobs },
        // For YAML anchors; ignored.
        patternProperties: { '^x-': {} },
        additionalProperties: false,
      },
    ],
    $defs: { Job: publish(JobDefinition) },
  };
}
