/** Cells of a view. Pure. */
import type { EncoderSpec } from "../../spec/model-spec.ts";
import type { Grid } from "../../spec/picture-spec.ts";

/** Cells of a view before any compression. */
export function cellCount({ rows, cols }: Grid, { cell }: Pick<EncoderSpec, "cell">): number {
  return (rows / cell) * (cols / cell);
}
