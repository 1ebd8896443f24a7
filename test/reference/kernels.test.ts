/** The references of single operations on numbers small enough to check by hand. */
import { describe, expect, test } from "vitest";
import { expectClose } from "../support/compare.ts";
import { activate, erf } from "./activation.ts";
import { cellOrder } from "./cells.ts";
import { gate } from "./gate.ts";
import { layerNorm } from "./layer-norm.ts";
import { matmul } from "./matmul.ts";
import { matvec } from "./matvec.ts";
import { normalize } from "./normalize.ts";
import { patches } from "./patches.ts";
import { rmsNorm } from "./rms-norm.ts";
import { plainFrequencies, rope } from "./rope.ts";
import { tokenEmbed } from "./token-embed.ts";
import { visionEmbed } from "./vision-embed.ts";
import { bf16ToNumber, f16ToNumber } from "./weight-unpack.ts";

describe("half precision", () => {
  test.for([
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x03ff, 1023 * 2 ** -24],
    [0x8001, -(2 ** -24)],
    [0x0000, 0],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
    [0x7e00, Number.NaN],
  ])("f16 %i is %d", ([bits, value]) => expect(f16ToNumber(bits!)).toBe(value));

  test("bf16 is the upper half of an f32, for every pattern", () => {
    const view = new DataView(new ArrayBuffer(4));
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x10000; bits++) {
      view.setUint16(0, bits);
      if (!Object.is(bf16ToNumber(bits), view.getFloat32(0))) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });
});

describe("activations", () => {
  test.for([
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [-2, -0.9953222650189527],
    [3.5, 0.9999992569016276],
    [7, 1],
  ])("erf(%d)", ([x, value]) => expect(erf(x!)).toBeCloseTo(value!, 15));

  test.for([
    ["none", -1],
    ["gelu", -0.15865525393145707],
    ["gelu_tanh", -0.15880800939172324],
    ["quick_gelu", -0.15420423],
    ["silu", -0.2689414213699951],
    ["relu", 0],
    ["relu2", 0],
  ] as const)("%s(-1)", ([name, value]) => expect(activate(-1, name)).toBeCloseTo(value, 8));

  test("relu and its square", () => {
    expect([activate(3, "relu"), activate(3, "relu2")]).toEqual([3, 9]);
  });

  test("silu gate", () => {
    expect(gate([0, 1], [5, 2])).toEqual(Float64Array.of(0, 2 / (1 + Math.exp(-1))));
  });
});

describe("norms", () => {
  test("layer norm divides by the biased deviation and adds eps to the variance", () => {
    expect([...layerNorm([1, 3, 10, 10], [2, 1], [0.5, 0], 3)]).toEqual([-0.5, 0.5, 0.5, 0]);
  });

  test("RMS norm keeps the mean", () => {
    expect([...rmsNorm([2, 4, 0, 0], [1, 2], 6)]).toEqual([0.5, 2, 0, 0]);
  });
});

describe("products", () => {
  const weight = [1, 2, 3, 4, 5, 6]; // [3, 2]

  test("bias, then activation, then residual", () => {
    const residual = [100, 100, 100, 100, 100, 100];
    const y = matmul([1, 0, 0, -1], weight, 2, { bias: [0, 1, 0], activation: "silu", residual });
    const expected = [1, 4, 5, -2, -3, -6].map((value) => 100 + activate(value, "silu"));
    expect([...y]).toEqual(expected);
  });

  test("one row", () => expect([...matvec([1, 1], weight)]).toEqual([3, 7, 11]));

  test("f32 inputs", () => expect([...matmul(Float32Array.of(0.1), [1], 1)]).toEqual([Math.fround(0.1)]));
});

