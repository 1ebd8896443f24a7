/** Styles of an answer's Markdown: the elements of markdown.ts inside class "answer". */
import { css } from "lit";

/** Style rules of the element's shadow root. */
export const proseStyles = css`
  .answer {
    inline-size: 100%;
    min-inline-size: 0;
    overflow-wrap: anywhere;
  }

  .answer > * {
    margin-block: 0 0.75em;
  }

  .answer > :last-child {
    margin-block-end: 0;
  }

  .answer :is(h3, h4, h5, h6) {
    margin-block: 1em 0.375em;
    font-size: 1.0625em;
    font-weight: 600;
    line-height: 1.35;
  }

  .answer > :first-child {
    margin-block-start: 0;
  }

  .answer :is(ul, ol) {
    padding-inline-start: 1.5em;
  }

  .answer li {
    margin-block: 0.2em;
  }

  .answer li > p {
    margin-block: 0.35em;
  }

  .answer a {
    color: var(--_fovea-accent);
    text-underline-offset: 0.15em;
  }

  .answer a small {
    font-size: 0.8125em;
  }

  .answer :is(code, pre) {
    font-family: var(--fovea-font-mono, ui-monospace, monospace);
    font-size: 0.875em;
    tab-size: 4;
  }

  .answer code {
    padding: 0.125em 0.3em;
    border-radius: 0.3em;
    background: var(--_fovea-surface);
  }

  .answer pre {
    padding: 0.75em 1em;
    border-radius: 0.625rem;
    background: var(--_fovea-surface);
    overflow-x: auto;
  }

  .answer pre code {
    padding: 0;
    background: none;
    font-size: 1em;
    overflow-wrap: normal;
  }

  .answer blockquote {
    margin-inline: 0;
    padding-inline-start: 0.875em;
    border-inline-start: 3px solid var(--_fovea-line);
    color: var(--_fovea-soft);
  }

  .answer blockquote > * {
    margin-block: 0.25em;
  }

  .answer hr {
    border: 0;
    border-block-start: 1px solid var(--_fovea-line);
  }

  .answer .table {
    overflow-x: auto;
  }

  .answer table {
    border-collapse: collapse;
    font-size: 0.9375em;
  }

  .answer :is(th, td) {
    padding: 0.35em 0.75em;
    border: 1px solid var(--_fovea-line);
    text-align: start;
    overflow-wrap: normal;
  }

  .answer th {
    background: var(--_fovea-surface);
    font-weight: 600;
  }
`;
