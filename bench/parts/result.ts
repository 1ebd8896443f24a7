/** The result of a benchmark part. Plain data: it crosses from the browser to Node and is stored in bench/results. */

/** One number, never without its unit. */
export interface Figure {
  /** Stable, such as "kernels.copy": targets refer to it. */
  id: string;
  what: string;
  value: number;
  /** "GB/s", "GFLOP/s", "ms", "x" (times faster), "%" (of 100), "MiB", "dispatches" ... */
  unit: string;
  /** The comparison or the inputs. */
  note?: string;
}

/** A figure that was not measured, and the reason. */
export interface Missing {
  what: string;
  reason: string;
}

/** The machine and the program that ran it. */
export interface Host {
  adapter: string;
  /** A software adapter: its figures count for comparison only. */
  software: boolean;
  /** Browser or Node, with version. */
  runtime: string;
  features: string[];
}

export interface PartResult extends Host {
  part: string;
  size: SizeName;
  figures: Figure[];
  /** Absent in older results. */
  missing?: Missing[];
  seconds: number;
}

export type SizeName = "tiny" | "small" | "large";

/** Rows of a table: each figure with value and note, and each missing one with its reason. */
export function figureRows({ figures, missing = [] }: Pick<PartResult, "figures" | "missing">): string[][] {
  return [
    ...figures.map((figure) => [figure.what, valueText(figure), figure.note ?? ""]),
    ...missing.map(({ what, reason }) => [what, "not measured", reason]),
  ];
}

/** A value with its meaningful digits. */
export function valueText({ value, unit }: Pick<Figure, "value" | "unit">): string {
  if (unit === "x") return `${value.toFixed(value < 10 ? 2 : 1)}x`;
  const magnitude = Math.abs(value);
  if (magnitude > 0 && magnitude < 1e-3) return `${value.toExponential(1)} ${unit}`;
  const digits = Number.isInteger(value) || magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`.trim();
}
