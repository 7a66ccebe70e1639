/** Alerts as Alertmanager gets them: their form, and a real Alertmanager that takes, keeps and ends them. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AlertmanagerSettings } from '../../src/notify/schema.ts';
import type { Message } from '../../src/scheduler/model/alert.ts';
import { Alertmanager, hasAlertmanager } from '../support/alertmanager.ts';
import { until } from '../support/until.ts';
import { HttpReceiver, nasty, oneReceiver, opened, pretty, repeated, resolved, steps } from './harness.ts';

describe('an alert', () => {
  let server: HttpReceiver;
  beforeEach(async () => {
    server = await HttpReceiver.start();
  });
  afterEach(async () => {
    await server.stop();
  });
  const alertmanager = (settings: AlertmanagerSettings = { url: `${server.url}/am/` }) =>
    oneReceiver({ alertmanager: settings });

  test('has the same labels in all messages, and an end when it is resolved', async () => {
    for (const message of Object.values(steps)) await alertmanager().send(message);
    expect(server.received[0]?.url).toBe('/am/api/v2/alerts');
    await expect(pretty(server.bodies())).toMatchFileSnapshot('snapshots/alertmanager.txt');
  });

  test('has names of labels that Alertmanager allows, and its own win', async () => {
    await alertmanager().send(nasty);
    expect((server.bodies() as [[{ labels: object }]])[0][0].labels).toEqual({
      alertname: 'CarillonFailed',
      job: 'etl-load',
      severity: 'critical',
      installation: 'one',
      owner: 'eve Bcc: eve@example.com',
      a_b: '<!channel> @here',
      _7th: '{{job}}',
    });
  });

  test('stays open for as long as the receiver says', async () => {
    await alertmanager({ url: server.url, openFor: 'P1D' }).send(opened);
    await alertmanager({ url: server.url, openFor: 'P1D' }).send(resolved);
    const [[open], [end]] = server.bodies() as [[{ endsAt: string }], [{ endsAt: string }]];
    expect([open.endsAt, end.endsAt]).toEqual(['2026-12-01T09:00:00.000Z', '2026-11-30T08:00:09.000Z']);
  });

  test.each([
    ['at-risk', 'CarillonAtRisk'],
    ['pipeline-late', 'CarillonPipelineLate'],
  ] as const)('that is %s is named %s', async (condition, alertname) => {
    await alertmanager().send({ ...opened, condition });
    expect(server.bodies()).toMatchObject([[{ labels: { alertname } }]]);
  });

  test('of a test has another name', async () => {
    await alertmanager().send({ ...opened, step: 'test' });
    expect(server.bodies()).toMatchObject([[{ labels: { alertname: 'CarillonTest' } }]]);
  });
});

describe.skipIf(!hasAlertmanager)('Alertmanager', () => {
  let hook: HttpReceiver;
  let alertmanager: Alertmanager;
  beforeAll(async () => {
    hook = await HttpReceiver.start();
    alertmanager = await Alertmanager.start(hook.url);
  });
  afterAll(async () => {
    await alertmanager?.stop();
    await hook.stop();
  });

  const send = async (message: Message, openFor: object = {}): Promise<void> => {
    await until('Alertmanager is ready', async () => (await fetch(`${alertmanager.url}/-/ready`)).ok);
    await oneReceiver({ alertmanager: { url: alertmanager.url, ...openFor } }, Date.now()).send(message);
  };
  const told = (job: string): string[] =>
    hook.bodies().flatMap((body) => {
      const { status, commonLabels } = body as { status: string; commonLabels: { job: string } };
      return commonLabels.job === job ? [status] : [];
    });

  test('shows an alert once until it is resolved, and tells of both', async () => {
    // It compares them with its own clock.
    const since = Date.now() - 60_000;
    await send({ ...opened, since, at: since });
    await send({ ...repeated, since, at: since + 1_000 });
    const [alert, ...others] = await alertmanager.alerts();
    expect(others).toEqual([]);
    expect(alert).toMatchObject({
      labels: {
        alertname: 'CarillonFailed',
        job: 'etl-load',
        severity: 'critical',
        team: 'data',
        cost_center: '4711',
      },
      annotations: { summary: 'etl-load failed', output: 'loading 12 files\n  error: no space left' },
      startsAt: new Date(since).toISOString(),
      generatorURL: 'https://carillon.example.com/jobs/etl-load',
      status: { state: expect.stringMatching(/unprocessed|active/) },
    });
    await until('it tells of the alert', () => told('etl-load').includes('firing'));
    await send({ ...resolved, since, at: Date.now() - 1 });
    await until('it has none', async () => (await alertmanager.alerts()).length === 0);
    await until('it tells of the end', () => told('etl-load').at(-1) === 'resolved');
  });

  test('ends an alert itself after the time that the receiver says', async () => {
    const since = Date.now() - 60_000;
    await send({ ...opened, job: 'stays', since, at: since });
    await send({ ...opened, job: 'ends', since, at: since }, { openFor: 'PT2S' });
    await until('it tells of the end', () => told('ends').at(-1) === 'resolved');
    expect((await alertmanager.alerts()).map(({ labels }) => labels.job)).toEqual(['stays']);
    expect(told('stays')).toEqual(['firing']);
  });

  test('keeps alerts of jobs with the same name in two installations apart', async () => {
    const since = Date.now() - 60_000;
    const message = { ...opened, job: 'twice', since, at: since };
    for (const installation of ['one', 'other'])
      await oneReceiver({ alertmanager: { url: alertmanager.url } }, Date.now(), {}, installation).send(
        message,
      );
    const there = async () => (await alertmanager.alerts()).filter(({ labels }) => labels.job === 'twice');
    await until('both are there', async () => (await there()).length === 2);
  });

  test('takes whatever is in the texts', async () => {
    await send({ ...nasty, job: 'nasty', since: Date.now() - 60_000, at: Date.now() });
    await until('it is there', async () =>
      (await alertmanager.alerts()).some(({ labels }) => labels.job === 'nasty'),
    );
  });
});
