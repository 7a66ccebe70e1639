/** Lines that mark where output is missing or cannot be read. */

/** For output that is gone. */
export function droppedLine(bytes: number, inLine = false): Uint8Array {
  const count = bytes.toLocaleString('en-US');
  const words = bytes === 1 ? 'byte of output was' : 'bytes of output were';
  return lineOf(`${count} ${words} dropped here`, inLine);
}

/** For output that a process of the job keeps from being read. */
export function leasedLine(stream: string, inLine: boolean): Uint8Array {
  return lineOf(
    `${stream} cannot be read now, because a process holds a lease on it: try again in a minute`,
    inLine,
  );
}

const lineOf = (text: string, inLine: boolean): Uint8Array =>
  Buffer.from(`${inLine ? '\n' : ''}[carillon: ${text}]\n`);
