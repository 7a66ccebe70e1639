/**
 * The cache of what the server said. Live events keep it fresh (see `live.ts`), so nothing is asked again just
 * because time went by; a refusal is final, and only an unreachable server is asked once more.
 */

import { QueryClient } from '@tanstack/react-query';
import { problemOf } from './client.ts';

const retries = 2;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      gcTime: 5 * 60_000,
      refetchOnWindowFocus: true,
      networkMode: 'always',
      retry: (count, error) => problemOf(error).status === 0 && count < retries,
      retryDelay: (count) => 500 * 2 ** count,
    },
    mutations: { networkMode: 'always', retry: false },
  },
});
