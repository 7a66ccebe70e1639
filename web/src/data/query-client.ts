/**
 * The cache of server data. Live events keep it fresh (see `live.ts`), so nothing is refetched because of its
 * age. A refusal is final; only an unreachable server is retried once.
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
