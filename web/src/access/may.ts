/**
 * Whether the user may do something, to offer only that. The server decides again at each request. As long as
 * it is not known who asks, everything is offered.
 */

import { useQuery } from '@tanstack/react-query';
import type { WireMe } from '../../../src/api/wire/access.ts';
import { jobQuery, meQuery } from '../data/queries.ts';

export type Permission = WireMe['everywhere'][number];

/** Null: not known. */
export const useMe = (): WireMe | null => useQuery(meQuery).data ?? null;

/** For at least some jobs. */
export function useMaySome(permission: Permission): boolean {
  const me = useMe();
  return me === null || me.somewhere.includes(permission);
}

/** For everything, also what is not about a job. */
export function useMayAll(permission: Permission): boolean {
  const me = useMe();
  return me === null || me.everywhere.includes(permission);
}

/** On a job. Null: it is about none. Only who may do it on some jobs is asked about with this one. */
export function useMayOn(permission: Permission, job: string | null): boolean {
  const all = useMayAll(permission);
  const some = useMaySome(permission);
  const asked = !all && some && job !== null;
  const { data } = useQuery({ ...jobQuery(job ?? ''), enabled: asked });
  return all || (asked && data?.may?.includes(permission) === true);
}
