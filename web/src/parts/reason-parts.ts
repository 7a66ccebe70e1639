/** The pieces of a reason as the page shows them. Pure. */

import type { WireReason } from '../../../src/api/wire/reason.ts';

type Parts = WireReason['parts'];

/** The pieces of the reason, or its text where there are none; `capital`: they begin a sentence. */
export function partsIn(why: WireReason | null | undefined, text: string, capital: boolean): Parts {
  const [first, ...rest] = why?.parts ?? [{ text }];
  if (first === undefined) return [];
  const isPlain = first.run === undefined && first.at === undefined;
  return capital && isPlain ? [{ text: begun(first.text) }, ...rest] : [first, ...rest];
}

const begun = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
