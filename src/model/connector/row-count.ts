/** The rows of a view in a prompt before compression. Pure. */
import type { ConnectorStep, EncoderSpec, ModelSpec } from "../../spec/model-spec.ts";
import type { Grid } from "../../spec/picture-spec.ts";
import type { QueriesSpec } from "../../spec/query-spec.ts";
import { cellCount } from "../encoder/cell-count.ts";

/** The learned queries of a connector; undefined where its rows are the encoder's cells. */
export function queriesOf(steps: readonly ConnectorStep[]): QueriesSpec | undefined {
  return steps.flatMap((step) => (step.op === "queries" ? [step.queries] : [])).at(-1);
}

/** Rows of each view after a connector with learned queries; undefined where its rows are the encoder's cells. */
export function queriedRows(steps: readonly ConnectorStep[]): number | undefined {
  const queries = queriesOf(steps);
  if (!queries) return undefined;
  return steps.reduce((sum, step) => sum + (step.op === "append" ? step.rows : 0), queries.count);
}

/** Rows of a view of this grid in the prompt. */
export function rowsOfView(
  { encoder, connector }: Pick<ModelSpec, "connector"> & { encoder: EncoderSpec },
  grid: Grid,
): number {
  return queriedRows(connector) ?? cellCount(grid, encoder) + (encoder.keepClassToken ? 1 : 0);
}
