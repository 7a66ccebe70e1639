/** JSON values, one a line, out of a stream of bytes: how the engine sends events and the progress of a pull. */

/** An event with all labels of a container stays far below; what is longer is not an event. */
const maxLineLength = 1024 * 1024;

/** Reads no faster than it is read. A line that is too long or no JSON ends it with an error. */
export async function* jsonLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of source) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineLength)
      throw new Error(`the engine sent a line over ${maxLineLength} characters`);
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
  }
  if (rest.trim() !== '') yield JSON.parse(rest);
}
