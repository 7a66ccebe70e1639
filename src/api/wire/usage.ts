/** What attempts used of their machine: the schema of these fields, and the conversion to them. */

import type { Usage } from '../../scheduler/model/model.ts';
import { count, orNull } from './shape.ts';

export const usageFields = {
  cpuMs: orNull(count('Processor time of all processes. Null before the end, and for containers.')),
  peakMemoryBytes: orNull(count('Peak memory of the largest process. Null when cpuMs is.')),
  readBytes: orNull(
    count('Bytes read from disks, not from caches. Null when cpuMs is, and in attempts of older releases.'),
  ),
  writtenBytes: orNull(count('Bytes written to disks. Null when readBytes is.')),
};

export const usageToWire = ({ cpuMs, peakBytes, readBytes, writtenBytes }: Usage = {}) => ({
  cpuMs: cpuMs ?? null,
  peakMemoryBytes: peakBytes ?? null,
  readBytes: readBytes ?? null,
  writtenBytes: writtenBytes ?? null,
});
