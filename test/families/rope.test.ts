/**
 * Rotary positions of a config: frequencies and factor of each method, worked out from its formula by a program apart (12
 * digits), and the context that it reaches. What is refused is in decoder-config.test.ts; whole models are among the goldens.
 */
import { describe, expect, it } from "vitest";
import { ConfigFields } from "../../src/families/fields.ts";
import { type ReadRope, readRope } from "../../src/families/parts/rope.ts";
import { expectClose } from "../support/compare.ts";

/** Reads a config for heads of 8 channels. */
function read(config: object, maxPositions = 4096): ReadRope {
  return readRope(ConfigFields.of(config, "config.json"), 8, maxPositions);
}

const PLAIN = [1, 0.1, 0.01, 0.001];
const LLAMA3 = {
  rope_type: "llama3",
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 128,
};
const LLAMA3_FREQUENCIES = [1, 0.0427511787543, 0.00125, 0.000125];
const YARN = { rope_type: "yarn", factor: 4, original_max_position_embeddings: 64 };
const YARN_FREQUENCIES = [1, 0.0625, 0.0025, 0.00025];

function expectRope({ rope, maxPositions }: ReadRope, frequencies: readonly number[], factor = 1, positions = 4096) {
  expectClose("frequencies", rope.frequencies, frequencies, 1e-11);
  expect(rope.factor).toBeCloseTo(factor, 13);
  expect(maxPositions).toBe(positions);
}

describe("methods", () => {
  it("none", () => {
    for (const config of [{}, { rope_scaling: null }, { rope_scaling: { type: "default" } }])
      expectRope(read(config), PLAIN);
    expectRope(read({ rope_theta: 16 }), [1, 0.5, 0.25, 0.125]);
    expect(read({}).rope.beyond).toBeUndefined();
  });

  it("linear", () => {
    const config = { rope_scaling: { type: "linear", factor: 2.5 } };
    expectRope(read(config), [0.4, 0.04, 0.004, 0.0004], 1, 10240);
  });

  it("llama3", () => {
    expectRope(read({ rope_scaling: LLAMA3 }), LLAMA3_FREQUENCIES);
    const shorter = { ...LLAMA3, original_max_position_embeddings: 64 };
    expectRope(read({ rope_scaling: shorter }), [1, 0.0130422560438, 0.00125, 0.000125]);
  });

  it("yarn, with the range of blended pairs cut to whole ones", () => {
    const logFactor = 1.138629436111989; // 0.1 ln 4 + 1
    expectRope(read({ rope_scaling: YARN }, 256), YARN_FREQUENCIES, logFactor, 256);
    // The context that was trained by default, which the factor then stretches.
    const { original_max_position_embeddings: _, ...unsaid } = YARN;
    expectRope(read({ rope_scaling: unsaid }), [1, 0.1, 0.00625, 0.00025], logFactor, 16384);
    // A range of no width.
    const narrow = { ...YARN, original_max_position_embeddings: 6 };
    expectRope(read({ rope_scaling: narrow }), [1, 0.025, 0.0025, 0.00025], logFactor);
    expectRope(read({ rope_scaling: { ...YARN, factor: 1 } }), PLAIN);
    // One that would end after the last channel.
    const wide = { ...YARN, original_max_position_embeddings: 4096, beta_fast: 200 };
    expectRope(read({ rope_theta: 16, rope_scaling: wide }), [1, 0.5, 0.21875, 0.09375], logFactor, 16384);
  });

  it("yarn, with every setting", () => {
    const settings = {
      rope_type: "yarn",
      factor: 6,
      original_max_position_embeddings: 48,
      beta_fast: 8,
      beta_slow: 2,
      mscale: 1.3,
      mscale_all_dim: 0.7,
      truncate: false,
    };
    const frequencies = [1, 0.0198201185834, 0.00235702260396, 0.000280298805085];
    const config = (more: object) => ({ rope_theta: 5000, rope_scaling: { ...settings, ...more } });
    expectRope(read(config({}), 288), frequencies, 1.0955245739583177, 288);
    expectRope(read(config({ attention_factor: 1.25 }), 288), frequencies, 1.25, 288);
    // A range of no width between two pairs.
    const between = { rope_type: "yarn", factor: 6, original_max_position_embeddings: 48, beta_fast: 4, beta_slow: 4 };
    const sharp = { rope_theta: 16, rope_scaling: { ...between, truncate: false, attention_factor: 1 } };
    expectRope(read(sharp, 288), [1, 0.5 / 6, 0.25 / 6, 0.125 / 6], 1, 288);
    // An mscale alone, or beside 0, changes nothing.
    for (const mscale_all_dim of [0, null])
      expectRope(read(config({ mscale_all_dim }), 288), frequencies, 1 + 0.1 * Math.log(6), 288);
  });

  it("dynamic: plain up to the trained length, then by the length", () => {
    const read96 = read({ rope_scaling: { rope_type: "dynamic", type: "dynamic", factor: 3 } }, 96);
    expectRope(read96, PLAIN, 1, 288);
    const { length, turnsAnew, frequenciesOf } = read96.rope.beyond!;
    expect([length, turnsAnew]).toEqual([96, false]);
    expectClose("96", frequenciesOf(96), PLAIN, 1e-14);
    expectClose("97", frequenciesOf(97), [1, 0.098979520632, 0.00979694550454, 0.000969696969697], 1e-11);
    expectClose("186", frequenciesOf(186), [1, 0.0640122927207, 0.00409757361936, 0.000262295081967], 1e-11);
  });

  it("dynamic, for heads of two channels, which have no base", () => {
    const config = ConfigFields.of({ rope_scaling: { type: "dynamic", factor: 2 } }, "config.json");
    const { rope } = readRope(config, 2, 96);
    expect([rope.frequencies, rope.beyond!.frequenciesOf(97)]).toEqual([[1], [1]]);
  });
});

