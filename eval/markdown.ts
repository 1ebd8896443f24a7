/** Figures as text, and Markdown tables of them. */
import type { Estimate } from "./statistics.ts";

/** "91.2 ± 1.1", in percent; "" for none. */
export function percent({ mean, error, count }: Estimate): string {
  if (count === 0) return "";
  return `${(100 * mean).toFixed(1)}${Number.isNaN(error) ? "" : ` ± ${(100 * error).toFixed(1)}`}`;
}

/** "+1.5 ± 0.8", in points; "" for none. */
export function points(difference: Estimate): string {
  if (difference.count === 0) return "";
  const text = percent(difference).replace("-", "−");
  return difference.mean > 0 ? `+${text}` : text;
}

/** A table whose first columns are text; the others are right-aligned figures. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], textColumns = 1): string {
  const lines = [head, head.map((_, i) => (i < textColumns ? "---" : "---:")), ...rows];
  return lines
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replace(/\s+/g, " ")).join(" | ")} |`)
    .join("\n");
}
