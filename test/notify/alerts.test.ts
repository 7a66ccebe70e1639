/** The file of alerts while a node runs: what a change of it does, and what a mistake in it does not. */

import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Alerts } from '../../src/notify/alerts.ts';
import { SimClock } from '../support/sim-clock.ts';
import { until } from '../support/until.ts';
import { SecretFiles } from './harness.ts';

const receivers = (...names: string[]): string =>
  `receivers: { ${names.map((name) => `${name}: { command: { argv: [page] } }`).join(', ')} }\n`;

let files: SecretFiles;
let clock: SimClock;
let warnings: string[];
let alerts: Alerts;
const path = (): string => join(files.dir, 'alerts.yaml');

beforeEach(async () => {
  files = new SecretFiles();
  clock = new SimClock(0);
  warnings = [];
  files.write('alerts.yaml', `${receivers('a', 'b')}routes: [{ to: [a] }]\n`);
  const log = {
    ...{ debug() {}, info() {}, error() {} },
    warn: ({ error }: { error?: string }, event: string) => void warnings.push(`${event} ${error}`),
  };
  alerts = new Alerts(path(), {
    ...{ clock, log, environment: {}, installation: () => 'one' },
    bare: (argv) => argv,
  });
  await alerts.open();
  await alerts.start();
});
afterEach(async () => {
  await alerts.stop();
  files.remove();
});

const looks = (what: string, isSo: () => boolean): Promise<unknown> =>
  until(what, async () => {
    await clock.advance(2_000);
    return isSo();
  });
const names = (): string => [...alerts.receivers].join();

describe('a file that has changed', () => {
  test('counts within seconds, routes and receivers together', async () => {
    expect(names()).toBe('a,b');
    expect(alerts.routes).toMatchObject([{ to: ['a'] }]);
    files.write('alerts.yaml', `${receivers('c')}routes: [{ to: [c] }]\n`);
    await looks('it is read', () => names() === 'c');
    expect(alerts.routes).toMatchObject([{ to: ['c'] }]);
    expect(warnings).toEqual([]);
  });

  test('counts also if another file takes its place', async () => {
    renameSync(files.write('new.yaml', receivers('n')), path());
    await looks('it is read', () => names() === 'n');
  });

  test.each([
    [
      'a mistake',
      'receivers: { c: {} }\nroutes: [{ to: [d] }]\n',
      /alerts\.yaml:1:14: receivers\.c has no kind\..*\/alerts\.yaml:2:12: routes\[0\]\.to names 'd'/,
    ],
    [
      'a secret that is missing',
      'receivers: { c: { slack: { urlFile: /nothing/url } } }\n',
      /receivers\.c: \/nothing\/url: it cannot be read \(ENOENT\)/,
    ],
    ['no YAML', 'receivers: {', /alerts\.yaml:\d/],
  ])('with %s changes nothing, and is told once, until it is mended', async (_, text, words) => {
    files.write('alerts.yaml', text);
    await looks('it is told', () => alerts.problem !== null);
    await clock.advance(20_000);
    expect(alerts.problem).toMatch(words);
    expect(warnings).toEqual([`alerts.file-not-read ${alerts.problem}`]);
    expect(names()).toBe('a,b');
    expect(alerts.routes).toMatchObject([{ to: ['a'] }]);
    files.write('alerts.yaml', receivers('e'));
    await looks('it is read', () => names() === 'e');
    expect(alerts.problem).toBeNull();
  });

  test('counts again when a secret that was missing is there, without a change of its own', async () => {
    files.write('alerts.yaml', `receivers: { c: { slack: { urlFile: ${files.dir}/url } } }\n`);
    await looks('it is told', () => alerts.problem !== null);
    files.write('url', 'https://hooks.slack.com/services/x');
    await looks('it is read', () => names() === 'c');
  });

  test('that is gone changes nothing', async () => {
    rmSync(path());
    await looks('it is told', () => alerts.problem !== null);
    expect(alerts.problem).toBe(
      `${path()}: it cannot be read (ENOENT). Allowed: a file that the scheduler may read.`,
    );
    expect(names()).toBe('a,b');
  });
});
