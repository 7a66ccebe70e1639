/** Parses a byte stream of JSON values, one per line: the engine's events and the progress of a pull. */

/** An event with all labels of a container is much shorter; a longer line is not an event. */
const maxLineLength = 1024 * 1024;

/** Reads no faster than it is consumed. A line that is too long or not JSON ends it with an error. */
export async function* jsonLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of source) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineLength)
      throw new Error(`the engine sent a line with more than ${maxLineLength} characters`);
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
  }
  if (rest.trim() !== '') yield JSON.parse(rest);
}
