/** One action: sent, then what is shown is read again at once and the result is said. */

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { flushSync } from 'react-dom';
import { type Notice, useSay } from '../frame/notices.tsx';

interface Action<A, T> {
  /** Sends it. */
  readonly run: (asked: A) => Promise<T>;
  /** What came of it. */
  readonly said: (answer: T, asked: A) => Notice;
  readonly onDone?: (answer: T) => void;
  /** Jobs that are no more: what was read of them is forgotten. */
  readonly gone?: (answer: T) => readonly string[];
}

/** A refusal is left in `error`, to be shown where the action was asked for. */
export function useAction<T, A = void>({ run, said, onDone, gone }: Action<A, T>) {
  const client = useQueryClient();
  const say = useSay();
  return useMutation({
    mutationFn: run,
    onSuccess: (answer, asked) => {
      say(said(answer, asked));
      // A page that is left must be gone before all is read again, or it would ask for what is no more.
      flushSync(() => onDone?.(answer));
      for (const name of gone?.(answer) ?? []) client.removeQueries({ queryKey: ['job', name] });
      void client.invalidateQueries();
    },
  });
}