describe("longrope", () => {
  const short_factor = [1, 1.25, 2, 4];
  const long_factor = [2, 5, 8, 10];
  const LONGROPE = { type: "longrope", short_factor, long_factor };

  it.each(["longrope", "su"])("%s divides by the factors of the length, and all rows turn anew", (type) => {
    const config = { original_max_position_embeddings: 64, rope_scaling: { ...LONGROPE, type } };
    const { rope, maxPositions } = read(config, 2048);
    // sqrt(1 + ln 32 / ln 64)
    expectRope({ rope, maxPositions }, [1, 0.08, 0.005, 0.00025], 1.3540064007726602, 2048);
    expect(rope.beyond).toMatchObject({ length: 64, turnsAnew: true });
    expectClose("long", rope.beyond!.frequenciesOf(65), [0.5, 0.02, 0.00125, 0.0001], 1e-14);
  });

  it("takes its factors from the file where they are there", () => {
    const factorOf = (more: object) => {
      const rope_scaling = { ...LONGROPE, original_max_position_embeddings: 64, ...more };
      return read({ rope_scaling }, 2048).rope.factor;
    };
    expect(factorOf({ factor: 8 })).toBeCloseTo(Math.sqrt(1.5), 14);
    expect(factorOf({ attention_factor: 1.19 })).toBe(1.19);
    // No longer context than the original one.
    expect(factorOf({ original_max_position_embeddings: 4096 })).toBe(1);
  });
});

describe("spellings", () => {
  it("of transformers 5, with the base inside", () => {
    const rope_parameters = { ...LLAMA3, rope_theta: 16 };
    expectRope(
      read({ rope_theta: 4, rope_parameters: { rope_type: "default", rope_theta: 16 } }),
      [1, 0.5, 0.25, 0.125],
    );
    expectRope(read({ rope_parameters }), read({ rope_theta: 16, rope_scaling: LLAMA3 }).rope.frequencies);
  });

  it("rope_type wins over type, and rope_scaling over rope_parameters unless it is empty", () => {
    expectRope(read({ rope_scaling: { rope_type: "default", type: "linear" } }), PLAIN);
    const rope_parameters = { rope_type: "linear", factor: 2, rope_theta: 16 };
    expectRope(read({ rope_scaling: LLAMA3, rope_parameters }), LLAMA3_FREQUENCIES);
    expectRope(read({ rope_scaling: {}, rope_parameters }), [0.5, 0.25, 0.125, 0.0625], 1, 8192);
  });

  it("an original length beside rope_scaling wins over the one in it", () => {
    const rope_scaling = { ...YARN, original_max_position_embeddings: 9999 };
    const read256 = read({ original_max_position_embeddings: 64, rope_scaling }, 256);
    expectRope(read256, YARN_FREQUENCIES, 1 + 0.1 * Math.log(4), 256);
  });

  it("a context never exceeds what positions can be counted in", () => {
    expect(read({ rope_scaling: { type: "linear", factor: 1e6 } }).maxPositions).toBe(1 << 24);
  });
});
