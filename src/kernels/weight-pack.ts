/** Packs f32 weights on the GPU as f16, or as small integers with a scale. weight-unpack.ts provides the f32 values. */
import shader from "../../shaders/weight-pack.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import { GROUP, scalesOffset, type Tensor, typeName } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { elementGrid } from "./common.ts";

const kernel = new Kernel({
  name: "weight-pack",
  shader,
  bindings: { x: "read", y: "write", tooLarge: "write" },
  params: { elements: "u32", offset: "u32", scales: "u32", counter: "u32" },
});

const BITS: Partial<Record<string, number>> = { f16: 16, q8: 8, q4: 4 };

export interface WeightPackArgs {
  x: Tensor; // f32, `elements` at least
  elements: number;
  /** A packed matrix, zero where it is not yet written. Its type is the format. */
  y: Tensor;
  yOffset: number; // in elements
  tooLarge: Tensor; // u32 counters
  counter: number; // which of them this tensor uses
}

/**
 * y[yOffset ..] = the first `elements` values of x; tooLarge[counter] counts values (or scales) beyond f16, which are
 * stored as the largest f16. Both numbers are multiples of 8, of 32 for "q8" and "q4".
 */
export function weightPack(recorder: Recorder, { x, elements, y, yOffset, tooLarge, counter }: WeightPackArgs): void {
  const bits = BITS[typeName(y.type)];
  assert(bits, `weight-pack into ${typeName(y.type)}`);
  const multiple = bits === 16 ? 8 : GROUP;
  assert(elements % multiple === 0 && yOffset % multiple === 0, `weight-pack of ${elements} values at ${yOffset}`);
  assert(elements <= elementCount(x.shape), `weight-pack of ${elements} values of ${x.shape}`);
  assert(yOffset + elements <= elementCount(y.shape), `${elements} values at ${yOffset} do not fit`);
  recorder.dispatch(
    kernel.variant({ constants: { BITS: bits } }),
    { x, y, tooLarge },
    { elements, offset: yOffset, scales: scalesOffset(y), counter },
    elementGrid(ceilDiv(elements, GROUP), 64),
  );
}
