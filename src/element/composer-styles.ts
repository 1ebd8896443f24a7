/** Styles of the bottom of the element: the engine's state, errors, and the form. */
import { css } from "lit";

/** Style rules of the element's shadow root. */
export const composerStyles = css`
  .status,
  .error {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.5rem 0.75rem;
    padding: 0.5rem 0.5rem 0.5rem 0.875rem;
    border-radius: 0.875rem;
    font-size: 0.9375em;
  }

  .status {
    background: var(--_fovea-surface);
  }

  .frame > .status,
  .frame > .error,
  form {
    align-self: center;
    inline-size: calc(100% - 1.5 * var(--_fovea-space));
    max-inline-size: 48rem;
  }

  .status > p,
  .error > p {
    flex: 1 1 9rem;
    min-inline-size: 0;
    overflow-wrap: anywhere;
    font-variant-numeric: tabular-nums;
  }

  .error > p {
    flex-basis: 18rem;
  }

  .sizes > p {
    flex-basis: 100%;
  }

  .error {
    border: 1px solid color-mix(in srgb, var(--_fovea-error) 40%, transparent);
    color: var(--_fovea-error);
  }

  .turn > .error {
    inline-size: 100%;
  }

  progress {
    flex: 1 0 100%;
    block-size: 0.375rem;
    margin-block-end: 0.25rem;
    border: 0;
    border-radius: 999px;
    background: color-mix(in srgb, var(--_fovea-text) 15%, transparent);
    accent-color: var(--_fovea-accent);
    overflow: hidden;
  }

  progress[value]::-webkit-progress-bar {
    background: transparent;
  }

  progress[value]::-webkit-progress-value {
    background: var(--_fovea-accent);
  }

  progress[value]::-moz-progress-bar {
    background: var(--_fovea-accent);
  }

  form {
    flex: none;
    margin-block: calc(var(--_fovea-space) * 0.75);
    padding: 0.25rem;
    border: 1px solid var(--_fovea-edge);
    border-radius: calc(var(--_fovea-radius) + 0.5rem);
    background: var(--_fovea-background);
  }

  form:focus-within {
    border-color: var(--_fovea-accent);
    box-shadow: 0 0 0 1px var(--_fovea-accent);
  }

  .input-row {
    display: flex;
    align-items: flex-end;
    gap: 0.125rem;
  }

  textarea {
    field-sizing: content;
    flex: 1 1 auto;
    min-inline-size: 0;
    max-block-size: 9rem;
    padding: 0.5rem;
    border: 0;
    outline: 0;
    background: none;
    color: inherit;
    font: inherit;
    line-height: 1.5;
    resize: none;
  }

  /* The form around it shows the focus. */
  textarea:focus-visible {
    outline: 0;
  }

  textarea::placeholder {
    color: var(--_fovea-soft);
    opacity: 1;
  }

  .note:empty {
    display: none;
  }

  .note {
    padding: 0.375rem 0.625rem;
    color: var(--_fovea-soft);
    font-size: 0.875em;
    overflow-wrap: anywhere;
  }

  .note.problem {
    color: var(--_fovea-error);
  }

  .pages {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.25rem 0.5rem;
    padding: 0.375rem 0.625rem;
    font-size: 0.875em;
    overflow-wrap: anywhere;
  }

  .page-numbers {
    inline-size: 6rem;
    min-block-size: 2.25rem;
    padding: 0.25rem 0.5rem;
    border: 1px solid var(--_fovea-edge);
    border-radius: 0.5rem;
    background: var(--_fovea-background);
    color: inherit;
    font: inherit;
  }

  .server {
    padding: 0.25rem 0.625rem 0;
    color: var(--_fovea-soft);
    font-size: 0.8125em;
    overflow-wrap: anywhere;
  }

  .tokens {
    padding: 0 0.75rem 0.375rem;
    color: var(--_fovea-soft);
    font-size: 0.8125em;
    text-align: end;
  }

  .tokens.over {
    color: var(--_fovea-error);
  }

  .tray {
    padding: 0.375rem 0.375rem 0.25rem;
  }

  .tray-item {
    position: relative;
  }

  .tray-item > :first-child {
    display: block;
    inline-size: 4.5rem;
    block-size: 4.5rem;
    border-radius: 0.75rem;
    background: var(--_fovea-surface);
    object-fit: cover;
  }

  .tray-item > button:has(> .icon) {
    position: absolute;
    inset-block-start: -0.375rem;
    inset-inline-end: -0.375rem;
    inline-size: 1.625rem;
    block-size: 1.625rem;
    min-inline-size: 0;
    min-block-size: 0;
    border: 1px solid var(--_fovea-edge);
    background: var(--_fovea-background);
  }

  /* Its ring is above the next picture. */
  .tray-item:focus-within {
    z-index: 1;
  }

  .remove .icon {
    inline-size: 0.875rem;
    block-size: 0.875rem;
    stroke-width: 2.4;
  }

  @media (pointer: coarse) {
    .tray {
      gap: 1.125rem;
    }

    /* Drawn small, not to hide the picture, but as easy to hit as the others. */
    .remove::after {
      content: "";
      position: absolute;
      inset: -0.6875rem;
    }
  }

  /* Elsewhere the button for files is the same thing. */
  @media not (pointer: coarse) {
    .camera {
      display: none !important;
    }
  }
`;
