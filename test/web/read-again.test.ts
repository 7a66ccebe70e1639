/** Reading again what changed while it was being read: the page must not stay with the older answer. */

import { QueryClient, QueryObserver } from '@tanstack/react-query';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readAgain } from '../../web/src/data/read-again.ts';

/** A server that answers when told to, with what was true when it was asked. */
class Answers {
  truth = 'running';
  asked = 0;
  readonly #open: (() => void)[] = [];
  #waiting: (() => void) | null = null;

  readonly read = (): Promise<string> => {
    this.asked++;
    const { truth } = this;
    return new Promise((resolve) => {
      this.#open.push(() => resolve(truth));
      this.#waiting?.();
    });
  };

  /** Answers the oldest question, once there is one. */
  async answer(): Promise<void> {
    if (this.#open.length === 0) await new Promise<void>((resolve) => (this.#waiting = resolve));
    this.#waiting = null;
    this.#open.shift()?.();
  }
}

describe('reading again', () => {
  let client: QueryClient;
  let server: Answers;
  let close: () => void;
  beforeEach(() => {
    client = new QueryClient({ defaultOptions: { queries: { networkMode: 'always', staleTime: 30_000 } } });
    server = new Answers();
    close = new QueryObserver(client, { queryKey: ['run', 'a'], queryFn: server.read }).subscribe(() => {});
  });
  afterEach(() => {
    close();
    client.clear();
  });
  const shown = (): string | undefined => client.getQueryData(['run', 'a']);

  test('what changes during the first reading is read once more', async () => {
    server.truth = 'succeeded';
    const done = readAgain(client);
    await server.answer();
    await server.answer();
    await done;
    expect(shown()).toBe('succeeded');
    expect(server.asked).toBe(2);
  });

  test('what changes during a later reading is read once more, and the reading is not broken off', async () => {
    await server.answer();
    await vi.waitFor(() => expect(shown()).toBe('running'));
    const first = readAgain(client);
    server.truth = 'failed';
    const second = readAgain(client);
    const third = readAgain(client);
    await server.answer();
    await first;
    expect(shown()).toBe('running');
    await server.answer();
    await Promise.all([second, third]);
    expect(shown()).toBe('failed');
    expect(server.asked).toBe(3);
  });

  test('what the filter does not name is left alone', async () => {
    await server.answer();
    await vi.waitFor(() => expect(shown()).toBe('running'));
    await readAgain(client, { queryKey: ['run', 'b'] });
    expect(server.asked).toBe(1);
  });
});
