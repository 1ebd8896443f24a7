/** What a benchmark's part hands over. Plain data: it crosses from the browser to Node, and lies in bench/results. */

/** One number, never without its unit. */
export interface Figure {
  /** Stable, such as "kernels.copy": targets and other figures refer to it. */
  id: string;
  what: string;
  value: number;
  /** "GB/s", "GFLOP/s", "ms", "x" (times faster), "%" (of 100), "MiB", "dispatches" ... */
  unit: string;
  /** What it is measured against, or on which inputs. */
  note?: string;
}

/** Where it ran. */
export interface Host {
  adapter: string;
  /** Whether the adapter is a program on the CPU: its figures count for comparison only. */
  software: boolean;
  /** Browser or Node, with version. */
  runtime: string;
  features: string[];
}

export interface PartResult extends Host {
  part: string;
  size: SizeName;
  figures: Figure[];
  seconds: number;
}

export type SizeName = "tiny" | "small" | "large";

/** A value with as many digits as say something. */
export function valueText({ value, unit }: Pick<Figure, "value" | "unit">): string {
  if (unit === "x") return `${value.toFixed(value < 10 ? 2 : 1)}x`;
  const magnitude = Math.abs(value);
  if (magnitude > 0 && magnitude < 1e-3) return `${value.toExponential(1)} ${unit}`;
  const digits = Number.isInteger(value) || magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
}
