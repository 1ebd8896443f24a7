/** The layers of a decoder with a sliding window, and its width. */
import type { ConfigFields } from "../fields.ts";

/**
 * "all": every layer, if `sliding_window` is a number. "upper layers": with `use_sliding_window`, the layers from
 * `max_window_layers` on. A function: true for a layer with a window. A list `layer_types` overrides all of them.
 */
export type WindowRule = "all" | "upper layers" | ((layer: number, fields: ConfigFields) => boolean);

/**
 * For each layer, true if it has a window.
 *
 * @throws FoveaError `unsupported-model`
 */
export function narrowLayers(fields: ConfigFields, rule: WindowRule, layers: number): boolean[] {
  const types = fields.strings("layer_types");
  if (types.length > 0 && types.length !== layers)
    throw fields.unsupported("layer_types", `one type for each of the ${layers} layers`);
  const first = fields.integer("max_window_layers", 28, 0, Number.MAX_SAFE_INTEGER);
  return Array.from({ length: layers }, (_, layer) => {
    if (types.length > 0) return types[layer] === "sliding_attention";
    return rule === "all" || (rule === "upper layers" ? layer >= first : rule(layer, fields));
  });
}

/**
 * Returns the window of each layer; undefined if it has none, or if the whole context fits into it.
 *
 * @throws FoveaError `unsupported-model`
 */
export function readWindows(
  fields: ConfigFields,
  rule: WindowRule | undefined,
  layers: number,
  maxPositions: number,
): (number | undefined)[] {
  const isOff = rule === "upper layers" && !fields.boolean("use_sliding_window", false);
  if (rule === undefined || isOff || fields.isNull("sliding_window")) return new Array(layers).fill(undefined);
  const narrow = narrowLayers(fields, rule, layers);
  const window = fields.integer("sliding_window", 4096, 1, Number.MAX_SAFE_INTEGER);
  return narrow.map((isNarrow) => (isNarrow && window < maxPositions ? window : undefined));
}
