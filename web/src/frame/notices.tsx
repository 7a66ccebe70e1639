/**
 * Results of actions, shown once at the edge of the page and announced to screen readers. Success messages
 * disappear automatically; a refusal stays until it is closed.
 */

import { createContext, type ReactNode, useCallback, useContext, useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { problemOf } from '../data/client.ts';
import { Icon } from '../parts/icon.tsx';

/** Long enough to read a line twice. */
const shownMs = 7_000;
/** More would cover the page; the oldest are removed first. */
const most = 4;

export interface Notice {
  readonly tone: 'good' | 'bad';
  readonly text: string;
  readonly link?: { readonly to: string; readonly text: string };
}

interface Shown extends Notice {
  readonly key: number;
}

const Say = createContext<(notice: Notice) => void>(() => {});

/** Returns the function that shows a notice. */
export const useSay = (): ((notice: Notice) => void) => useContext(Say);

/** A failure as a notice, with the server's message. */
export const failure = (what: string, error: unknown): Notice => ({
  tone: 'bad',
  text: `${what} ${problemOf(error).detail}`,
});

export function NoticeProvider({ children }: { readonly children: ReactNode }) {
  const [shown, setShown] = useState<readonly Shown[]>([]);
  const count = useRef(0);
  const say = useCallback((notice: Notice) => {
    count.current += 1;
    const key = count.current;
    setShown((before) => [...before.slice(1 - most), { ...notice, key }]);
  }, []);
  const close = useCallback((key: number) => setShown((all) => all.filter((each) => each.key !== key)), []);
  return (
    <Say value={say}>
      {children}
      <div className="notices" role="status" aria-live="polite">
        {shown.map((notice) => (
          <OneNotice key={notice.key} notice={notice} onClose={() => close(notice.key)} />
        ))}
      </div>
    </Say>
  );
}

function OneNotice({ notice, onClose }: { readonly notice: Shown; readonly onClose: () => void }) {
  const { tone, text, link } = notice;
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    if (tone === 'bad') return;
    const timer = setTimeout(() => close.current(), shownMs);
    return () => clearTimeout(timer);
  }, [tone]);
  return (
    <div className={`notice notice-${tone}`}>
      <Icon name={tone === 'good' ? 'check' : 'alert'} />
      <p>
        {text} {link && <Link href={link.to}>{link.text}</Link>}
      </p>
      <button type="button" className="icon-button" aria-label="Close this message" onClick={onClose}>
        <Icon name="close" />
      </button>
    </div>
  );
}
