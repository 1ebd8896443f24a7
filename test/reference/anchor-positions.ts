/** Original positions of image tokens. */
import type { Origin } from "./owners.ts";

/** Position of each cell: that of its owner, counted from the image's first. */
export function anchorPositions(origins: readonly Origin[], base: number): number[] {
  return origins.map(({ owner }) => base + owner);
}
