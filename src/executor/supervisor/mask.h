/*
 * Secrets of the job in what it prints, replaced by *** before anything is stored. Of the texts to mask that begin at one
 * place, the longest counts. What may be the beginning of one is held back until more is printed, or nothing is left of the
 * job. secrets/mask.ts makes the texts, longest first, and does the same for containers.
 */

/* A text, and the next one that begins with the same byte. */
enum { MOST_MASKS = 1 << 18, LONGEST_MASK = 4096, LEAST_MASK = 4 };
static struct { const char *bytes; int size, next; } masks[MOST_MASKS + 1];
/* By the first byte. 0: none. */
static int first_mask[256];
static char held[STREAMS][LONGEST_MASK];
static long held_bytes[STREAMS];
static int has_masks;

/* Each text has its number of bytes and a colon before it. False: they are malformed. */
static int read_masks(const char *text, const char *end) {
  static int last[256];
  for (int count = 1; text < end; count++) {
    const long size = number(&text);
    if (count > MOST_MASKS || size < LEAST_MASK || size > LONGEST_MASK || *text++ != ':' || size > end - text) return 0;
    const unsigned char byte = (unsigned char)*text;
    masks[count].bytes = text;
    masks[count].size = (int)size;
    if (last[byte]) masks[last[byte]].next = count;
    else first_mask[byte] = count;
    last[byte] = count;
    has_masks = 1;
    text += size;
  }
  return 1;
}

/* The number of bytes of the mask that is there, 0 for none. Below 0: what follows decides. */
static long mask_at(const char *bytes, long left, int is_end) {
  for (int mask = first_mask[(unsigned char)*bytes]; mask; mask = masks[mask].next) {
    const long size = masks[mask].size < left ? masks[mask].size : left;
    long at = 1;
    while (at < size && masks[mask].bytes[at] == bytes[at]) at++;
    if (at < size) continue;
    if (size == masks[mask].size) return size;
    if (!is_end) return -1;
  }
  return 0;
}

/* What was held back comes before what is read next. Returns its number of bytes. */
static long with_held(char *bytes, int stream) {
  for (long at = 0; at < held_bytes[stream]; at++) bytes[at] = held[stream][at];
  return held_bytes[stream];
}

/* Masks bytes in place, and holds back their end if need be. Returns the number of bytes that are left: never more. */
static long mask(char *bytes, long count, int stream, int is_end) {
  long at = 0, to = 0, size = 0;
  if (!has_masks) return count;
  while (at < count) {
    size = first_mask[(unsigned char)bytes[at]] ? mask_at(bytes + at, count - at, is_end) : 0;
    if (size < 0) break;
    if (size == 0) bytes[to++] = bytes[at++];
    for (int star = 0; size > 0 && star < 3; star++) bytes[to++] = '*';
    at += size;
  }
  held_bytes[stream] = 0;
  while (at < count) held[stream][held_bytes[stream]++] = bytes[at++];
  return to;
}
