/** Stored weights (F32, F16, BF16) as f32 on the GPU, with a count of values that are not finite. */
import shader from "../../shaders/weight-unpack.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { elementGrid } from "./common.ts";

const kernel = new Kernel({
  name: "weight-unpack",
  shader,
  bindings: { packed: "read", y: "write", notFinite: "write" },
  params: { elements: "u32", yOffset: "u32", counter: "u32", add: "f32" },
});

/** Values of an invocation; the shader has the same number. */
const ROUNDS = 16;

/** Formats a weight may be stored in, as safetensors names them. */
export type StoredType = "F32" | "F16" | "BF16";

const FORMATS: Record<StoredType, { SOURCE_BITS: number; FRACTION_BITS: number }> = {
  F32: { SOURCE_BITS: 32, FRACTION_BITS: 23 },
  F16: { SOURCE_BITS: 16, FRACTION_BITS: 10 },
  BF16: { SOURCE_BITS: 16, FRACTION_BITS: 7 },
};

export interface WeightUnpackArgs {
  packed: Tensor; // u32 words, little-endian as in the file
  type: StoredType;
  elements: number;
  y: Tensor; // any shape
  yOffset: number; // in elements
  notFinite: Tensor; // u32 counters
  counter: number; // which of them this tensor uses
  /** Added to every value; default 0. */
  add?: number | undefined;
}

/**
 * y[yOffset ..] = the first `elements` values of `packed`; notFinite[counter] += the number of NaN or infinite values.
 */
export function weightUnpack(recorder: Recorder, args: WeightUnpackArgs): void {
  const { packed, type, elements, y, yOffset, notFinite, counter, add = 0 } = args;
  const format = FORMATS[type];
  const words = ceilDiv(elements * format.SOURCE_BITS, 32);
  assert(words <= elementCount(packed.shape), `${elements} ${type} values need ${words} words`);
  assert(yOffset + elements <= elementCount(y.shape), `${elements} values at ${yOffset} do not fit`);
  const params = { elements, yOffset, counter, add };
  const tensors = { packed, y, notFinite };
  recorder.dispatch(kernel.variant({ constants: format }), tensors, params, elementGrid(elements, 64 * ROUNDS));
}
