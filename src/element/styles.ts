/**
 * Styles of the element. Colours follow the page's color-scheme. They, and other values that a page may change, are
 * custom properties with names in --fovea-*.
 */
import { css } from "lit";
import { buttonStyles } from "./button-styles.ts";
import { composerStyles } from "./composer-styles.ts";
import { proseStyles } from "./prose-styles.ts";
import { transcriptStyles } from "./transcript-styles.ts";

const frame = css`
  :host {
    /* Private copies: a page sets --fovea-* on any ancestor, and slotted content keeps its own. */
    --_fovea-accent: var(--fovea-accent, light-dark(#2457c5, #8ab4ff));
    --_fovea-on-accent: var(--fovea-on-accent, light-dark(#ffffff, #0b1526));
    --_fovea-background: var(--fovea-background, light-dark(#ffffff, #16191e));
    --_fovea-surface: var(--fovea-surface, light-dark(#f1f4f9, #232830));
    --_fovea-text: var(--fovea-text, light-dark(#1b1f24, #e7eaee));
    --_fovea-soft: var(--fovea-soft-text, light-dark(#57606a, #a3adb8));
    --_fovea-line: var(--fovea-line, light-dark(#d9dee5, #343b45));
    --_fovea-edge: var(--fovea-edge, light-dark(#868f99, #6f7a86));
    --_fovea-error: var(--fovea-error, light-dark(#b3261e, #ffb4ab));
    --_fovea-radius: var(--fovea-radius, 1rem);
    --_fovea-space: var(--fovea-space, 1rem);
    display: block;
    box-sizing: border-box;
    block-size: var(--fovea-height, min(40rem, 85dvh));
    min-block-size: 16rem;
    color: var(--_fovea-text);
    font-family: var(--fovea-font, system-ui, sans-serif);
    font-size: var(--fovea-font-size, 1rem);
    line-height: 1.5;
    text-align: start;
  }

  :host([hidden]) {
    display: none;
  }

  *,
  ::before,
  ::after {
    box-sizing: border-box;
  }

  p,
  ul {
    margin: 0;
    padding: 0;
  }

  .hidden {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  .frame {
    position: relative;
    display: flex;
    flex-direction: column;
    block-size: 100%;
    overflow: hidden;
    border: 1px solid var(--_fovea-line);
    border-radius: var(--_fovea-radius);
    background: var(--_fovea-background);
  }

  .over::after {
    content: "";
    position: absolute;
    inset: 0.375rem;
    border: 2px dashed var(--_fovea-accent);
    border-radius: calc(var(--_fovea-radius) - 0.375rem);
    background: color-mix(in srgb, var(--_fovea-accent) 10%, transparent);
    pointer-events: none;
  }

  :focus-visible {
    outline: 2px solid var(--_fovea-accent);
    outline-offset: 2px;
  }

  header {
    display: flex;
    align-items: center;
    gap: 0.5rem;
    padding-inline: var(--_fovea-space) calc(var(--_fovea-space) / 2);
  }

  .icon {
    display: block;
    inline-size: 1.375rem;
    block-size: 1.375rem;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.7;
    stroke-linecap: round;
    stroke-linejoin: round;
  }

  .icon .solid {
    fill: currentColor;
  }

  .clear {
    margin-inline-start: auto;
  }
`;

/** All of the element's styles. */
export const styles = [frame, buttonStyles, transcriptStyles, proseStyles, composerStyles];
