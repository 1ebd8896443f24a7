/** Repeatable random numbers: a scene looks the same each time it is drawn. */

/** Uniform in [0, 1), from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), 1 | state);
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Smooth noise in [-1, 1] over a square of side 1, with about `cells` bumps across. */
export function smoothNoise(random: () => number, cells: number): (x: number, y: number) => number {
  const width = cells + 1;
  const values = Float32Array.from({ length: width * width }, () => 2 * random() - 1);
  const ease = (t: number) => t * t * (3 - 2 * t);
  return (x, y) => {
    const [u, v] = [x * (cells - 1e-6), y * (cells - 1e-6)];
    const [i, j] = [Math.floor(u), Math.floor(v)];
    const [s, t] = [ease(u - i), ease(v - j)];
    const at = j * width + i;
    const top = values[at]! * (1 - s) + values[at + 1]! * s;
    const bottom = values[at + width]! * (1 - s) + values[at + width + 1]! * s;
    return top * (1 - t) + bottom * t;
  };
}
