/**
 * Asks before unsaved edits are left: by a link, by the browser's buttons, by a reload or by closing the tab. Pages that
 * have such edits say so by `useUnsaved`.
 */

import { type ReactNode, useEffect, useRef, useState } from 'react';
import { type AroundNavHandler, Router } from 'wouter';
import { Dialog } from '../parts/dialog.tsx';

/** What gives up the edits; one for each editor that has any. */
const unsaved = new Set<() => void>();

/** Asks whether to go this way; null before the frame is there. */
let ask: ((way: () => void) => void) | null = null;

/** While `dirty`, leaving asks; `giveUp` is called where that is answered with yes. */
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

/** What is saved may be left without a question, before anything is drawn anew. */
export const noteSaved = (): void => unsaved.clear();

export function LeaveGuard({ children }: { readonly children: ReactNode }) {
  /** The way that was chosen, until it is decided about. */
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

/** A replaced address is another view of the same page, as its filters are. */
const aroundNav: AroundNavHandler = (navigate, to, options) => {
  const same = new URL(to, location.href).href === location.href;
  if (unsaved.size === 0 || ask === null || same || options?.replace === true) navigate(to, options);
  else ask(() => navigate(to, options));
};

/** The address of the page that is shown. */
let here = location.href;

/**
 * The browser tells of its buttons when the address has changed already. So the router is not told: the page with the
 * edits gets an entry of the history again, right behind the one that was gone to, and going back leads there.
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

/** The address without the place within the page. */
const pageOf = (href: string): string => href.split('#')[0] as string;

// Here, and not when something is shown: listeners are called in their order, and the router's would be first.
addEventListener('popstate', onPop);
for (const change of ['pushState', 'replaceState'])
  addEventListener(change, () => {
    here = location.href;
  });
