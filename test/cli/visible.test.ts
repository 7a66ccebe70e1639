/** Nothing that came from elsewhere reaches the terminal as a control character. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import type { Io } from '../../src/cli/shell.ts';
import { guarded, styled } from '../../src/cli/visible.ts';
import { bold, card, table, tinted } from '../../src/cli/words.ts';
import { formatJobFile, parseJobFile } from '../../src/job-file/read.ts';
import { clientWith, printingTo } from '../support/command-line.ts';

const dir = mkdtempSync(join(tmpdir(), 'carillon-visible-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function terminal(options: Partial<Io> = {}): { io: Io; printed: () => string } {
  let printed = '';
  const add = (text: string): void => {
    printed += text;
  };
  const io = printingTo(add, { terminal: true, color: true, progress: true, now: () => 0, ...options });
  return { io, printed: () => printed };
}

/** Our own colours. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const colour = /\x1b\[(?:1|2|22|3[1-6]|39)m/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const control = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

describe('control characters are shown, not sent', () => {
  test.each([
    ['a colour', '\x1b[31mred\x1b[0m', '\\u001b[31mred\\u001b[0m'],
    ['a title', '\x1b]0;owned\x07', '\\u001b]0;owned\\u0007'],
    ['a cleared screen', '\x1b[2J\x1b[H', '\\u001b[2J\\u001b[H'],
    ['a line that is written over', 'bad\rgood', 'bad\\u000dgood'],
    ['eight-bit controls', '\x9b31m\x85', '\\u009b31m\\u0085'],
    ['a turned direction', 'a\u202eb', 'a\\u202eb'],
    ['half a character', '\ud800', '\\ud800'],
    ['lines and tabs stay', 'a\n\tb', 'a\n\tb'],
    ['letters of all kinds stay', 'é 漢 🔔', 'é 漢 🔔'],
  ])('%s', (_, text, shown) => {
    const { io, printed } = terminal();
    guarded(io).out(text);
    guarded(io).err(text);
    expect(printed()).toBe(shown + shown);
  });

  test('whatever it is, in cards, tables and lines; our own colours stay', () => {
    const text = fc.array(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\x1b[', '31m', '\x1b', ';', 'm')),
    );
    fc.assert(
      fc.property(text, (parts) => {
        const { io, printed } = terminal();
        const hostile = parts.join('');
        const session = guarded(io);
        session.out(`${tinted('failed', io)} ${hostile}\n`);
        session.out(card([[hostile, hostile]], io));
        session.out(table([hostile], [[hostile, tinted(hostile, io)]], io));
        expect(printed().replaceAll(colour, '')).not.toMatch(control);
        expect(printed().startsWith('\x1b[31mfailed\x1b[39m ')).toBe(true);
      }),
    );
  });

  test('a colour in a text is not taken for one of ours, where there is colour', () => {
    const { io, printed } = terminal();
    guarded(io).out(`${styled('green', 'ours')} ${bold('ours', io)} \x1b[32mtheirs\x1b[39m`);
    expect(printed()).toBe('\x1b[32mours\x1b[39m \x1b[1mours\x1b[22m \\u001b[32mtheirs\\u001b[39m');
  });
});

describe("a job's output", () => {
  const output = '\x1b[31mred\x1b[0m 50%\r100%\n\x1b]0;owned\x07\x1b[2J';

  test('goes into pipes and files as it is', () => {
    const { io, printed } = terminal({ terminal: false });
    guarded(io).raw(output);
    expect(printed()).toBe(output);
  });

  test('on a terminal has its colours, and nothing that leaves the line', () => {
    const { io, printed } = terminal();
    const { raw } = guarded(io);
    for (const character of output) raw(character);
    expect(printed()).toBe('\x1b[31mred\x1b[0m 50%\r100%\n\\u001b]0;owned\\u0007\\u001b[2J');
  });
});

test('commands show what files and addresses hold', async () => {
  const name = '\x1b[31mevil\x1b[2J.yaml';
  writeFileSync(join(dir, name), 'name: "\\e[31ma"\nrun: { "\\x9b": "\\e]0;owned\\a" }\n');
  const { io, printed } = terminal();
  const parts = clientWith(io);
  expect(await runCli(['validate', join(dir, name)], parts)).toBe(2);
  await runCli(['validate', join(dir, `${name}-not-there`)], parts);
  await runCli(['jobs', '\x1b[2J', '--url', 'http://127.0.0.1:1'], parts);
  await runCli(['--\x1b[2J'], parts);
  expect(printed()).toContain('\\u001b[31mevil\\u001b[2J.yaml');
  expect(printed().replaceAll(colour, '')).not.toMatch(control);
});

test('files that are not UTF-8 are refused with their place', async () => {
  const path = join(dir, 'latin.yaml');
  writeFileSync(path, Buffer.from('name: a\ndescription: caf\xe9\n', 'latin1'));
  const { io, printed } = terminal();
  const parts = clientWith(io);
  for (const command of [['validate'], ['apply', '-f'], ['import', 'crontab'], ['import', 'chronos']])
    expect(await runCli([...command, path], parts)).toBe(2);
  expect(printed().match(/latin\.yaml:2:17: the byte 0xE9 is not valid UTF-8\./g)).toHaveLength(4);
});

test('YAML that is written holds every text exactly, in characters that can be seen', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\x85', '\u202e', '\u2028', '\x9b2J', ' \x7f'),
  );
  fc.assert(
    fc.property(fc.array(text), (texts) => {
      const whole = texts.map((each) => each.replace(/\p{Surrogate}/gu, ''));
      const written = formatJobFile([{ name: 'a', texts: whole, [whole[0] ?? 'x']: 1 }]);
      expect(written).not.toMatch(control);
      expect(parseJobFile(written, 'f')[0]?.definition).toEqual({
        name: 'a',
        texts: whole,
        [whole[0] ?? 'x']: 1,
      });
    }),
  );
});
