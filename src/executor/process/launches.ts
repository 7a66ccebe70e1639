/** Where the launches of a node are: files, or directories where the supervisor's program does not run. */

import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isLaunchName } from '../logs/run-logs.ts';
import { nullIfMissing } from '../logs/stream-file.ts';
import { noSystemLimits } from '../supervised/faults.ts';
import type { Launches } from '../supervised/launch.ts';
import { createLaunchDirectories, type LaunchDirectoriesParts } from './directory.ts';
import { createLaunchFiles, type LaunchFilesParts } from './launch-file.ts';
import { noLimitGroups } from './limits.ts';

export type LaunchesParts = LaunchDirectoriesParts & Omit<LaunchFilesParts, 'supervisor'>;

export function createLaunches(parts: LaunchesParts): Launches {
  const { supervisor } = parts;
  const folder = join(parts.dir, 'launches');
  const directories = createLaunchDirectories(parts);
  const files = supervisor === null ? null : createLaunchFiles({ ...parts, supervisor });
  return {
    async prepare() {
      await directories.prepare();
      await files?.prepare();
    },
    async names() {
      return ((await readdir(folder).catch(nullIfMissing)) ?? []).filter(isLaunchName);
    },
    async open(name) {
      if (!isLaunchName(name)) return null;
      const found = await lstat(join(folder, name)).catch(nullIfMissing);
      if (found?.isDirectory()) return directories.open(name);
      return found?.isFile() && files !== null ? files.open(name) : null;
    },
    async begin(beginning, mayStart, at) {
      if (files !== null) return files.begin(beginning, mayStart, at);
      await noLimitGroups.create(beginning.name, beginning.limits);
      if (beginning.start.systemLimits.length > 0) throw noSystemLimits();
      return directories.begin(beginning, mayStart);
    },
    ...(files?.hold && { hold: files.hold }),
    ...(files?.keepsTime && { keepsTime: files.keepsTime }),
    async stop() {
      await files?.stop();
    },
  };
}
