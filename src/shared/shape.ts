/**
 * Shapes of row-major arrays; imports nothing. Letters: B batch, T tokens, C channels, H heads, D head width, V
 * vocabulary.
 */

/** Dimensions, outermost first. */
export type Shape = readonly number[];

/** Number of elements; 1 for a scalar's empty shape. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** "[2, 3]", for messages. */
export function shapeText(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** True if both have the same dimensions. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}
