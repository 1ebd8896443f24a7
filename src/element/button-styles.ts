/** Styles of the element's buttons, with text or an icon. */
import { css } from "lit";

/** Style rules of the element's shadow root. */
export const buttonStyles = css`
  button {
    flex: none;
    min-block-size: 2.25rem;
    padding: 0.25rem 0.875rem;
    border: 1px solid var(--_fovea-edge);
    border-radius: 999px;
    background: transparent;
    color: inherit;
    font: inherit;
    font-size: 0.9375em;
    cursor: pointer;
    transition: background-color 0.15s;
  }

  button:hover {
    background: color-mix(in srgb, var(--_fovea-text) 8%, transparent);
  }

  button:has(> .icon) {
    display: grid;
    place-items: center;
    inline-size: 2.5rem;
    block-size: 2.5rem;
    padding: 0;
    border-color: transparent;
  }

  .filled:not(:disabled) {
    border-color: transparent;
    background: var(--_fovea-accent);
    color: var(--_fovea-on-accent);
  }

  .filled:hover:not(:disabled) {
    background: color-mix(in srgb, var(--_fovea-accent) 85%, var(--_fovea-text));
  }

  button:disabled {
    background: var(--_fovea-surface);
    color: var(--_fovea-soft);
    cursor: default;
  }

  @media (pointer: coarse) {
    button,
    button:has(> .icon) {
      min-inline-size: 2.75rem;
      min-block-size: 2.75rem;
    }
  }

  @media (prefers-reduced-motion: reduce) {
    button {
      transition: none;
    }
  }
`;
