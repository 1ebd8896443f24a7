/** Styles of a conversation: its turns, and the invitation before the first. prose-styles.ts styles Markdown. */
import { css } from "lit";

/** Style rules of the element's shadow root. */
export const transcriptStyles = css`
  .transcript {
    flex: 1 1 auto;
    display: flex;
    flex-direction: column;
    gap: calc(var(--_fovea-space) * 1.5);
    min-block-size: 4rem;
    padding: var(--_fovea-space);
    overflow-y: auto;
    overscroll-behavior: contain;
    scrollbar-width: thin;
    scrollbar-color: var(--_fovea-edge) transparent;
  }

  .transcript:focus-visible {
    outline-offset: -3px;
    border-radius: var(--_fovea-radius);
  }

  .empty {
    display: grid;
    justify-items: center;
    gap: 0.375rem;
    max-inline-size: 26rem;
    margin: auto;
    padding-block: 1rem;
    color: var(--_fovea-soft);
    text-align: center;
    text-wrap: balance;
  }

  .empty .icon {
    inline-size: 3rem;
    block-size: 3rem;
    color: var(--_fovea-accent);
    stroke-width: 1.2;
  }

  .empty-title {
    color: var(--_fovea-text);
    font-size: 1.25em;
    font-weight: 600;
  }

  .turn {
    display: flex;
    flex-direction: column;
    align-items: flex-start;
    gap: 0.625rem;
    inline-size: 100%;
    max-inline-size: 46rem;
    margin-inline: auto;
  }

  .question {
    align-self: flex-end;
    max-inline-size: min(85%, 34rem);
    padding: 0.5rem 0.875rem;
    border-radius: 1.125rem;
    border-end-end-radius: 0.375rem;
    background: var(--_fovea-surface);
  }

  .question-text {
    overflow-wrap: anywhere;
    white-space: pre-wrap;
  }

  .pictures,
  .tray {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
    list-style: none;
  }

  .pictures {
    margin-block: 0.25rem 0.5rem;
  }

  .pictures > * {
    display: block;
    max-inline-size: min(100%, 14rem);
    max-block-size: 11rem;
    border-radius: 0.625rem;
    object-fit: contain;
  }

  .pictures:has(> :nth-child(2)) > * {
    max-block-size: 6.5rem;
  }

  .pending,
  .remark,
  .half,
  .stats {
    color: var(--_fovea-soft);
  }

  .stats,
  .half,
  .remark {
    font-size: 0.8125em;
    font-variant-numeric: tabular-nums;
  }

  .half {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.25rem 0.75rem;
  }

  .half-button {
    flex: 0 1 auto;
    min-block-size: 2rem;
    padding-block: 0.125rem;
    color: var(--_fovea-text);
    font-size: inherit;
  }

  .dots i {
    display: inline-block;
    inline-size: 0.25em;
    block-size: 0.25em;
    margin-inline-start: 0.25em;
    border-radius: 50%;
    background: currentColor;
    animation: beat 1.2s infinite ease-in-out;
  }

  .dots i:nth-child(2) {
    animation-delay: 0.2s;
  }

  .dots i:nth-child(3) {
    animation-delay: 0.4s;
  }

  @keyframes beat {
    0%,
    60%,
    100% {
      opacity: 0.25;
    }

    30% {
      opacity: 1;
    }
  }

  @media (prefers-reduced-motion: reduce) {
    .dots i {
      animation: none;
    }
  }
`;
