/**
 * The control group of a container on this machine. It counts what the container uses, and is removed milliseconds after
 * its last process has ended: the kernel notifies of that moment, and what is read then is final.
 */

import { readFileSync, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LaunchReport } from '../../scheduler/ports.ts';
import { cgroupFolder } from '../cgroup-folder.ts';

export type Usage = NonNullable<LaunchReport['usage']>;

export interface Measured {
  readonly usage: Usage;
  /** No process is left, so it will not change. */
  readonly isFinal: boolean;
}

export class ContainerCgroup {
  /** In the hierarchy of version 2, which hybrid systems have too. */
  readonly #folder: string;
  /** Peak memory: from Linux 5.19 on in version 2, and in version 1. */
  readonly #peakFiles: readonly string[];

  private constructor(folder: string, memoryV1: string | null) {
    this.#folder = folder;
    this.#peakFiles = [
      join(folder, 'memory.peak'),
      ...(memoryV1 === null ? [] : [join(memoryV1, 'memory.max_usage_in_bytes')]),
    ];
  }

  /** Null if this machine does not have it, or not in version 2. `pid` is the container's first process. */
  static async find(id: string, pid: number): Promise<ContainerCgroup | null> {
    const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
    const mountinfo = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
    // Its name proves that it is not that of another process, on an engine that is elsewhere.
    const folderOf = (controller: string | null): string | null => {
      const folder = cgroupFolder(mountinfo, groups, controller);
      return folder?.includes(id) ? folder : null;
    };
    const folder = folderOf(null);
    return folder === null ? null : new ContainerCgroup(folder, folderOf('memory'));
  }

  /** Null if it is gone. */
  measure(): Measured | null {
    const read = (path: string): string | null => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return null;
      }
    };
    // First: what is read after it is final if it says so.
    const events = read(join(this.#folder, 'cgroup.events'));
    const cpuUs = /^usage_usec (\d+)$/m.exec(read(join(this.#folder, 'cpu.stat')) ?? '')?.[1];
    if (events === null || cpuUs === undefined) return null;
    const peak = this.#peakFiles.map(read).find((text) => text !== null);
    const usage: Usage = {
      cpuMs: Math.round(Number(cpuUs) / 1_000),
      ...(peak !== undefined && { peakBytes: Number(peak) }),
    };
    return { usage, isFinal: /^populated 0$/m.test(events) };
  }

  /** Calls back when its last process ends, and perhaps more often. Returns a function that ends that. */
  onChange(listener: () => void): () => void {
    try {
      const watcher = watch(join(this.#folder, 'cgroup.events'), { persistent: false }, listener);
      watcher.on('error', () => watcher.close());
      return () => watcher.close();
    } catch {
      // It is gone, or the system watches too much already.
      return () => undefined;
    }
  }
}
