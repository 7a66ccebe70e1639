/** Messages as a workflow of Microsoft Teams gets them. */

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

interface Card {
  readonly body: readonly [
    { readonly text: string },
    { readonly facts: readonly { readonly title: string; readonly value: string }[] },
    { readonly inlines: readonly [{ readonly text: string }] },
  ];
  readonly actions: readonly unknown[];
}

let server: HttpReceiver;
let teams: OneReceiver;
receiving((ownServer, files) => {
  server = ownServer;
  teams = oneReceiver({ teams: { urlFile: files.write('url', server.url) } });
});

describe('a message in Teams', () => {
  test('is a card with a title, facts, output and a link', async () => {
    for (const message of Object.values(steps)) await teams.send(message);
    await expect(pretty(server.bodies())).toMatchFileSnapshot('snapshots/teams.txt');
  });

  test.each([
    ['- a', '\\- a'],
    ['1. a', '1\\. a'],
    ['1.5 - 2', '1\\.5 - 2'],
    ['a_b *c*', 'a\\_b \\*c\\*'],
  ])('shows %s as it is', async (text, markdown) => {
    await teams.send({ ...opened, facts: [{ name: 'a', text }] });
    const [{ attachments }] = server.bodies() as [{ attachments: readonly [{ content: Card }] }];
    expect(attachments[0].content.body[1].facts).toEqual([{ title: 'a', value: markdown }]);
  });

  test('has no Markdown of its own, no function of a card, and is small enough', async () => {
    await teams.send({ ...nasty, output: nasty.output.map((line) => `${line}${'🙂'.repeat(250)}`) });
    expect(Buffer.byteLength(server.received[0]?.body ?? '')).toBeLessThan(28_000);
    const [{ attachments }] = server.bodies() as [{ attachments: readonly [{ content: Card }] }];
    const { body, actions } = attachments[0].content;
    const [title, { facts }] = body;
    const markdown = [title.text, ...facts.flatMap(({ title: name, value }) => [name, value])];
    for (const text of markdown)
      expect(text.replaceAll(/\\[^A-Za-z0-9\s]/g, '')).not.toMatch(/[\\`*_{}[\]()<>#|~&]/);
    expect(title.text).toContain('\\<script\\>alert\\(1\\)\\</script\\>');
    expect(title.text).toContain('\\{\\{DATE\\(1,SHORT\\)\\}\\}');
    expect(actions).toMatchObject([{ url: 'https://carillon.example.com/jobs/x?a=%22%3E%3Cscript%3E|b' }]);
  });
});
