/**
 * Returns the same model while the structure is the same: states change every second and must not cause a new
 * layout.
 */

import { useRef } from 'react';
import { type Model, sameStructure } from './model.ts';

export function useKept<M extends Model | null>(made: M): M {
  const kept = useRef<M>(made);
  if (kept.current === null || made === null || !sameStructure(kept.current, made)) kept.current = made;
  return kept.current;
}
