/**
 * Which tensors of a file fill which tensor on the GPU: names of every layout, shapes, and where fused parts go.
 * Pure: it looks at headers, never at values, and plans nothing about reading or precision.
 */
import { elementCount, sameShape } from "../shared/shape.ts";
import { isReadableDtype } from "../weights/dtype.ts";
import type { TensorEntry } from "../weights/safetensors.ts";
import type { DecoderConfig, ModelConfig, ProjectorConfig, VisionConfig } from "./config.ts";
import { isUnwanted, type Prefixes, prefixesOf, visionNames } from "./tensor-names.ts";
import { type TensorProblems, tensorError } from "./tensor-problems.ts";

/** One tensor of a file that fills some rows of a slot. */
export interface WeightPart {
  /** Names that it may have in a file, one per layout. */
  names: string[];
  /** As in the file; leading dimensions of 1 (a ViT's tables have them) make no difference. */
  shape: readonly number[];
  /** First row of the slot that it fills. */
  rowOffset: number;
}

/** One tensor on the GPU. */
export interface WeightSlot {
  /** Canonical, e.g. "vision.blocks.3.qkv.weight". */
  name: string;
  /** [rows, cols] or [cols] */
  shape: readonly number[];
  /** In order of rows; together they fill the slot exactly. */
  parts: WeightPart[];
}

/** A tensor of a file and the place where it goes. */
export interface MatchedPart {
  slot: WeightSlot;
  entry: TensorEntry;
  rowOffset: number;
}

/** Every tensor that the engine wants for this model, in the order of execution. */
export function weightSlots(config: ModelConfig): WeightSlot[] {
  const { vision, projector, decoder } = config;
  const prefixes = prefixesOf(config);
  return [
    ...(vision ? visionSlots(vision, prefixes.vision) : []),
    ...(config.classes ? linear("classifier", [""], [["classifier", config.classes.length]], vision!.width) : []),
    ...(projector ? projectorSlots(projector, prefixes.projector) : []),
    ...(decoder ? decoderSlots(decoder, prefixes) : []),
  ];
}

function visionSlots(config: VisionConfig, prefixes: string[]): WeightSlot[] {
  const { width, mlpWidth, patchSize, classToken, qkvBias } = config;
  const names = visionNames(config);
  const patches = Math.floor(config.imageSize / patchSize) ** 2;
  const slots = [
    ...(classToken ? [stack("vision.class", prefixes, [[names.classToken, [width]]])] : []),
    stack("vision.positions", prefixes, [[names.positions, [patches + (classToken ? 1 : 0), width]]]),
    stack("vision.patch.weight", prefixes, [[`${names.patch}.weight`, [width, 3, patchSize, patchSize]]]),
    ...(config.patchBias ? [stack("vision.patch.bias", prefixes, [[`${names.patch}.bias`, [width]]])] : []),
    ...(config.preNorm ? layerNorm("vision.preNorm", prefixes, "pre_layrnorm", width) : []),
  ];
  for (let block = 0; block < config.runBlocks; block++) {
    const name = `vision.blocks.${block}`;
    const inBlock = prefixes.map((prefix) => `${prefix}${names.blocks}${block}.`);
    const qkv = [names.query, names.key, names.value].map((source) => [source, width] as const);
    slots.push(
      ...layerNorm(`${name}.norm1`, inBlock, names.norm1, width),
      ...linear(`${name}.qkv`, inBlock, qkv, width, qkvBias),
      ...linear(`${name}.out`, inBlock, [[names.out, width]], width),
      ...layerNorm(`${name}.norm2`, inBlock, names.norm2, width),
      ...linear(`${name}.fc1`, inBlock, [[names.fc1, mlpWidth]], width),
      ...linear(`${name}.fc2`, inBlock, [[names.fc2, width]], mlpWidth),
    );
  }
  // The others' final norm is in front of a pooled output that nobody reads here.
  if (config.family === "vit") slots.push(...layerNorm("vision.norm", prefixes, "layernorm", width));
  return slots;
}

function projectorSlots(config: ProjectorConfig, prefixes: Prefixes["projector"]): WeightSlot[] {
  const { inputWidth, width, bias } = config;
  return [
    ...linear("projector.1", prefixes[1], [["", width]], inputWidth, bias),
    ...linear("projector.2", prefixes[2], [["", width]], width, bias),
  ];
}

