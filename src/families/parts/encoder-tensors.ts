/** Names and shapes of an image encoder's tensors, in the layouts of Hugging Face transformers. */
import type { BlocksSpec, EncoderSpec } from "../../spec/model-spec.ts";
import { headOrder, layerNorm, linear, stack, type TensorSpec, vector, withParts } from "../../spec/tensor-spec.ts";

/** Names of a transformer's blocks below its prefix; those of layers lack ".weight" and ".bias". */
export interface BlockNames {
  /** Prefix of a block's number. */
  blocks: string;
  norm1: string;
  norm2: string;
  /** Three matrices, or one of all their rows. */
  qkv: string | readonly [query: string, key: string, value: string];
  /** The rows of the matrix are [heads, 3, D]: queries, keys and values of each head together. */
  headRows?: true;
  /** Biases of queries and of values in separate tensors; keys have none. */
  biases?: readonly [query: string, value: string];
  out: string;
  /** For a gated MLP the matrices of gate and up. */
  fc1: string | readonly [gate: string, up: string];
  fc2: string;
  /** For an encoder with LayerScale, or with norms of queries and keys. */
  scale1?: string;
  scale2?: string;
  qNorm?: string;
  kNorm?: string;
}

/** An encoder's names below its prefix. */
export interface EncoderNames extends BlockNames {
  classToken: string;
  positions: string;
  patch: string;
  /** Default CLIP's. */
  preNorm?: string;
  postNorm: string;
  /** Further tensors in files, below the prefix. */
  unused: RegExp;
}

export const CLIP_NAMES: EncoderNames = {
  classToken: "embeddings.class_embedding",
  positions: "embeddings.position_embedding.weight",
  patch: "embeddings.patch_embedding",
  blocks: "encoder.layers.",
  norm1: "layer_norm1",
  norm2: "layer_norm2",
  qkv: ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
  out: "self_attn.out_proj",
  fc1: "mlp.fc1",
  fc2: "mlp.fc2",
  postNorm: "post_layernorm",
  // SigLIP's pooling head has no use without its text encoder.
  unused: /^head\..+$/,
};

export const VIT_NAMES: EncoderNames = {
  classToken: "embeddings.cls_token",
  positions: "embeddings.position_embeddings",
  patch: "embeddings.patch_embeddings.projection",
  blocks: "encoder.layer.",
  norm1: "layernorm_before",
  norm2: "layernorm_after",
  qkv: ["attention.attention.query", "attention.attention.key", "attention.attention.value"],
  out: "attention.output.dense",
  fc1: "intermediate.dense",
  fc2: "output.dense",
  postNorm: "layernorm",
  unused: /^(pooler\.dense\.(weight|bias)|embeddings\.mask_token)$/,
};

export const INTERN_NAMES: EncoderNames = {
  ...VIT_NAMES,
  qkv: ["attention.q_proj", "attention.k_proj", "attention.v_proj"],
  out: "attention.projection_layer",
  fc1: "mlp.fc1",
  fc2: "mlp.fc2",
  scale1: "lambda_1",
  scale2: "lambda_2",
  qNorm: "attention.q_norm",
  kNorm: "attention.k_norm",
};

/** A norm of the kind that blocks have. */
function blockNorm({ rmsNorms, width }: BlocksSpec, name: string, prefixes: readonly string[], source: string) {
  if (!rmsNorms) return layerNorm(name, prefixes, source, width);
  return [vector(`${name}.weight`, prefixes, `${source}.weight`, width)];
}

/** Matrices that share the rows of one. */
function sourcesOf(names: string | readonly string[], rows: number): (readonly [source: string, rows: number])[] {
  const list = typeof names === "string" ? [names] : names;
  return list.map((source) => [source, rows / list.length] as const);
}

