/**
 * Styles of the page's layout: the conversation fills the window, the inspector lies beside it or, on a phone, over it.
 */
import { css } from "lit";

export const pageStyles = css`
  .page {
    display: flex;
    flex-direction: column;
    height: 100dvh;
  }
  header {
    display: flex;
    flex: none;
    gap: 1rem;
    align-items: center;
    min-height: 3.5rem;
    padding: 0.25rem 1rem;
    border-bottom: 1px solid var(--line);
  }
  .brand {
    display: flex;
    gap: 0.5rem;
    align-items: center;
    margin: 0;
    font-size: 1.125rem;
    font-weight: 650;
    letter-spacing: -0.02em;
  }
  .brand svg {
    width: 1.75rem;
    height: 1.75rem;
  }
  app-model-pill {
    flex: 0 1 auto;
  }
  .open {
    margin-inline-start: auto;
  }
  .notices {
    flex: none;
  }
  .notice {
    flex: none;
    padding: 0.45rem 1rem;
    border-bottom: 1px solid var(--line);
    background: var(--tint);
    font-size: 0.875rem;
    text-align: center;
    overflow-wrap: anywhere;
  }
  .notice ul {
    margin: 0.25rem 0;
    text-align: start;
  }
  button.link {
    display: inline;
    min-height: 0;
    padding: 0.2rem 0.3rem;
    border: 0;
    background: none;
    color: var(--accent);
    font-size: inherit;
    font-weight: 600;
    text-decoration: underline;
  }
  main {
    display: grid;
    flex: 1 1 auto;
    grid-template-columns: minmax(0, 1fr);
    min-height: 0;
  }
  .conversation {
    display: flex;
    flex-direction: column;
    min-width: 0;
    min-height: 0;
  }
  fovea-chat {
    flex: 1 1 auto;
    min-height: 0;
  }
  fovea-chat::part(frame) {
    border: 0;
    border-radius: 0;
    background: none;
  }
  fovea-chat::part(empty) {
    max-inline-size: 46rem;
    inline-size: 100%;
    justify-items: stretch;
    /* From the top, not in the middle: it stays where it is when the bar of the loading model goes. */
    margin-block: clamp(0px, 10vh - 2rem, 9rem) auto;
  }
  /* The page says so above, and its own pictures are what the model knows. */
  fovea-chat.own-pictures::part(model-note) {
    display: none;
  }
  .below {
    display: flex;
    flex: none;
    flex-wrap: wrap;
    gap: 0 1.5rem;
    align-items: center;
    justify-content: space-between;
    box-sizing: border-box;
    width: min(100% - 1.5rem, 48rem);
    margin: -0.5rem auto 0;
    padding: 0 0.5rem 0.25rem;
    color: var(--soft);
  }
  app-speed {
    flex: 1 1 18rem;
  }
  aside {
    min-width: 0;
    padding: 1rem;
    overflow-y: auto;
    border-inline-start: 1px solid var(--line);
    background: var(--card);
  }
  .veil {
    position: fixed;
    inset: 0;
    z-index: 2;
    display: grid;
    place-items: center;
    background: color-mix(in srgb, var(--paper) 80%, transparent);
    outline: 3px dashed var(--accent);
    outline-offset: -1rem;
    font-size: 1.5rem;
    font-weight: 650;
    pointer-events: none;
  }
  dialog h2 {
    font-size: 1.15rem;
  }
  @media (min-width: 60rem) {
    main.with-inspector {
      grid-template-columns: minmax(0, 3fr) minmax(20rem, 2fr);
    }
  }
  @media (max-width: 59.99rem) {
    aside {
      position: fixed;
      inset: auto 0 0;
      z-index: 1;
      max-height: 62dvh;
      border: 0;
      border-top: 1px solid var(--edge);
      border-radius: 1rem 1rem 0 0;
      box-shadow: 0 -8px 32px rgb(0 0 0 / 25%);
    }
  }
  @media (pointer: coarse) {
    button.link {
      min-height: 2.75rem;
    }
    /* The conversation would cover the upper edge of the slider. */
    .below {
      margin-top: 0;
    }
  }
  @media (max-width: 40rem) {
    header {
      min-height: 3rem;
      gap: 0.5rem;
    }
    /* Still there for screen readers. */
    .brand span {
      position: absolute;
      clip-path: inset(50%);
    }
  }
`;