describe("rope", () => {
  test("turns component d with component d + D/2", () => {
    const quarterTurn = Math.PI / 2; // as a position: the first pair turns by it, the second by a tenth
    const y = rope([1, 2, 3, 4], [quarterTurn], [1, 0.1]);
    const tenth = quarterTurn / 10;
    const expected = [-3, 2 * Math.cos(tenth) - 4 * Math.sin(tenth), 1, 4 * Math.cos(tenth) + 2 * Math.sin(tenth)];
    expectClose("rope", y, expected, 0, 1e-14);
  });

  test("each pair turns by the position on its axis", () => {
    const x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]; // two rows of one head of three pairs
    const positions = [3, 9, 20, 0, 7, 100]; // of both rows on axes 0, 1 and 2
    const frequencies = plainFrequencies(6, 100);
    const y = rope(x, positions, frequencies, { axisOfPair: [2, 0, 1] });
    for (const [pair, axis] of [2, 0, 1].entries()) {
      const alone = rope(x, positions.slice(2 * axis, 2 * axis + 2), frequencies);
      for (const d of [pair, pair + 3]) expect([y[d], y[6 + d]]).toEqual([alone[d], alone[6 + d]]);
    }
  });

  test("products of a query and a key depend on their distance alone", () => {
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const [q, k] = [
      [0.3, -1, 2, 0.5],
      [1, 0.7, -0.2, 1.1],
    ] as const;
    const frequencies = plainFrequencies(4, 10000);
    expect(frequencies).toEqual([1, 0.01]);
    const near = dot(rope(q, [7], frequencies), rope(k, [4], frequencies));
    const far = dot(rope(q, [1007], frequencies), rope(k, [1004], frequencies));
    expect(far).toBeCloseTo(near, 12);
  });

  test("a factor stretches queries and keys", () => {
    const stretched = rope([1, 2, 3, 4], [5], [1, 0.1], { factor: 1.5 });
    expectClose("rope", stretched, rope([1.5, 3, 4.5, 6], [5], [1, 0.1]), 0, 1e-14);
  });
});

describe("embeddings", () => {
  test("rows of a table", () => expect([...tokenEmbed([2, 0], [1, 2, 3, 4, 5, 6], 2)]).toEqual([5, 6, 1, 2]));

  test("class token first, or none", () => {
    expect([...visionEmbed([1, 1, 2, 2], [10, 10, 20, 20, 30, 30], [0, 1], [5, 6])]).toEqual([15, 16, 21, 21, 32, 32]);
    expect([...visionEmbed([1, 2], [10, 20], [0, 1])]).toEqual([11, 22]);
  });

  test("patches in cell order take the positions of their places in the grid", () => {
    expect([...visionEmbed([1, 2, 3], [10, 20, 30, 40], [2, 0, 1], [5])]).toEqual([15, 41, 22, 33]);
  });
});

describe("cells", () => {
  test("cells in raster order, and in each its seats in raster order", () => {
    // 0 1 | 2 3
    // 4 5 | 6 7
    expect(cellOrder(2, 4, 2)).toEqual([0, 1, 4, 5, 2, 3, 6, 7]);
    expect(cellOrder(4, 2, 2)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(cellOrder(3, 6, 3).slice(9, 15)).toEqual([3, 4, 5, 9, 10, 11]);
    expect(cellOrder(2, 3, 1)).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("pixels", () => {
  test("patches in the order of a convolution weight; pixels that fill no patch are left out", () => {
    // A 5 x 5 picture whose planes count 0.., 100.., 200..: patches of 2 use 4 x 4 of it.
    const pixels = Array.from({ length: 75 }, (_, i) => Math.floor(i / 25) * 100 + (i % 25));
    const rows = patches(pixels, { height: 5, width: 5, patch: 2, cell: 1 });
    expect(rows.length).toBe(4 * 12);
    expect([...rows.slice(12, 24)]).toEqual([2, 3, 7, 8, 102, 103, 107, 108, 202, 203, 207, 208]);
  });

  test("patches of a picture that is not square, in cell order", () => {
    const pixels = Array.from({ length: 24 }, (_, i) => Math.floor(i / 8) * 100 + (i % 8));
    const rows = patches(pixels, { height: 2, width: 4, patch: 1, cell: 2 });
    expect([...rows].filter((_, i) => i % 3 === 0)).toEqual([0, 1, 4, 5, 2, 3, 6, 7]);
  });

  test("normalise to planes", () => {
    const planes = normalize([0, 51, 255, 255, 255, 0], [0, 0.2, 0.5], [1, 0.5, 0.5]);
    expect([...planes]).toEqual([0, 1, 0, 1.6, 1, -1]);
  });
});
