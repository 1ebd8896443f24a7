/** The element's icons, 24 units wide, in the colour of the surrounding text. */
import { html, svg, type TemplateResult } from "lit";

function icon(shape: TemplateResult): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${shape}</svg>`;
}

export const PICTURE_ICON = icon(
  svg`<rect x="3.5" y="4.5" width="17" height="15" rx="3" /><circle cx="9" cy="10" r="1.6" /><path d="m4 17.5 5-4.5 3.5 3 3-2.5 5 4" />`,
);
export const CAMERA_ICON = icon(
  svg`<path d="M4 8.5a2 2 0 0 1 2-2h2l1.4-2h5.2l1.4 2h2a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2z" /><circle cx="12" cy="12.8" r="3.4" />`,
);
export const SEND_ICON = icon(svg`<path d="M12 19.5v-15M5.5 11 12 4.5l6.5 6.5" />`);
export const STOP_ICON = icon(svg`<rect class="solid" x="6.5" y="6.5" width="11" height="11" rx="2" />`);
export const REMOVE_ICON = icon(svg`<path d="m6.5 6.5 11 11m0-11-11 11" />`);
export const CLEAR_ICON = icon(svg`<path d="M12 5v14M5 12h14" />`);
/** The eye that the engine is named after. */
export const EYE_ICON = icon(
  svg`<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z" /><circle cx="12" cy="12" r="3.2" /><circle class="solid" cx="12" cy="12" r="1" />`,
);
export const COPY_ICON = icon(
  svg`<rect x="8.5" y="8.5" width="11" height="11" rx="2" /><path d="M15.5 5.5v-1a1 1 0 0 0-1-1h-10a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h1" />`,
);
export const AGAIN_ICON = icon(svg`<path d="M19.5 12a7.5 7.5 0 1 1-2.2-5.3l2.2 2.1M19.5 4.3v4.5H15" />`);
export const EDIT_ICON = icon(svg`<path d="m4 20 .9-4L16.2 4.7l3.1 3.1L8 19.1z" />`);
export const PREVIOUS_ICON = icon(svg`<path d="m14.5 6-6 6 6 6" />`);
export const NEXT_ICON = icon(svg`<path d="m9.5 6 6 6-6 6" />`);
