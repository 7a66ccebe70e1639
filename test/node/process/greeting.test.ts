import { expect, test } from 'vitest';
import { type Greeting, greeting } from '../../../src/node/process/greeting.ts';

const first: Greeting = {
  url: 'http://127.0.0.1:4400',
  state: '/data',
  engines: 'process',
  jobs: 0,
  examples: 'examples/etl',
  link: null,
};

test.each<[string, Partial<Greeting>, string]>([
  [
    'the first start, beside the examples',
    {},
    'next     carillon apply -f examples/etl   then   carillon jobs',
  ],
  [
    'the first start, elsewhere',
    { examples: null },
    'next     open http://127.0.0.1:4400/new   then   carillon jobs',
  ],
  [
    'another address',
    { url: 'http://127.0.0.1:4500' },
    'next     carillon --url http://127.0.0.1:4500 apply -f examples/etl   then   carillon --url http://127.0.0.1:4500 jobs',
  ],
  ['a later start', { jobs: 12 }, 'jobs     12: carillon jobs   or open   http://127.0.0.1:4400'],
])('%s says what to do next', (_, changed, line) => {
  expect(greeting({ ...first, ...changed })).toContain(`  ${line}\n`);
});
