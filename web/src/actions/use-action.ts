/** One action: sends the request, then reloads the displayed data and reports the result. */

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { flushSync } from 'react-dom';
import { problemOf } from '../data/client.ts';
import { type Notice, useSay } from '../frame/notices.tsx';

interface Action<A, T> {
  /** Sends the request. */
  readonly run: (asked: A) => Promise<T>;
  /** The notice about the result. */
  readonly said: (answer: T, asked: A) => Notice;
  readonly onDone?: (answer: T) => void;
  /** Deleted jobs, whose cached data is removed. */
  readonly gone?: (answer: T) => readonly string[];
}

/** A refusal is kept in `error`, to be shown where the action was requested. */
export function useAction<T, A = void>({ run, said, onDone, gone }: Action<A, T>) {
  const client = useQueryClient();
  const say = useSay();
  return useMutation({
    mutationFn: run,
    onSuccess: (answer, asked) => {
      say(said(answer, asked));
      // A page that is being left must be unmounted before the data is reloaded, or it would request a
      // deleted job.
      flushSync(() => onDone?.(answer));
      for (const name of gone?.(answer) ?? []) client.removeQueries({ queryKey: ['job', name] });
      void client.invalidateQueries();
    },
    onError: (error) => {
      // What the user may do has changed since the page was read, or depends on other jobs.
      if (problemOf(error).status === 403)
        void client.invalidateQueries({
          predicate: ({ queryKey: [scope] }) => scope === 'me' || scope === 'job',
        });
    },
  });
}
