/** Batches of views in tests: the values of each view, one after the other. */

/** The values of all views in one array, as a batch holds them. */
export function joinViews(views: readonly ArrayLike<number>[]): Float64Array {
  const all = new Float64Array(views.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const view of views) {
    all.set(view, at);
    at += view.length;
  }
  return all;
}

/** `count` views, each made by `make`. */
export function makeViews<T>(count: number, make: (view: number) => T): T[] {
  return Array.from({ length: count }, (_, view) => make(view));
}
