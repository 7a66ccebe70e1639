/**
 * Checks LMDB's file before LMDB maps it: a truncated mapped file kills the process at the first access
 * (SIGBUS), and a damaged page can lead LMDB anywhere. Every page that the newest transaction reaches must
 * lie in the file, name itself, be of the kind that its parent expects, have entries that lie inside it in
 * LMDB's search order, and be reached once. Free pages are not checked: LMDB may leave them unwritten at the
 * end of the file.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The damage, as words that follow the file's name. */
export class FileDamage extends Error {
  override readonly name = 'FileDamage';
}

const MAGIC = 0xbeefc0de;
/** LMDB's file format version, as written by the library in use. */
const DATA_VERSION = 2;
const HEADER = 24;
const META_END = HEADER + 136;
const smallestPage = 512;
const largestPage = 65_536;
const kinds = { branch: 1, leaf: 2, overflow: 4, meta: 8 } as const;
/** The tree of free pages has numeric keys. */
const freeTreeFlags = 8;
/** Entry flags: the value is on pages of its own; the value is a tree. */
const BIG = 1;
const TREE = 2;
const TREE_SIZE = 48;
/** The root of an empty tree. */
const NO_PAGE = 2 ** 64;

interface Tree {
  readonly depth: number;
  readonly leaves: number;
  readonly entries: number;
  readonly root: number;
}

/** The key of one entry. */
interface Key {
  readonly page: Buffer;
  readonly from: number;
  readonly to: number;
}

/** A page to check; its keys must be in [low, high). */
interface OpenPage {
  readonly number: number;
  readonly height: number;
  readonly low: Key | null;
  readonly high: Key | null;
}

type Compare = (a: Key, b: Key) => number;

interface Meta {
  readonly pageSize: number;
  readonly mapSize: number;
  readonly trees: readonly Tree[];
  readonly lastPage: number;
  readonly txn: number;
}

/** Throws FileDamage; system errors pass through. The file must not change meanwhile. */
export function checkFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    new FileCheck(fd).run();
  } finally {
    closeSync(fd);
  }
}

class FileCheck {
  readonly #fd: number;
  readonly #size: number;
  #pageSize = smallestPage;
  #lastPage = 0;
  #txn = 0;
  #reached = new Uint8Array();

  constructor(fd: number) {
    this.#fd = fd;
    this.#size = fstatSync(fd).size;
  }

  run(): void {
    const meta = this.#newestMeta();
    this.#pageSize = meta.pageSize;
    this.#lastPage = meta.lastPage;
    this.#txn = meta.txn;
    this.#reached = new Uint8Array(Math.ceil((this.#size / meta.pageSize + 1) / 8));
    const [free, tables] = meta.trees as [Tree, Tree];
    this.#checkTree(free, byNumber);
    this.#checkTree(tables, byBytes);
  }

  /** LMDB trusts these pages, so everything that it would use is compared. */
  #newestMeta(): Meta {
    if (this.#size === 0) throw new FileDamage('is empty');
    const first = this.#metaAt(0, 0);
    const second = this.#metaAt(1, first.pageSize);
    const newest = second.txn > first.txn ? second : first;
    // Transactions write the two in turn.
    const inTurn = Math.abs(first.txn - second.txn) === 1 && newest.txn % 2 === (newest === first ? 0 : 1);
    const fits = newest.pageSize === first.pageSize && newest.lastPage * newest.pageSize < newest.mapSize;
    if (!fits || (newest.txn > 1 && !inTurn)) throw new FileDamage('is damaged in its first pages');
    return newest;
  }

