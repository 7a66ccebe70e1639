/** Resource usage of attempts: the schema of its fields, and the conversion to them. */

import type { Usage } from '../../scheduler/model/model.ts';
import { isoOrNull } from './instants.ts';
import { count, instant, orNull } from './shape.ts';

export const usageFields = {
  cpuMs: orNull(count('Processor time of all processes.'), {
    description: 'Null before the end, and where the engine does not measure it or missed it.',
  }),
  peakMemoryBytes: orNull(
    count('Peak memory: of a process, its largest process; of a container, all of it with its page cache.'),
    { description: 'Null when cpuMs is, and where the system does not measure it.' },
  ),
  readBytes: orNull(count('Bytes read from disks, not from caches.'), {
    description: 'Null when cpuMs is, for containers, and in attempts of older releases.',
  }),
  writtenBytes: orNull(count('Bytes written to disks. Null when readBytes is.')),
  usageUntil: orNull(instant('When it was measured, if that was before the end.'), {
    description: 'Null: at the end. Otherwise the values are lower bounds: what was used later is missing.',
  }),
};

export const usageToWire = ({ cpuMs, peakBytes, readBytes, writtenBytes, until }: Usage = {}) => ({
  cpuMs: cpuMs ?? null,
  peakMemoryBytes: peakBytes ?? null,
  readBytes: readBytes ?? null,
  writtenBytes: writtenBytes ?? null,
  usageUntil: isoOrNull(until ?? null),
});
