/** A hash that gives the same number on every node and in every version: launch names and paths are made with it. */

/** A 53-bit hash of a text; not for secrets. The second lane starts where the first ended. */
export function hash53(text: string): number {
  const high = lane(text, 0x811c9dc5);
  const low = lane(text, high ^ 0x9e3779b9);
  return (high & 0x1fffff) * 2 ** 32 + low;
}

/** As many hexadecimal digits as are asked for, a multiple of 8; not for secrets. Each lane starts where the last one ended. */
export function hexHash(text: string, digits: number): string {
  let hex = '';
  for (let hash = 0x811c9dc5; hex.length < digits; hash ^= 0x9e3779b9) {
    hash = lane(text, hash);
    hex += hash.toString(16).padStart(8, '0');
  }
  return hex;
}

/** FNV-1a over UTF-16 units, then a final mix so that every input bit reaches every output bit. */
function lane(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