  #metaAt(number: number, offset: number): Meta {
    const page = this.#read(offset, META_END);
    if (page.readUInt32LE(24) !== MAGIC) throw new FileDamage('does not start like a store');
    const version = page.readUInt32LE(28) & 0xffff;
    if (version !== DATA_VERSION)
      throw new FileDamage(`has LMDB format ${version}; this version reads ${DATA_VERSION}`);
    const pageSize = page.readUInt32LE(48);
    const isSize = pageSize >= smallestPage && pageSize <= largestPage && (pageSize & (pageSize - 1)) === 0;
    if (!isSize) throw new FileDamage(`has an invalid page size of ${pageSize} bytes`);
    const isMeta = longAt(page, 0) === number && page.readUInt16LE(18) === kinds.meta;
    if (!isMeta || page.readUInt16LE(52) !== freeTreeFlags || page.readUInt16LE(100) !== 0)
      throw new FileDamage('is damaged in its first pages');
    return {
      pageSize,
      mapSize: longAt(page, 40),
      trees: [treeAt(page, 48), treeAt(page, 96)],
      lastPage: longAt(page, 144),
      txn: longAt(page, 152),
    };
  }

  /** An explicit stack: a damaged tree may claim any depth. */
  #checkTree(tree: Tree, compare: Compare): void {
    if (tree.root === NO_PAGE) return;
    let leaves = 0;
    let entries = 0;
    const open: OpenPage[] = [{ number: tree.root, height: tree.depth, low: null, high: null }];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const number = this.#reach(at.number, 1);
      const page = this.#page(number);
      const kind = at.height > 1 ? 'branch' : 'leaf';
      const found = entriesOf(page, number, kind);
      // The first key of a branch is never read: nothing comes before it.
      const keys = found.map((entry, index) =>
        kind === 'branch' && index === 0 ? at.low : keyOf(page, entry),
      );
      if (!inOrder(keys, at, compare)) throw new FileDamage(`is damaged on page ${number}`);
      found.forEach((entry, index) => {
        const [low, high] = [keys[index] ?? null, keys[index + 1] ?? at.high];
        if (kind === 'branch') open.push({ number: childOf(page, entry), height: at.height - 1, low, high });
        else this.#checkValue(page, number, entry);
      });
      if (kind === 'branch') continue;
      leaves += 1;
      entries += found.length;
    }
    if (leaves !== tree.leaves || entries !== tree.entries)
      throw new FileDamage(`has ${entries} entries, but the count is ${tree.entries}`);
  }

  #checkValue(page: Buffer, number: number, entry: number): void {
    const flags = page.readUInt16LE(entry + 4);
    const size = page.readUInt32LE(entry);
    const value = entry + 8 + page.readUInt16LE(entry + 6);
    const inside = (flags & BIG) === 0 ? size : 24;
    const isKnown = flags === 0 || flags === BIG || flags === TREE;
    if (!isKnown || value + inside > page.length) throw new FileDamage(`is damaged on page ${number}`);
    if (flags === TREE) {
      // A table without flags, like all of ours.
      if (size !== TREE_SIZE || page.readUInt16LE(value + 4) !== 0)
        throw new FileDamage(`is damaged on page ${number}`);
      this.#checkTree(treeAt(page, value), byBytes);
    }
    if ((flags & BIG) === 0) return;
    const pages = longAt(page, value + 16);
    const first = this.#reach(longAt(page, value), pages);
    const head = this.#read(first * this.#pageSize, HEADER);
    const isHead =
      longAt(head, 0) === first && this.#isPast(head) && (head.readUInt16LE(18) & 0xf) === kinds.overflow;
    if (!isHead || head.readUInt32LE(20) !== pages || pages * this.#pageSize < HEADER + size)
      throw new FileDamage(`is damaged on page ${first}`);
  }

  /** Marks pages as used, and returns the first one's number. */
  #reach(first: number, count: number): number {
    if (first < 2 || count < 1 || first + count - 1 > this.#lastPage)
      throw new FileDamage(`refers to page ${first}, which does not exist`);
    const end = (first + count) * this.#pageSize;
    if (end > this.#size)
      throw new FileDamage(`is truncated: it has ${this.#size} bytes, but data up to ${end}`);
    for (let each = first; each < first + count; each++) {
      const bit = 1 << (each & 7);
      if (((this.#reached[each >> 3] as number) & bit) !== 0) throw new FileDamage(`uses page ${each} twice`);
      this.#reached[each >> 3] = (this.#reached[each >> 3] as number) | bit;
    }
    return first;
  }

  /** LMDB treats a page of a later transaction as one that it may write to. */
  #isPast(page: Buffer): boolean {
    return longAt(page, 8) <= this.#txn;
  }

  #page(number: number): Buffer {
    const page = this.#read(number * this.#pageSize, this.#pageSize);
    if (longAt(page, 0) !== number || !this.#isPast(page))
      throw new FileDamage(`is damaged on page ${number}`);
    return page;
  }

  #read(offset: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    if (readSync(this.#fd, buffer, 0, length, offset) < length)
      throw new FileDamage(`is truncated: it has ${this.#size} bytes`);
    return buffer;
  }
}

function treeAt(page: Buffer, offset: number): Tree {
  return {
    depth: page.readUInt16LE(offset + 6),
    leaves: longAt(page, offset + 16),
    entries: longAt(page, offset + 32),
    root: longAt(page, offset + 40),
  };
}

/** The offsets of the page's entries. */
function entriesOf(page: Buffer, number: number, kind: 'branch' | 'leaf'): number[] {
  const lower = page.readUInt16LE(20);
  const upper = page.readUInt16LE(22);
  const isKind = (page.readUInt16LE(18) & 0xf) === kinds[kind];
  if (!isKind || lower < 2 || lower % 2 !== 0 || lower > upper || HEADER + upper > page.length)
    throw new FileDamage(`is damaged on page ${number}`);
  const entries: number[] = [];
  for (let at = HEADER; at < HEADER + lower; at += 2) {
    const entry = HEADER + page.readUInt16LE(at);
    const fits =
      entry >= HEADER + upper &&
      entry + 8 <= page.length &&
      entry + 8 + page.readUInt16LE(entry + 6) <= page.length;
    if (!fits) throw new FileDamage(`is damaged on page ${number}`);
    entries.push(entry);
  }
  return entries;
}

function keyOf(page: Buffer, entry: number): Key {
  const from = entry + 8;
  return { page, from, to: from + page.readUInt16LE(entry + 6) };
}

/** Each key is after the previous one, and all are within the bounds of the page. */
function inOrder(keys: readonly (Key | null)[], { low, high }: OpenPage, compare: Compare): boolean {
  let before: Key | null = null;
  for (const key of keys) {
    if (key === null) continue;
    if (before === null ? low !== null && !(compare(low, key) <= 0) : !(compare(before, key) < 0))
      return false;
    before = key;
  }
  return before === null || high === null || compare(before, high) < 0;
}

const byBytes: Compare = (a, b) => a.page.compare(b.page, b.from, b.to, a.from, a.to);
/** Returns NaN, which fails every comparison, unless both are numbers. */
const byNumber: Compare = (a, b) =>
  a.to - a.from === 8 && b.to - b.from === 8 ? longAt(a.page, a.from) - longAt(b.page, b.from) : Number.NaN;

const childOf = (page: Buffer, entry: number): number =>
  page.readUInt32LE(entry) + page.readUInt16LE(entry + 4) * 2 ** 32;

/** Exact up to 2^53, far more than any page number; a damaged one may be larger, and is too large anyway. */
const longAt = (page: Buffer, offset: number): number =>
  page.readUInt32LE(offset) + page.readUInt32LE(offset + 4) * 2 ** 32;
