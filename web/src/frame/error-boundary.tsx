/**
 * Replaces a component that fails to render by a message, while the rest of the page works. A new `of`
 * retries.
 */

import { Component, type ReactNode } from 'react';

interface Props {
  /** Identifies the content: the address of a page, the text of a definition. */
  readonly of: string;
  /** Rendered instead of the failed content. */
  readonly instead: (message: string) => ReactNode;
  readonly children: ReactNode;
}

interface State {
  readonly of: string;
  /** Null: no error. */
  readonly message: string | null;
}

export class ErrorBoundary extends Component<Props, State> {
  override state: State = { of: this.props.of, message: null };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { message: error instanceof Error ? error.message : String(error) };
  }

  static getDerivedStateFromProps({ of }: Props, state: State): State | null {
    return of === state.of ? null : { of, message: null };
  }

  override render(): ReactNode {
    const { message } = this.state;
    return message === null ? this.props.children : this.props.instead(message);
  }
}
