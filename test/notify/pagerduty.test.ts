/** Events as PagerDuty gets them. */

import { describe, expect, test } from 'vitest';
import {
  type HttpReceiver,
  nasty,
  type OneReceiver,
  oneReceiver,
  opened,
  pretty,
  receiving,
  steps,
} from './harness.ts';

const key = 'R0UT1NGKEY0123456789';
let server: HttpReceiver;
let pagerDuty: OneReceiver;
receiving((ownServer, files) => {
  server = ownServer;
  pagerDuty = oneReceiver({
    pagerduty: { routingKeyFile: files.write('key', `${key}\n`), url: `${server.url}/v2/enqueue` },
  });
});

interface Event {
  readonly dedup_key: string;
  readonly payload: { readonly summary: string; readonly severity: string };
}

describe('an event in PagerDuty', () => {
  test('triggers one incident, and resolves it', async () => {
    for (const message of Object.values(steps)) await pagerDuty.send(message);
    await expect(pretty(server.bodies())).toMatchFileSnapshot('snapshots/pagerduty.txt');
  });

  test.each(['info', 'warning', 'critical'] as const)('has the severity %s', async (severity) => {
    await pagerDuty.send({ ...opened, severity });
    expect((server.bodies() as [Event])[0].payload.severity).toBe(severity);
  });

  test('that is a test says so, and is only information', async () => {
    await pagerDuty.send({ ...opened, step: 'test' });
    expect((server.bodies() as [Event])[0].payload).toMatchObject({
      summary: 'Test: etl-load failed',
      severity: 'info',
    });
  });

  test('with a long key has a hash of it, the same each time', async () => {
    await pagerDuty.send(nasty);
    await pagerDuty.send({ ...nasty, step: 'resolved' });
    const [trigger, resolve] = server.bodies() as [Event, Event];
    expect(trigger.dedup_key).toMatch(/^[0-9a-f]{64}$/);
    expect(resolve.dedup_key).toBe(trigger.dedup_key);
    expect(trigger.payload.summary).not.toContain('\n');
    expect(server.received[0]?.body.length).toBeLessThan(100_000);
  });

  test('that is refused does not give its key away', async () => {
    server.answer = (response) => void response.writeHead(400).end(`{"errors":["${key} is no routing key"]}`);
    const error = await pagerDuty.send(opened).catch((problem) => problem);
    expect(error.code).toBe('NOTIFICATION_REFUSED');
    expect(error.message).toContain('*** is no routing key');
    expect(JSON.stringify([error.message, error.details])).not.toContain(key);
  });
});
