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

  .asked {
    display: flex;
    align-self: flex-end;
    justify-content: flex-end;
    align-items: center;
    gap: 0.25rem;
    max-inline-size: min(100%, 38rem);
  }

  .question {
    min-inline-size: 0;
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

  .calls {
    padding: 0;
    list-style: none;
    overflow-wrap: anywhere;
  }

  .half {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.25rem 0.75rem;
  }

  .actions,
  .versions {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.125rem;
  }

  /* They wrap under the line of statistics together. */
  .action-buttons {
    display: flex;
    align-items: center;
    gap: 0.125rem;
  }

  .actions > .stats {
    margin-inline-end: 0.5rem;
  }

  .versions {
    margin-inline-end: 0.375rem;
    color: var(--_fovea-soft);
    font-size: 0.8125em;
    font-variant-numeric: tabular-nums;
  }

  /* The actions of a turn step back until somebody looks for them. */
  button.small:has(> .icon) {
    inline-size: 2rem;
    block-size: 2rem;
    min-block-size: 2rem;
    color: var(--_fovea-soft);
  }

  button.small:disabled {
    background: none;
    opacity: 0.4;
  }

  .small .icon {
    inline-size: 1.125rem;
    block-size: 1.125rem;
  }

  .recorded {
    border-radius: 0.375rem;
  }

  .recorded .word {
    border-radius: 0.25em;
    cursor: pointer;
    text-decoration: underline dotted var(--_fovea-edge) 1px;
    text-underline-offset: 0.25em;
  }

  .recorded .word:hover,
  .recorded .word.looked {
    background: light-dark(#ffd9b0, #7a4313);
    text-decoration-color: transparent;
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

  @media (pointer: coarse) {
    button.small:has(> .icon) {
      inline-size: 2.75rem;
      block-size: 2.75rem;
    }

    .half-button,
    summary {
      min-block-size: 2.75rem;
      align-content: center;
    }
  }

  @media (prefers-reduced-motion: reduce) {
    .dots i {
      animation: none;
    }
  }
`;
