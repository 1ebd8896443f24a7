import { describe, expect, test } from "vitest";
import { readModel } from "../../../../src/engine/read-model.ts";
import { matchTensors } from "../../../../src/model/load/match.ts";
import { openFolder } from "../../../../src/weights/folder.ts";
import { openModel } from "../../../../src/weights/formats/registry.ts";
import { parseSafetensorsHeader } from "../../../../src/weights/safetensors.ts";
import { describeModel } from "../../../support/describe-model.ts";
import { expectSpec } from "../../../support/expect-spec.ts";
import { type GgufTensorInput, type GgufValue, writeGguf } from "../../../support/gguf-file.ts";
import { hasShared, sharedBytes, sharedJson } from "../../../support/shared.ts";
// GGUF name -> Hugging Face name, one of each kind: gguf.get_tensor_name_map of the Python package gguf 0.19.0.
import names from "./names.json" with { type: "json" };

type Config = Record<string, never> & Record<string, unknown>;

interface Case {
  architecture: keyof typeof names;
  /** Of golden/families. */
  folder: string;
  /** Keys beside the common ones, without the architecture. */
  keys?(config: Config): Record<string, GgufValue>;
  /** Lists stored as tensors. */
  factors?(config: Config): Record<string, number[]>;
  /** What a GGUF cannot say. */
  given?(config: Config): Record<string, unknown>;
}

const scaling = (config: Config) => config.rope_scaling as unknown as Record<string, number[]>;
const window = (config: Config) => ({ "attention.sliding_window": config.sliding_window! });
const longFactors = (config: Config) => ({
  "rope_factors_short.weight": scaling(config).short_factor!,
  "rope_factors_long.weight": scaling(config).long_factor!,
});
const longKeys = (config: Config) => {
  const original = config.original_max_position_embeddings as unknown as number;
  const growth = (config.max_position_embeddings as unknown as number) / original;
  return {
    ...window(config),
    "rope.scaling.original_context_length": original,
    "rope.scaling.attn_factor": Math.sqrt(1 + Math.log(growth) / Math.log(original)),
  };
};
/** The builders of llama.cpp take the width of a head, but in the largest models. */
const headScale = (config: Config) => ({ query_pre_attn_scalar: config.head_dim });

const CASES: readonly Case[] = [
  { architecture: "llama", folder: "text-mistral", keys: window },
  { architecture: "qwen3", folder: "text-qwen3" },
  {
    architecture: "gemma2",
    folder: "text-gemma2",
    keys: (config) => ({
      ...window(config),
      attn_logit_softcapping: config.attn_logit_softcapping!,
      final_logit_softcapping: config.final_logit_softcapping!,
    }),
    given: headScale,
  },
  {
    architecture: "gemma3",
    folder: "text-gemma3-linear",
    keys: (config) => ({
      ...window(config),
      "rope.scaling.type": "linear",
      "rope.scaling.factor": 8.000001,
      "rope.freq_base": 1e6,
      "attention.sliding_window_pattern": (config.layer_types as unknown as string[]).map((type) =>
        Number(type === "sliding_attention"),
      ),
    }),
    given: headScale,
  },
  { architecture: "smollm3", folder: "text-smollm3" },
  {
    architecture: "granite",
    folder: "text-granite",
    keys: (config) => ({
      "attention.scale": config.attention_multiplier!,
      embedding_scale: config.embedding_multiplier!,
      residual_scale: config.residual_multiplier!,
      logit_scale: config.logits_scaling!,
    }),
  },
  { architecture: "olmo2", folder: "text-olmo2" },
  { architecture: "phi3", folder: "text-phi3-longrope", keys: longKeys, factors: longFactors },
  { architecture: "phi2", folder: "text-phi" },
  { architecture: "stablelm", folder: "text-stablelm" },
  {
    architecture: "lfm2",
    folder: "text-lfm2",
    keys: () => ({ "shortconv.l_cache": 3, "attention.head_count_kv": Int32Array.from([0, 0, 2, 0]) }),
  },
];

