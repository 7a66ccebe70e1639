/** Strangers who log in do not use up the server, nor the identity provider behind it. */

import { afterEach, expect, test } from 'vitest';
import { apiLimits } from '../../../src/api/wire/limits.ts';
import { CarillonError } from '../../../src/errors.ts';
import { ApiWorld } from '../../support/api-world.ts';
import { believing, noCredentials } from '../../support/askers.ts';
import { World } from '../../support/world.ts';

let api: ApiWorld;
afterEach(() => api.close());

test('of one address, only a few log-ins ask the provider at the same time; more are told to come back', async () => {
  let asked = 0;
  let answer: () => void = () => {};
  const isAnswered = new Promise<void>((resolve) => (answer = resolve));
  const credentials = {
    ...noCredentials(),
    beginDevice: async (): Promise<never> => {
      asked += 1;
      await isAnswered;
      throw new CarillonError('PROVIDER_UNAVAILABLE', 'The identity provider does not answer.');
    },
  };
  api = await ApiWorld.over(await World.at('2026-11-21T00:00:00Z'), {}, {}, believing(), credentials);
  const { perAddress } = apiLimits.logIns;
  const begin = async () => api.app.inject({ method: 'POST', url: '/api/v1/login/device' });
  const first = Array.from({ length: perAddress }, begin);
  const refused = await begin();
  expect([refused.statusCode, refused.json().code]).toEqual([503, 'BUSY']);
  expect(asked).toBe(perAddress);
  answer();
  expect((await Promise.all(first)).map(({ statusCode }) => statusCode)).not.toContain(200);
  await begin();
  expect(asked).toBe(perAddress + 1);
});