/** The tensors of an encoder, under any of the prefixes. */
export function encoderTensors(spec: EncoderSpec, names: EncoderNames, prefixes: readonly string[]): TensorSpec[] {
  const { width, patch, classToken, positions } = spec;
  const table = positions.table === undefined ? positions.grid : positions.table;
  const rows = table ? table.rows * table.cols + (classToken ? 1 : 0) : 0;
  const frames = patch.frames ? [patch.frames] : [];
  const patchShape = patch.channelsLast ? [width, patch.side ** 2 * 3] : [width, 3, ...frames, patch.side, patch.side];
  const tensors = [
    ...(classToken ? [vector("encoder.class", prefixes, names.classToken, width)] : []),
    ...(table ? [stack("encoder.positions", "table", prefixes, [[names.positions, [rows, width]]])] : []),
    stack("encoder.patch.weight", "linear", prefixes, [[`${names.patch}.weight`, patchShape]]),
    ...(patch.bias ? [vector("encoder.patch.bias", prefixes, `${names.patch}.bias`, width)] : []),
    ...(spec.preNorm ? blockNorm(spec, "encoder.preNorm", prefixes, names.preNorm ?? "pre_layrnorm") : []),
  ];
  tensors.push(...blockTensors("encoder", spec, spec.runBlocks, names, prefixes));
  if (spec.postNorm) tensors.push(...layerNorm("encoder.norm", prefixes, names.postNorm, width));
  return tensors;
}

/**
 * The tensors of a transformer's first `count` blocks, under any of the prefixes.
 *
 * @param tower before "blocks" in the tensors' own names
 */
export function blockTensors(
  tower: string,
  spec: BlocksSpec,
  count: number,
  names: BlockNames,
  prefixes: readonly string[],
): TensorSpec[] {
  const { width, mlp, qkvBias, linearBias: bias = true } = spec;
  const tensors: TensorSpec[] = [];
  const qkv = sourcesOf(names.qkv, 3 * width);
  const fc1 = sourcesOf(names.fc1, (mlp.gated ? 2 : 1) * mlp.width);
  const order = names.headRows && headOrder(3 * width, spec.heads);
  for (let block = 0; block < count; block++) {
    const name = `${tower}.blocks.${block}`;
    const inBlock = prefixes.map((prefix) => `${prefix}${names.blocks}${block}.`);
    const norm = (part: string, source: string) => blockNorm(spec, `${name}.${part}`, inBlock, source);
    const scale = (part: string, source: string | undefined) =>
      spec.layerScale ? [vector(`${name}.${part}`, inBlock, source!, width)] : [];
    const qkNorm = (part: string, source: string | undefined) =>
      spec.qkNorm ? [vector(`${name}.${part}.weight`, inBlock, `${source}.weight`, width)] : [];
    tensors.push(
      ...norm("norm1", names.norm1),
      ...withParts(linear(`${name}.qkv`, inBlock, qkv, { cols: width, bias: qkvBias && !names.biases }), () =>
        order ? { order } : {},
      ),
      ...(names.biases ? [biasWithoutKeys(`${name}.qkv.bias`, inBlock, names.biases, width)] : []),
      ...qkNorm("qNorm", names.qNorm),
      ...qkNorm("kNorm", names.kNorm),
      ...linear(`${name}.out`, inBlock, [[names.out, width]], { cols: width, bias }),
      ...scale("scale1", names.scale1),
      ...norm("norm2", names.norm2),
      ...linear(`${name}.fc1`, inBlock, fc1, { cols: width, bias }),
      ...linear(`${name}.fc2`, inBlock, [[names.fc2, width]], { cols: mlp.width, bias }),
      ...scale("scale2", names.scale2),
    );
  }
  return tensors;
}

/** [q_bias; 0; v_bias], [3 C]. */
function biasWithoutKeys(name: string, inBlock: readonly string[], [query, value]: readonly string[], width: number) {
  const part = (source: string, to: number) => ({ names: inBlock.map((below) => below + source), shape: [width], to });
  const parts = [part(query!, 0), part(value!, 2 * width)];
  return { name, use: "vector", shape: [3 * width], parts } satisfies TensorSpec;
}

/** True for a tensor of the encoder that a file may hold although it never runs. */
export function isUnusedInEncoder(
  { blocks, runBlocks, postNorm }: EncoderSpec,
  names: EncoderNames,
  prefixes: readonly string[],
  tensor: string,
): boolean {
  const isPostNorm = (name: string) => name === `${names.postNorm}.weight` || name === `${names.postNorm}.bias`;
  return prefixes.some((prefix) => {
    if (!tensor.startsWith(prefix)) return false;
    const name = tensor.slice(prefix.length);
    if (names.unused.test(name) || (!postNorm && isPostNorm(name))) return true;
    if (!name.startsWith(names.blocks)) return false;
    // Blocks after the last that runs; a block beyond config.json's count is unknown.
    const block = /^(\d+)\./.exec(name.slice(names.blocks.length))?.[1];
    return block !== undefined && Number(block) >= runBlocks && Number(block) < blocks;
  });
}