/** The keys that every architecture has. */
function commonKeys(config: Config, width: number): Record<string, unknown> {
  const eps = config.rms_norm_eps ?? config.norm_eps;
  const heads = config.num_attention_heads as unknown as number;
  const headWidth = (config.head_dim ?? (config.hidden_size as unknown as number) / heads) as number;
  return {
    block_count: config.num_hidden_layers,
    context_length: config.max_position_embeddings,
    embedding_length: config.hidden_size,
    feed_forward_length: width,
    "attention.head_count": heads,
    "attention.head_count_kv": config.num_key_value_heads,
    "attention.key_length": headWidth,
    "attention.value_length": headWidth,
    "rope.dimension_count": headWidth * ((config.partial_rotary_factor as unknown as number) ?? 1),
    "rope.freq_base": config.rope_theta ?? 10000,
    ...(eps === undefined
      ? { "attention.layer_norm_epsilon": config.layer_norm_eps }
      : { "attention.layer_norm_rms_epsilon": eps }),
  };
}

/** A golden checkpoint's tensors under their names in GGUF, all zero. */
async function tensorsOf({ architecture, folder, factors }: Case, config: Config) {
  const file = await sharedBytes(`golden/families/${folder}/model/model.safetensors`);
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = parseSafetensorsHeader(file.subarray(8, 8 + length), folder, file.length);
  const general = (name: string) => name.replace(/\d+/, "N");
  const map = new Map(Object.entries(names[architecture]).map(([own, theirs]) => [general(theirs), own]));
  const tensors: Record<string, GgufTensorInput> = {};
  for (const { name, shape } of header.tensors.values()) {
    const own = map.get(general(name))!.replace(/blk\.\d+/, `blk.${/\d+/.exec(name)?.[0]}`);
    // A convolution is stored without its dimension of 1.
    const squeezed = own.includes("shortconv.conv") ? [shape[0]!, shape[2]!] : shape;
    tensors[own] = { shape: squeezed, bytes: new Uint8Array(4 * squeezed.reduce((a, b) => a * b, 1)) };
  }
  for (const [name, values] of Object.entries(factors?.(config) ?? {}))
    tensors[name] = { shape: [values.length], bytes: new Uint8Array(Float32Array.from(values).buffer) };
  return tensors;
}

describe("an architecture comes to the same decoder as the family's own config.json", () => {
  // Not in the part of the goldens that is in the repository.
  test.for(CASES.filter(({ folder }) => hasShared || folder !== "text-qwen3"))(
    "$architecture: $folder",
    async (one) => {
      const config = await sharedJson<Config>(`golden/families/${one.folder}/model/config.json`);
      const original = describeModel({ "config.json": { ...config, ...one.given?.(config) } });
      const keys = { ...commonKeys(config, original.decoder!.layers[0]!.mlp.width), ...one.keys?.(config) };
      const metadata = {
        "general.architecture": one.architecture,
        ...Object.fromEntries(Object.entries(keys).map(([key, value]) => [`${one.architecture}.${key}`, value])),
      } as Record<string, GgufValue>;
      const file = writeGguf(metadata, await tensorsOf(one, config));
      const model = await openModel(openFolder({ "tiny-F32.gguf": file }), {});
      const { spec, files } = await readModel(model.folder, {});
      const { bosId: _, eosIds: __, ...expected } = original.decoder!;
      const { bosId: ___, eosIds: ____, ...decoder } = spec.decoder!;
      expectSpec(decoder, expected);
      const checkpoint = await model.checkpoint(files["config.json"] as Record<string, unknown>, {});
      const matched = matchTensors(spec, checkpoint.tensors, checkpoint);
      expect(matched.aliases.size > 0).toBe(!(await tensorsOf(one, config))["output.weight"]);
      expect(model.notes).toEqual([]);
    },
  );
});
