/** Random inputs that a printed seed repeats. Needs no GPU, so Node tests may import it. */

/** A small fast generator with a full period of 2^32 (mulberry32), so that a printed seed repeats a failure. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let z = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Integer in [min, max]. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.uniform() * (max - min + 1));
  }

  /** Standard normal. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  floats(count: number, scale = 1): Float32Array {
    return Float32Array.from({ length: count }, () => this.normal() * scale);
  }
}

/** A generator with a fresh seed, printed so that a failure can be repeated with `new Random(seed)`. */
export function freshRandom(name: string): Random {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.log(`${name}: seed ${seed}`);
  return new Random(seed);
}
