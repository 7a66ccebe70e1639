/** Messages as Slack gets them. */

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

interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly { readonly text: { readonly text: string; readonly verbatim: boolean } }[];
}

let server: HttpReceiver;
let slack: OneReceiver;
receiving((ownServer, files) => {
  server = ownServer;
  slack = oneReceiver({ slack: { urlFile: files.write('url', server.url) } });
});

describe('a message in Slack', () => {
  test('has a title, facts, output and a link', async () => {
    for (const message of Object.values(steps)) await slack.send(message);
    await expect(pretty(server.bodies())).toMatchFileSnapshot('snapshots/slack.txt');
  });

  test('mentions nobody, links to nothing of its own and keeps within the limits', async () => {
    await slack.send(nasty);
    const [{ text, blocks }] = server.bodies() as [SlackMessage];
    const texts = [text, ...blocks.map((block) => block.text.text)];
    expect(texts.pop()).toBe(
      '<https://carillon.example.com/jobs/x?a=%22%3E%3Cscript%3E%7Cb|Open in Carillon>',
    );
    expect(texts.join('\n')).not.toMatch(/[<>]/);
    expect(blocks.every((block) => block.text.verbatim && block.text.text.length <= 3_000)).toBe(true);
    expect(text).toMatch(
      /^\[critical\] x Bcc: eve@example\.com &lt;script&gt;alert\(1\)&lt;\/script&gt; &lt;!channel&gt;/,
    );
    const output = texts.at(-1) as string;
    // The fences are the only ones, and the last lines are there.
    expect(output.match(/```/g)).toHaveLength(2);
    expect(output).toMatch(/^```line 199 (?:&amp;)+…?\nred {2}nul\n''' &lt;!everyone&gt; .*\n\.\n🙂+…```$/u);
    expect(output).not.toMatch(/&(?!amp;|lt;|gt;)/);
  });

  test('with blank output, without facts and without a link is only a title', async () => {
    await slack.send({ ...opened, facts: [], output: ['', ' '], link: null });
    expect((server.bodies() as [SlackMessage])[0].blocks).toHaveLength(1);
  });
});
