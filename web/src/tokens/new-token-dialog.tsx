/** Shows the text of a new token, this once. */

import { useRef, useState } from 'react';
import type { WireNewToken } from '../../../src/api/wire/access.ts';
import { bindingWords } from '../access/words.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';

interface Props {
  readonly token: WireNewToken;
  readonly onClose: () => void;
}

export function NewTokenDialog({ token: { name, token, bindings }, onClose }: Props) {
  const field = useRef<HTMLInputElement>(null);
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    field.current?.select();
    setCopied(await copied(token));
  };
  return (
    <Dialog title={`The token ${name}`} closing="Done" onClose={onClose}>
      <p className="callout callout-late">
        Copy it now. Carillon does not store it, and it is not shown again.
      </p>
      <div className="field">
        <label htmlFor="new-token">Token</label>
        <div className="new-token">
          <input
            id="new-token"
            ref={field}
            className="input mono"
            readOnly
            value={token}
            onFocus={({ target }) => target.select()}
          />
          <button type="button" className="button" onClick={() => void copy()}>
            <Icon name={isCopied ? 'check' : 'copy'} /> {isCopied ? 'Copied' : 'Copy'}
          </button>
        </div>
        <p className="field-hint">
          For the command line: <code>CARILLON_TOKEN</code>. For others: the header{' '}
          <code>Authorization: Bearer</code> with the token.
        </p>
      </div>
      <p className="muted">It is {bindings.map(bindingWords).join('; ')}.</p>
    </Dialog>
  );
}

/** Browsers offer the clipboard to secure pages only; over plain HTTP the selected text is copied the old way. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return document.execCommand('copy');
  }
}