function decoderSlots(config: DecoderConfig, { decoder: prefixes, head }: Prefixes): WeightSlot[] {
  const { width, mlpWidth, vocabularySize, heads, keyHeads, headWidth } = config;
  const slots = [stack("decoder.embed", prefixes, [["embed_tokens.weight", [vocabularySize, width]]])];
  const qkv = [
    ["self_attn.q_proj", heads * headWidth],
    ["self_attn.k_proj", keyHeads * headWidth],
    ["self_attn.v_proj", keyHeads * headWidth],
  ] as const;
  const gateUp = [
    ["mlp.gate_proj", mlpWidth],
    ["mlp.up_proj", mlpWidth],
  ] as const;
  const norm = (name: string, at: string[], source: string) =>
    stack(`${name}.weight`, at, [[`${source}.weight`, [width]]]);
  for (let layer = 0; layer < config.layers; layer++) {
    const name = `decoder.layers.${layer}`;
    const inLayer = prefixes.map((prefix) => `${prefix}layers.${layer}.`);
    slots.push(
      norm(`${name}.norm1`, inLayer, "input_layernorm"),
      ...linear(`${name}.qkv`, inLayer, qkv, width, config.qkvBias),
      ...linear(`${name}.out`, inLayer, [["self_attn.o_proj", width]], heads * headWidth, false),
      norm(`${name}.norm2`, inLayer, "post_attention_layernorm"),
      ...linear(`${name}.gateUp`, inLayer, gateUp, width, false),
      ...linear(`${name}.down`, inLayer, [["mlp.down_proj", width]], mlpWidth, false),
    );
  }
  slots.push(norm("decoder.norm", prefixes, "norm"));
  if (!config.tiedHead) slots.push(stack("decoder.head", head, [["", [vocabularySize, width]]]));
  return slots;
}

/** A linear layer [rows, cols] made of one or several of the file, one below the other. */
function linear(
  name: string,
  prefixes: string[],
  sources: readonly (readonly [source: string, rows: number])[],
  cols: number,
  bias = true,
): WeightSlot[] {
  const weights = sources.map(([source, rows]) => [`${source}.weight`, [rows, cols]] as const);
  const biases = sources.map(([source, rows]) => [`${source}.bias`, [rows]] as const);
  return [stack(`${name}.weight`, prefixes, weights), ...(bias ? [stack(`${name}.bias`, prefixes, biases)] : [])];
}

function layerNorm(name: string, prefixes: string[], source: string, width: number): WeightSlot[] {
  return ["weight", "bias"].map((part) => stack(`${name}.${part}`, prefixes, [[`${source}.${part}`, [width]]]));
}

/** A slot of tensors [rows, ...] of the file, one below the other; what follows the rows becomes one dimension. */
function stack(
  name: string,
  prefixes: string[],
  sources: readonly (readonly [source: string, shape: readonly number[]])[],
): WeightSlot {
  let rows = 0;
  const parts = sources.map(([source, shape]) => {
    const part = { names: prefixes.map((prefix) => prefix + source), shape, rowOffset: rows };
    rows += shape[0]!;
    return part;
  });
  const row = sources[0]![1].slice(1);
  return { name, shape: row.length === 0 ? [rows] : [rows, elementCount(row)], parts };
}

/**
 * Finds the tensors of all slots. Each tensor is looked up under its names of every layout, so that a file may mix them;
 * all problems are found before any is reported.
 *
 * @param tensors header entries of all files of the checkpoint, by name
 * @returns parts in the order of `weightSlots`
 * @throws FoveaError `bad-weights` naming a missing, unknown, doubled, misshaped tensor or one of a type that is not read
 */
export function matchTensors(config: ModelConfig, tensors: ReadonlyMap<string, TensorEntry>): MatchedPart[] {
  const problems: TensorProblems = { missing: [], doubled: [], misshaped: [], unreadable: [], unknown: [] };
  const wanted = new Set<string>();
  const matched: MatchedPart[] = [];
  for (const slot of weightSlots(config)) {
    for (const { names, shape, rowOffset } of slot.parts) {
      for (const name of names) wanted.add(name);
      const present = names.filter((name) => tensors.has(name));
      const entry = present.length > 0 ? tensors.get(present[0]!) : undefined;
      if (!entry) problems.missing.push({ names, shape });
      else if (present.length > 1) problems.doubled.push(present);
      else if (!sameShape(withoutLeadingOnes(entry.shape), withoutLeadingOnes(shape)))
        problems.misshaped.push({ entry, shape });
      else if (!isReadableDtype(entry.dtype)) problems.unreadable.push(entry);
      else matched.push({ slot, entry, rowOffset });
    }
  }
  for (const [name, entry] of tensors) {
    if (!wanted.has(name) && !isUnwanted(config, name)) problems.unknown.push(entry);
  }
  if (Object.values(problems).some((found) => found.length > 0))
    throw tensorError(problems, config.modelType, wanted, tensors.keys());
  return matched;
}

/** A ViT's tables have a batch dimension in front; elsewhere it would not change the values either. */
function withoutLeadingOnes(shape: readonly number[]): readonly number[] {
  const first = shape.findIndex((dimension) => dimension !== 1);
  return first < 0 ? [] : shape.slice(first);
}
