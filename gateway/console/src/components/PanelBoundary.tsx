/** Keeps an error within the panel that it happened in: everything around it stays, with what was typed there. */

import { Component, type ReactNode } from "react";
import { Failure } from "./States";

interface PanelBoundaryProps {
  children: ReactNode;
  /** For what nobody misses while it is broken. Shows nothing instead of the error. */
  quiet?: boolean;
}

export class PanelBoundary extends Component<PanelBoundaryProps, { failed: { error: unknown } | null }> {
  override state = { failed: null as { error: unknown } | null };

  static getDerivedStateFromError(error: unknown) {
    return { failed: { error } };
  }

  override render() {
    const { failed } = this.state;
    if (!failed) return this.props.children;
    return this.props.quiet ? null : <Failure error={failed.error} onRetry={() => this.setState({ failed: null })} />;
  }
}
