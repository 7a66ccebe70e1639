/** What breaks within it is replaced by words, and the rest of the page stands. Another `of` is another try. */

import { Component, type ReactNode } from 'react';

interface Props {
  /** What is shown within: the address of a page, the text of a definition. */
  readonly of: string;
  /** In place of what broke. */
  readonly instead: (message: string) => ReactNode;
  readonly children: ReactNode;
}

interface State {
  readonly of: string;
  /** Null: all is well. */
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
