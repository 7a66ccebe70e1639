/** The page's address as a value, and a function to change it. Changes replace the history entry. */

import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'wouter';
import { type Address, type Changes, readAddress, writeAddress } from './address.ts';

export function useAddress(): readonly [Address, (changes: Changes) => void] {
  const [parameters, setParameters] = useSearchParams();
  const text = parameters.toString();
  const address = useMemo(() => readAddress(new URLSearchParams(text)), [text]);
  const change = useCallback(
    (changes: Changes) =>
      setParameters((now) => writeAddress({ ...readAddress(now), ...changes }), { replace: true }),
    [setParameters],
  );
  return [address, change];
}
