/** The query string of the address: filters, sort order, tabs. Changes replace the history entry. */

import { useCallback } from 'react';
import { useSearchParams } from 'wouter';

export type Change = Readonly<Record<string, string | readonly string[] | null>>;

export function useQueryState(): readonly [URLSearchParams, (change: Change) => void] {
  const [parameters, setParameters] = useSearchParams();
  const change = useCallback(
    (changes: Change) =>
      setParameters(
        (before) => {
          const after = new URLSearchParams(before);
          for (const [key, value] of Object.entries(changes)) {
            after.delete(key);
            for (const each of value === null ? [] : [value].flat()) if (each !== '') after.append(key, each);
          }
          return after;
        },
        { replace: true },
      ),
    [setParameters],
  );
  return [parameters, change];
}

/** Adds the item to the list, or removes it. */
export const toggled = <T>(list: readonly T[], item: T): T[] =>
  list.includes(item) ? list.filter((each) => each !== item) : [...list, item];
