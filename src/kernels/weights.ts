/** How kernels read weights, plain or packed: the libraries for each format, and where the scales lie. */
import chunkF16 from "../../shaders/lib/chunk-f16.wgsl?raw";
import chunkF32 from "../../shaders/lib/chunk-f32.wgsl?raw";
import chunkQ4 from "../../shaders/lib/chunk-q4.wgsl?raw";
import chunkQ8 from "../../shaders/lib/chunk-q8.wgsl?raw";
import scaleGroup from "../../shaders/lib/scale-group.wgsl?raw";
import scaleNone from "../../shaders/lib/scale-none.wgsl?raw";
import weightF16 from "../../shaders/lib/weight-f16.wgsl?raw";
import weightF32 from "../../shaders/lib/weight-f32.wgsl?raw";
import weightQ4 from "../../shaders/lib/weight-q4.wgsl?raw";
import weightQ8 from "../../shaders/lib/weight-q8.wgsl?raw";
import { isPacked, type PackedType, type Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { choosePart, type PartChoice } from "./heads.ts";

/** "f32", or how a weight matrix is packed. */
export type WeightType = "f32" | PackedType;

/** How many components of `x` go at a time through lib/chunk-* for each format. */
const CHUNK_ELEMENTS: Record<PackedType, number> = { f16: 8, q8: 16, q4: 32 };

interface WeightChoice {
  part: PartChoice;
  /** Of the library choice. */
  key: string;
  /** `Part` and what reads the weights. */
  texts: readonly string[];
}

/** Of kernels that read single Parts of the weights, [N, K]. */
export function chooseWeight(weight: Tensor): WeightChoice {
  const found = choice(weight, { f32: weightF32, f16: weightF16, q8: weightQ8, q4: weightQ4 });
  const isScaled = weight.type === "q8" || weight.type === "q4";
  return { ...found, texts: [...found.texts, isScaled ? scaleGroup : scaleNone] };
}

/** Of kernels that multiply one row; `elements` of K go at a time. */
export function chooseChunk(weight: Tensor): WeightChoice & { elements: number } {
  const found = choice(weight, { f32: chunkF32, f16: chunkF16, q8: chunkQ8, q4: chunkQ4 });
  return { ...found, elements: isPacked(weight.type) ? CHUNK_ELEMENTS[weight.type] : found.part.width };
}

/** Whether rows of this length can be packed so; the widths of most models are multiples of 32. */
export function canPack(inner: number, type: PackedType): boolean {
  return inner % (type === "f16" ? CHUNK_ELEMENTS.f16 : CHUNK_ELEMENTS.q4) === 0;
}

function choice(weight: Tensor, libs: Record<WeightType, string>): WeightChoice {
  const type = weight.type;
  assert(type === "f32" || isPacked(type), `weights of type ${type}`);
  const inner = weight.shape.at(-1)!;
  assert(!isPacked(type) || canPack(inner, type), `rows of ${inner} as ${type}`);
  const part = choosePart(inner);
  return { part, key: type === "f32" ? part.key : type, texts: [part.text, libs[type]] };
}
