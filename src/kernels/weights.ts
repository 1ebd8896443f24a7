/** The libraries by which kernels read plain and packed weights, and the offset of the scales. */
import aboveOne from "../../shaders/lib/above-one.wgsl?raw";
import aboveTwo from "../../shaders/lib/above-two.wgsl?raw";
import chunkF16 from "../../shaders/lib/chunk-f16.wgsl?raw";
import chunkF32 from "../../shaders/lib/chunk-f32.wgsl?raw";
import chunkQ4 from "../../shaders/lib/chunk-q4.wgsl?raw";
import chunkQ4Half from "../../shaders/lib/chunk-q4-half.wgsl?raw";
import chunkQ5 from "../../shaders/lib/chunk-q5.wgsl?raw";
import chunkQ6 from "../../shaders/lib/chunk-q6.wgsl?raw";
import chunkQ8 from "../../shaders/lib/chunk-q8.wgsl?raw";
import chunkScale from "../../shaders/lib/chunk-scale.wgsl?raw";
import levelsCurve from "../../shaders/lib/levels-curve.wgsl?raw";
import levelsEven from "../../shaders/lib/levels-even.wgsl?raw";
import scaleGroup from "../../shaders/lib/scale-group.wgsl?raw";
import scaleNone from "../../shaders/lib/scale-none.wgsl?raw";
import scalesF16 from "../../shaders/lib/scales-f16.wgsl?raw";
import scalesF16Bias from "../../shaders/lib/scales-f16-bias.wgsl?raw";
import scalesF16Zeros from "../../shaders/lib/scales-f16-zeros.wgsl?raw";
import scalesF32 from "../../shaders/lib/scales-f32.wgsl?raw";
import scalesF32Bias from "../../shaders/lib/scales-f32-bias.wgsl?raw";
import scalesNested from "../../shaders/lib/scales-nested.wgsl?raw";
import scalesNestedBias from "../../shaders/lib/scales-nested-bias.wgsl?raw";
import weightF16 from "../../shaders/lib/weight-f16.wgsl?raw";
import weightF32 from "../../shaders/lib/weight-f32.wgsl?raw";
import weightQ4 from "../../shaders/lib/weight-q4.wgsl?raw";
import weightQ5 from "../../shaders/lib/weight-q5.wgsl?raw";
import weightQ6 from "../../shaders/lib/weight-q6.wgsl?raw";
import weightQ8 from "../../shaders/lib/weight-q8.wgsl?raw";
import {
  type GroupedType,
  groupsOf,
  isPacked,
  type PackedName,
  type PackedType,
  type Tensor,
  typeName,
} from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import type { Levels } from "../shared/levels.ts";
import { NEST } from "../shared/nest.ts";
import { choosePart, type PartChoice } from "./heads.ts";

/** "f32", or how a weight matrix is packed when Fovea packs it. */
export type WeightType = "f32" | PackedName;

/** Libraries by bits: for integers of 4 neighbours, and for a chunk. */
const WEIGHT_TEXTS = { 4: weightQ4, 5: weightQ5, 6: weightQ6, 8: weightQ8 } as const;
const CHUNK_TEXTS = { 4: [chunkQ4, 32], 5: [chunkQ5, 32], 6: [chunkQ6, 16], 8: [chunkQ8, 16] } as const;

/** Components of a row that lib/chunk-f16 reads at a time. */
const CHUNK_F16 = 8;

interface WeightChoice {
  part: PartChoice;
  /** Identifies the choice of libraries. */
  key: string;
  /** `Part` and the libraries that read the weights. */
  texts: readonly string[];
  /** The constants that the texts need. */
  constants: Readonly<Record<string, number>>;
}

/** For kernels that read single Parts of the weights, [N, K]. */
export function chooseWeight(weight: Tensor): WeightChoice {
  const { groups, ...found } = choice(weight);
  if (!groups) return { ...found, texts: [...found.texts, weight.type === "f16" ? weightF16 : weightF32, scaleNone] };
  const texts = [...found.texts, ...integersOf(groups, WEIGHT_TEXTS[groups.bits]), scalesOf(groups), scaleGroup];
  return { ...found, texts, constants: groupConstants(groups, found.part.width) };
}

/** For kernels that multiply one row; they read `elements` of K at a time. */
export function chooseChunk(weight: Tensor): WeightChoice & { elements: number } {
  const { groups, ...found } = choice(weight);
  if (!groups) {
    const [text, elements] = weight.type === "f16" ? [chunkF16, CHUNK_F16] : [chunkF32, found.part.width];
    return { ...found, texts: [...found.texts, text], elements };
  }
  const isHalf = groups.bits === 4 && (groups.group === 16 || weight.shape.at(-1)! % 32 !== 0);
  const [text, elements] = isHalf ? [chunkQ4Half, 16] : CHUNK_TEXTS[groups.bits];
  assert(groups.group >= elements, `chunks of ${elements} of ${typeName(weight.type)}`);
  const texts = [...found.texts, ...integersOf(groups, text), scalesOf(groups), chunkScale];
  return {
    ...{ ...found, key: `${found.key}${isHalf ? " halved" : ""}`, texts, elements },
    constants: groupConstants(groups, elements),
  };
}

/** True if rows of this length can be packed in this type. The widths of most models are multiples of 32. */
export function canPack(inner: number, type: PackedType): boolean {
  const groups = groupsOf(type);
  if (!groups) return inner % CHUNK_F16 === 0;
  return inner % (groups.scales === "nested" ? NEST : groups.group) === 0;
}

function choice(weight: Tensor): WeightChoice & { groups: GroupedType | undefined } {
  const type = weight.type;
  assert(type === "f32" || isPacked(type), `weights of type ${typeName(type)}`);
  const inner = weight.shape.at(-1)!;
  assert(type === "f32" || canPack(inner, type), `rows of ${inner} as ${typeName(type)}`);
  const part = choosePart(inner);
  const key = type === "f32" ? part.key : typeName(type);
  return { part, key, texts: [part.text], constants: {}, groups: groupsOf(type) };
}

/** The libraries that read the integers, after those that they need. */
function integersOf({ bits, levels }: GroupedType, text: string): string[] {
  if (bits === 8) return [text];
  const above = bits === 5 ? [aboveOne] : bits === 6 ? [aboveTwo] : [];
  return [levels ? levelsCurve : levelsEven, ...above, text];
}

function scalesOf({ scales, bias }: GroupedType): string {
  if (scales === "nested") return bias === "none" ? scalesNested : scalesNestedBias;
  if (bias === "none") return scales === "f16" ? scalesF16 : scalesF32;
  if (scales === "f32") return scalesF32Bias;
  return bias === "zeros" ? scalesF16Zeros : scalesF16Bias;
}

/** @param elements that are read at a time */
function groupConstants(
  { group, scales, bias, origin, levels }: GroupedType,
  elements: number,
): Record<string, number> {
  return {
    GROUP_SHIFT: Math.log2(group / elements),
    ...(scales !== "f32" && bias === "free" && { ORIGIN: -origin }),
    ...(scales === "nested" && { NEST_GROUPS: NEST / group }),
    ...(levels && curveConstants(levels)),
  };
}

/** The coefficients as f32 bits, because constants of a variant are whole numbers. */
function curveConstants({ curve }: Levels): Record<string, number> {
  const bits = new Uint32Array(Float32Array.from(curve).buffer);
  return Object.fromEntries(Array.from(bits, (word, i) => [`CURVE_${i}`, word]));
}
