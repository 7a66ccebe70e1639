/** A modal dialog: the browser's own dialog element, which traps and restores the focus. */

import { type FormEvent, type ReactNode, useEffect, useId, useRef } from 'react';
import { ProblemNote } from './problem-note.tsx';

interface Props {
  readonly title: string;
  /** Label of the confirm button. Without it there is only the button that closes. */
  readonly doing?: string | undefined;
  readonly danger?: boolean;
  readonly busy?: boolean;
  readonly ready?: boolean;
  readonly error?: unknown;
  readonly closing?: string;
  readonly children: ReactNode;
  readonly onDo?: () => void;
  readonly onClose: () => void;
}

export function Dialog(props: Props) {
  const { title, doing, danger, busy = false, ready = true, error, closing = 'Cancel' } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  /** Hidden with its page until somebody logs in. */
  const covered = useRef(false);
  const heading = useId();

  useEffect(() => {
    const element = dialog.current;
    if (element !== null && !element.open) element.showModal();
    covered.current = false;
    // A modal dialog that is hidden with its page would still block the log-in page.
    return () => {
      covered.current = true;
      element?.close();
    };
  }, []);
  const close = () => {
    if (!covered.current && dialog.current?.open !== true) props.onClose();
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready && !busy) props.onDo?.();
  };
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={heading} onClose={close}>
      <form onSubmit={submit}>
        <h2 id={heading}>{title}</h2>
        {props.children}
        {error !== undefined && error !== null && <ProblemNote error={error} />}
        <div className="actions">
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            {closing}
          </button>
          {doing !== undefined && (
            <button
              type="submit"
              className={`button button-primary ${danger === true ? 'button-danger' : ''}`}
              disabled={!ready || busy}
            >
              {busy ? 'Working …' : doing}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}
