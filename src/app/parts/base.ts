/** Styles that the components share. */
import { css } from "lit";

export const base = css`
  :host {
    display: block;
    min-width: 0;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  * {
    box-sizing: border-box;
  }
  h2,
  h3 {
    margin: 0;
    font-size: 1rem;
    font-weight: 650;
    letter-spacing: -0.005em;
  }
  p {
    margin: 0;
  }
  .soft {
    color: var(--soft);
    font-size: 0.875rem;
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
    align-items: center;
  }
  .spread {
    justify-content: space-between;
  }
  .stack {
    display: grid;
    gap: 0.75rem;
    min-width: 0;
  }
  .card {
    padding: 1rem;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--card);
    box-shadow: var(--shadow);
  }
  .error {
    padding: 0.6rem 0.8rem;
    border-radius: 0.5rem;
    background: var(--error-tint);
    color: var(--error);
    overflow-wrap: anywhere;
  }
  button {
    display: inline-flex;
    gap: 0.4rem;
    align-items: center;
    justify-content: center;
    min-height: 2.5rem;
    padding: 0.35rem 0.85rem;
    border: 1px solid var(--edge);
    border-radius: 0.5rem;
    background: var(--card);
    color: inherit;
    font: inherit;
    font-size: 0.9375rem;
    cursor: pointer;
  }
  button:hover:not(:disabled, [aria-disabled="true"]) {
    border-color: var(--ink);
  }
  button.primary {
    border-color: var(--accent);
    background: var(--accent);
    color: var(--on-accent);
    font-weight: 600;
  }
  button.plain {
    border-color: transparent;
    background: none;
  }
  button[aria-pressed="true"] {
    border-color: var(--accent);
    background: var(--tint);
  }
  :is(button:disabled, button[aria-disabled="true"]) {
    opacity: 0.55;
    cursor: not-allowed;
  }
  :focus-visible {
    outline: 3px solid var(--accent);
    outline-offset: 2px;
  }
  label {
    font-size: 0.9375rem;
  }
  input[type="url"],
  input[type="text"],
  select,
  textarea {
    width: 100%;
    min-width: 0;
    min-height: 2.5rem;
    padding: 0.5rem 0.7rem;
    border: 1px solid var(--edge);
    border-radius: 0.5rem;
    background: var(--card);
    color: inherit;
    font: inherit;
  }
  input[type="range"] {
    width: 100%;
    margin: 0;
  }
  input[type="checkbox"] {
    width: 1.1rem;
    height: 1.1rem;
    margin: 0;
  }
  .check {
    display: inline-flex;
    gap: 0.5rem;
    align-items: center;
  }
  .slider {
    display: grid;
    grid-template-columns: 1fr auto;
    gap: 0.15rem 0.75rem;
    align-content: start;
  }
  .slider :is(input, .soft) {
    grid-column: 1 / -1;
  }
  output {
    color: var(--soft);
    font-variant-numeric: tabular-nums;
    font-size: 0.875rem;
  }
  progress {
    width: 100%;
  }
  dialog {
    width: min(44rem, calc(100vw - 1.5rem));
    max-height: calc(100vh - 1.5rem);
    padding: 1.25rem;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--paper);
    color: var(--ink);
  }
  dialog::backdrop {
    background: rgb(0 0 0 / 55%);
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (pointer: coarse) {
    button,
    select,
    input[type="text"],
    input[type="url"],
    .check {
      min-width: 2.75rem;
      min-height: 2.75rem;
    }
    input[type="range"] {
      height: 2.75rem;
    }
    summary {
      min-height: 2.75rem;
      align-content: center;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    * {
      animation: none !important;
      transition: none !important;
    }
  }
`;
