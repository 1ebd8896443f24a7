/**
 * The random part of sampling: a Gumbel-max draw by a hash of seed, step and id. sample.ts has the tokens that may be
 * drawn.
 */

/** Integer hash of 32 bits ("lowbias32" of Chris Wellons' hash-prospector). */
function hash(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** The token that this seed and step draw: the largest of log(probability) + Gumbel noise. */
export function sampleDraw(tokens: { id: number; probability: number }[], seed: number, step: number): number {
  const stream = hash((hash(seed) + step) >>> 0);
  let best = { id: -1, score: Number.NEGATIVE_INFINITY };
  for (const { id, probability } of tokens) {
    const u = (hash(hash(id) ^ stream) + 0.5) / 2 ** 32;
    const score = Math.log(probability) - Math.log(-Math.log1p(-u));
    if (score > best.score) best = { id, score };
  }
  return best.id;
}
