/** The number of rows of a picture in a prompt, before it is encoded. Pure. */
import type { Grid } from "../../spec/picture-spec.ts";
import type { ViewPlan } from "../compression/plan.ts";

/** Rows of a picture in the prompt, as `PictureSpec.runs` takes them. */
export interface PlannedRows {
  rows: readonly number[];
  /** False where the numbers are upper bounds. */
  isExact: boolean;
}

/** Cells that remain of a view; undefined where only the encoder's scores decide. @param grid of the view, in cells */
export function plannedCells(plan: ViewPlan, { rows, cols }: Grid): number | undefined {
  switch (plan.method) {
    case "none":
      return rows * cols;
    case "vmtc":
      return plan.stages.at(-1)?.tokens ?? rows * cols;
    case "pool":
      return Math.ceil(rows / plan.factor) * Math.ceil(cols / plan.factor);
    default:
      return plan.tokens;
  }
}
