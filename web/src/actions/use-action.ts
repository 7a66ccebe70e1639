/** One action: sent, then what is shown is read again at once and the result is said. */

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type Notice, useSay } from '../frame/notices.tsx';

interface Action<A, T> {
  /** Sends it. */
  readonly run: (asked: A) => Promise<T>;
  /** What came of it. */
  readonly said: (answer: T, asked: A) => Notice;
  readonly onDone?: (answer: T) => void;
}

/** A refusal is left in `error`, to be shown where the action was asked for. */
export function useAction<T, A = void>({ run, said, onDone }: Action<A, T>) {
  const client = useQueryClient();
  const say = useSay();
  return useMutation({
    mutationFn: run,
    onSuccess: (answer, asked) => {
      void client.invalidateQueries();
      say(said(answer, asked));
      onDone?.(answer);
    },
  });
}
