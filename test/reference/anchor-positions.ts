/** Original positions of image tokens. */
import type { Origin } from "./origins.ts";

/** Position of each token: that of its anchor, counted from the image's first. */
export function anchorPositions(origins: readonly Origin[], base: number): number[] {
  return origins.map(({ position }) => base + position);
}
