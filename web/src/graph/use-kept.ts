/** The same model as long as the structure is the same: states come every second, and lay nothing out again. */

import { useRef } from 'react';
import { type Model, sameStructure } from './model.ts';

export function useKept<M extends Model | null>(made: M): M {
  const kept = useRef<M>(made);
  if (kept.current === null || made === null || !sameStructure(kept.current, made)) kept.current = made;
  return kept.current;
}
