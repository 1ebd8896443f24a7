/** The attributes of `<fovea-chat>`, and how each becomes a property. */
import type { PropertyDeclarations } from "lit";
import { parseBudget, parseFormat, parseNumber } from "./settings.ts";

export const ATTRIBUTES: PropertyDeclarations = {
  model: { reflect: true },
  server: { reflect: true },
  apiKey: { attribute: false },
  tokens: { reflect: true, converter: { fromAttribute: parseBudget } },
  inhibit: { reflect: true, converter: { fromAttribute: parseNumber } },
  format: { attribute: "format", converter: { fromAttribute: parseFormat } },
  tools: { attribute: false },
  system: { reflect: true },
  placeholder: { reflect: true },
  autoload: { type: Boolean, reflect: true },
  record: { type: Boolean, reflect: true },
  pictureFirst: { type: Boolean, reflect: true, attribute: "picture-first" },
  settings: { attribute: false },
};
