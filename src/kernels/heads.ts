/**
 * Shared by the kernels over attention heads: the place of heads in wider rows, the components read at a time, and the
 * optional log-sum-exp.
 */

import cachedF16 from "../../shaders/lib/cached-f16.wgsl?raw";
import cachedF32 from "../../shaders/lib/cached-f32.wgsl?raw";
import halfPair from "../../shaders/lib/half-pair.wgsl?raw";
import keyPart from "../../shaders/lib/key-part.wgsl?raw";
import logSumExpDrop from "../../shaders/lib/log-sum-exp-drop.wgsl?raw";
import logSumExpKeep from "../../shaders/lib/log-sum-exp-keep.wgsl?raw";
import partScalar from "../../shaders/lib/part-scalar.wgsl?raw";
import partVec4 from "../../shaders/lib/part-vec4.wgsl?raw";
import valuePart from "../../shaders/lib/value-part.wgsl?raw";
import { type Bindings, Kernel, type KernelDefinition, type Params, type VariantOptions } from "../gpu/kernel.ts";
import type { Grid, Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { SOFTWARE } from "./software.ts";

/** Rows inside a wider matrix: component d of head h of row t lies at `t * stride + offset + h * D + d` (elements). */
export interface HeadRows {
  tensor: Tensor;
  stride: number;
  offset: number;
}

/** Sizes and logits of an attention kernel, [T, H, D] against [S, Hk, D]. */
export interface AttentionSizes {
  /** S */
  keys: number;
  /** H, a multiple of Hk; query head h reads key head floor(h / (H / Hk)) */
  heads: number;
  /** Hk */
  keyHeads: number;
  /** D */
  headWidth: number;
  /** Factor on q k^T. */
  scale: number;
  /** Of a soft cap on scaled logits, cap * tanh(logit / cap); without it there is none. */
  cap?: number | undefined;
}

/** The components that a kernel reads at a time: `width` of them are one WGSL `Part`, defined by the library `text`. */
export interface PartChoice {
  width: 1 | 4;
  key: string;
  text: string;
}

/** Four components at a time if all of these lengths and offsets (in elements) allow it, else one. */
export function choosePart(...lengths: number[]): PartChoice {
  return lengths.every((length) => length % 4 === 0)
    ? { width: 4, key: "vec4", text: partVec4 }
    : { width: 1, key: "scalar", text: partScalar };
}

/** The same where keys and values are read or written: they are f32, or f16 in heads whose lengths 4 divides. */
export function chooseCachedPart({ type }: Pick<Tensor, "type">, ...lengths: number[]): PartChoice {
  const part = choosePart(...lengths);
  if (type !== "f16") return { ...part, text: `${part.text}\n${cachedF32}` };
  assert(part.width === 4, `keys and values in f16: lengths of ${lengths}, not all multiples of 4`);
  return { width: 4, key: "vec4 f16", text: [part.text, halfPair, cachedF16].join("\n") };
}

/** Throws unless `rows` rows of `heads` heads lie inside the tensor: a bug in the model code. */
export function checkHeadRows(
  name: string,
  { tensor, stride, offset }: HeadRows,
  rows: number,
  heads: number,
  headWidth: number,
): void {
  const end = (rows - 1) * stride + offset + heads * headWidth;
  const fits = rows > 0 && offset >= 0 && offset + heads * headWidth <= stride && end <= elementCount(tensor.shape);
  assert(
    fits,
    `${name}: ${rows} rows of ${heads} heads of ${headWidth} at ${offset} + t * ${stride} do not fit in [${tensor.shape}]`,
  );
}

/** The most query heads that share their reads of one key head. */
const MAX_GROUP = 4;

/** For kernels of one query row: the query heads of a workgroup, and the workgroups of all heads. */
export function groupHeads(heads: number, keyHeads: number): { GROUP: number; workgroups: number } {
  assert(heads % keyHeads === 0, `${heads} query heads on ${keyHeads} key heads`);
  const groups = ceilDiv(heads / keyHeads, MAX_GROUP);
  return { GROUP: ceilDiv(heads / keyHeads, groups), workgroups: keyHeads * groups };
}

/** Stands for -inf as the log-sum-exp of a row and head with nothing left: WGSL need not support infinities. */
export const EMPTY_LOG_SUM_EXP = -1e30;

interface HeadVariant {
  part: PartChoice;
  /** Libraries that the shader always needs. */
  libs?: readonly string[];
  constants: Readonly<Record<string, number>>;
  /** True if the shader needs lib/quad-products. */
  quads: boolean;
}

/**
 * A kernel whose last binding before `params` is the optional `logSumExp`. A binding cannot be left empty, and a writable
 * one has no stand-in. So there are two kernels, which differ in the constant LOG_SUM_EXP.
 */
export class KernelWithLogSumExp<B extends Bindings, P extends Params> {
  #without: Kernel<B, P>;
  #with: Kernel<B & { logSumExp: "write" }, P>;

  constructor(definition: KernelDefinition<B, P>) {
    this.#without = new Kernel(definition);
    this.#with = new Kernel({ ...definition, bindings: { ...definition.bindings, logSumExp: "write" } });
  }

  /** Adds a dispatch of the variant with this part, these libraries and constants. */
  dispatch(
    recorder: Recorder,
    { part, libs = [], constants, quads }: HeadVariant,
    { logSumExp, ...tensors }: { readonly [name in keyof B]: Tensor } & { logSumExp?: Tensor | undefined },
    params: { readonly [name in keyof P]: number },
    grid: Grid,
  ): void {
    const options = (lib: string, count: number): VariantOptions => ({
      libs: {
        key: part.key,
        texts: [part.text, keyPart, valuePart, ...(quads ? [SOFTWARE.now.quadProducts] : []), ...libs, lib],
      },
      constants: { ...constants, LOG_SUM_EXP: count },
      enables: quads ? ["subgroups"] : [],
    });
    type Tensors = { readonly [name in keyof B]: Tensor };
    if (logSumExp) {
      const all = { ...tensors, logSumExp } as unknown as Tensors & { logSumExp: Tensor };
      recorder.dispatch(this.#with.variant(options(logSumExpKeep, 1)), all, params, grid);
    } else {
      recorder.dispatch(this.#without.variant(options(logSumExpDrop, 0)), tensors as unknown as Tensors, params, grid);
    }
  }
}
