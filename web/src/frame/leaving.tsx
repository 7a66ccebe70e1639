/**
 * Asks before unsaved edits are left by a link, the browser's buttons, a reload or closing the tab. Pages
 * with unsaved edits report them with `useUnsaved`.
 */

import { type ReactNode, useEffect, useRef, useState } from 'react';
import { type AroundNavHandler, Router } from 'wouter';
import { Dialog } from '../parts/dialog.tsx';

/** Functions that discard the edits, one per editor with edits. */
const unsaved = new Set<() => void>();

/** Asks whether to navigate. Null until the frame is mounted. */
let ask: ((way: () => void) => void) | null = null;

/** While `dirty`, leaving asks; `giveUp` is called if the user confirms. */
export function useUnsaved(dirty: boolean, giveUp: () => void): void {
  const newest = useRef(giveUp);
  newest.current = giveUp;
  useEffect(() => {
    if (!dirty) return;
    const own = () => newest.current();
    unsaved.add(own);
    addEventListener('beforeunload', askInItsOwnWords);
    return () => {
      unsaved.delete(own);
      removeEventListener('beforeunload', askInItsOwnWords);
    };
  }, [dirty]);
}

const askInItsOwnWords = (event: BeforeUnloadEvent): void => event.preventDefault();

/** Call it after saving: leaving then needs no question, even before the next render. */
export const noteSaved = (): void => unsaved.clear();

export function LeaveGuard({ children }: { readonly children: ReactNode }) {
  /** The pending navigation, until the user decides. */
  const [way, setWay] = useState<(() => void) | null>(null);
  useEffect(() => {
    ask = (chosen) => setWay(() => chosen);
    return () => {
      ask = null;
    };
  }, []);
  const leave = () => {
    for (const giveUp of unsaved) giveUp();
    unsaved.clear();
    setWay(null);
    way?.();
  };
  return (
    <Router aroundNav={aroundNav}>
      {children}
      {way !== null && (
        <Dialog
          title="Leave without saving?"
          doing="Leave"
          danger
          closing="Stay"
          onDo={leave}
          onClose={() => setWay(null)}
        >
          <p>Your edits of this job are not saved. If you leave, they are lost.</p>
        </Dialog>
      )}
    </Router>
  );
}

/** A replaced address is another view of the same page, for example with other filters. */
const aroundNav: AroundNavHandler = (navigate, to, options) => {
  const same = new URL(to, location.href).href === location.href;
  if (unsaved.size === 0 || ask === null || same || options?.replace === true) navigate(to, options);
  else ask(() => navigate(to, options));
};

/** The address of the displayed page. */
let here = location.href;

/**
 * The browser reports its buttons after the address has changed. The event is hidden from the router, and the
 * page with the edits gets a new history entry directly after the one navigated to, so that going back leads
 * there.
 */
function onPop(event: PopStateEvent): void {
  if (unsaved.size === 0 || ask === null || pageOf(location.href) === pageOf(here)) {
    here = location.href;
    return;
  }
  event.stopImmediatePropagation();
  history.pushState(null, '', here);
  ask(() => history.back());
}

/** The address without the fragment. */
const pageOf = (href: string): string => href.split('#')[0] as string;

// At module level, because listeners run in order and the router's must come later.
addEventListener('popstate', onPop);
for (const change of ['pushState', 'replaceState'])
  addEventListener(change, () => {
    here = location.href;
  });
