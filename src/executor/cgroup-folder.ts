/** Where the control group of a process is mounted. Pure. */

import { join, relative } from 'node:path';

/**
 * `groups` is /proc/PID/cgroup of a process. The group is that of version 2, or of a controller in version 1. Null: not
 * visible.
 */
export function cgroupFolder(
  mountinfo: string,
  groups: string,
  controller: string | null = null,
): string | null {
  const [, path] =
    groups
      .split('\n')
      .map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line)?.slice(1) ?? [])
      .find(([controllers]) => isOf(controllers ?? null, controller)) ?? [];
  // In another cgroup namespace, paths lead upwards.
  if (path === undefined || path.startsWith('/..')) return null;
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [type, , options = ''] = after.split(' ');
    if (controller === null ? type !== 'cgroup2' : type !== 'cgroup' || !isOf(options, controller)) continue;
    const [root = '', mount = ''] = before.split(' ').slice(3).map(unescapeMount);
    const below = relative(root, path);
    // A mount shows one branch, and we may be on another.
    if (!root.startsWith('/..') && below !== '..' && !below.startsWith('../')) return join(mount, below);
  }
  return null;
}

/** `list`: names of controllers, and of options, with commas in between. Version 2 names none. */
const isOf = (list: string | null, controller: string | null): boolean =>
  controller === null ? list === '' : (list?.split(',').includes(controller) ?? false);

/** Decodes octal escapes, such as for spaces. */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}
