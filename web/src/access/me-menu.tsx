/** Who the user is and what they may do, the pages for administrators, and the log-out. */

import { useId, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { WireMe } from '../../../src/api/wire/access.ts';
import { failure, useSay } from '../frame/notices.tsx';
import { Icon } from '../parts/icon.tsx';
import { useMayAll, useMe } from './may.ts';
import { useLogOut } from './session.ts';
import { bindingWords, kindWords } from './words.ts';
import './access.css';

export function MeMenu() {
  const me = useMe();
  const id = useId();
  const menu = useRef<HTMLDivElement>(null);
  const [isShown, setShown] = useState(false);
  if (me === null) return null;
  // The user of the server itself has logged in nowhere, and knows who they are.
  const isNamed = me.kind !== 'local' || me.session;
  return (
    <>
      <button
        type="button"
        className={isNamed ? 'button me-button' : 'icon-button'}
        popoverTarget={id}
        aria-expanded={isShown}
        aria-label={`You are ${me.name}`}
        title={`You are ${me.name}`}
      >
        <Icon name="person" />
        {isNamed && <span>{me.name}</span>}
      </button>
      <div
        id={id}
        ref={menu}
        popover="auto"
        className="me-menu"
        role="dialog"
        aria-label="Your account"
        onToggle={({ newState }) => setShown(newState === 'open')}
      >
        {isShown && <Account me={me} onLeave={() => menu.current?.hidePopover()} />}
      </div>
    </>
  );
}

function Account({ me, onLeave }: { readonly me: WireMe; readonly onLeave: () => void }) {
  const mayAdmin = useMayAll('admin');
  return (
    <>
      <p>
        <strong>{me.name}</strong>
        <span className="muted">{kindWords[me.kind]}</span>
      </p>
      <ul className="me-roles">
        {me.bindings.map((binding) => (
          <li key={JSON.stringify(binding)}>{sentence(bindingWords(binding))}</li>
        ))}
        {me.bindings.length === 0 && <li>No role. An administrator can give one.</li>}
      </ul>
      {me.problem !== undefined && (
        <p className="callout callout-late">
          The settings of log-ins could not be read again, so earlier ones apply: {me.problem}
        </p>
      )}
      {mayAdmin && (
        <ul className="me-places">
          <li>
            <Link href="/tokens" onClick={onLeave}>
              Tokens
            </Link>
          </li>
          <li>
            <Link href="/audit" onClick={onLeave}>
              Audit
            </Link>
          </li>
        </ul>
      )}
      {me.session && <LogOut me={me} />}
    </>
  );
}

function LogOut({ me }: { readonly me: WireMe }) {
  const [busy, setBusy] = useState(false);
  const logOut = useLogOut();
  const say = useSay();
  const end = async (everywhere: boolean) => {
    setBusy(true);
    try {
      await logOut(everywhere);
    } catch (error) {
      setBusy(false);
      say(failure('The log-out failed.', error));
    }
  };
  return (
    <div className="actions">
      <button type="button" className="button button-small" disabled={busy} onClick={() => void end(false)}>
        Log out
      </button>
      {me.kind !== 'token' && (
        <button
          type="button"
          className="button button-small"
          title="In all browsers and programs"
          disabled={busy}
          onClick={() => void end(true)}
        >
          Log out everywhere
        </button>
      )}
    </div>
  );
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
