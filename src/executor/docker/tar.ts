/** Creates a small archive in the format that engines accept: ustar. Pure. */

const blockBytes = 512;
/** Limit of the header. */
const maxNameBytes = 100;

export interface TarFile {
  /** Without folders. */
  readonly name: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

/** The files belong to root. Throws for a name that is too long for the header. */
export function tarOf(files: readonly TarFile[]): Buffer {
  const parts = files.flatMap(({ name, mode, bytes }) => [
    header(name, mode, bytes.length),
    bytes,
    Buffer.alloc((blockBytes - (bytes.length % blockBytes)) % blockBytes),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)]);
}

/** Numbers are octal text; the checksum is computed with spaces in its own field. */
function header(name: string, mode: number, size: number): Buffer {
  if (Buffer.byteLength(name) > maxNameBytes) throw new Error(`${name} is too long for an archive`);
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'ascii');
  block.write(name, 0, 'utf8');
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.write(' '.repeat(8), 148, 'ascii');
  block.write('0', 156, 'ascii');
  block.write('ustar\x0000', 257, 'ascii');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  return block;
}
