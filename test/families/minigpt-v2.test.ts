/** MiniGPT-v2 in a folder as a converter writes it: fields, defaults, and the tensors of the golden case. */
import { describe, expect, it } from "vitest";
import { matchTensors } from "../../src/model/load/match.ts";
import { plainTensor } from "../../src/weights/formats/stored-tensor.ts";
import { parseSafetensorsHeader } from "../../src/weights/safetensors.ts";
import { describeModel } from "../support/describe-model.ts";
import { needing, sharedBytes, sharedJson, testShared } from "../support/shared.ts";

const FOLDER = "golden/families/minigpt-v2/model";

describe("a config without fields", () => {
  const { encoder, connector, decoder, imageTokenId, pictures, repeatsBos } = describeModel({
    "config.json": { model_type: "minigpt_v2" },
  });

  it("means the published model", () => {
    expect(encoder).toMatchObject({
      ...{ width: 1408, heads: 16, blocks: 39, runBlocks: 39, mlp: { width: 6144, activation: "gelu" }, eps: 1e-6 },
      ...{ postNorm: true, postNormEps: 1e-5, classToken: true, keepClassToken: false, cell: 1, strip: 4 },
      positions: { grid: { rows: 32, cols: 32 } },
    });
    expect(connector.map(({ op }) => op)).toEqual(["fold", "linear"]);
    expect(decoder).toMatchObject({ width: 4096, eps: 1e-5, vocabularySize: 32000, maxPositions: 4096 });
    expect(imageTokenId).toBe(32000);
    expect(repeatsBos).toBe(true);
    expect(pictures).toMatchObject({ filter: "bicubic", largest: { width: 448, height: 448 }, marks: ["<ImageHere>"] });
  });
});

testShared(needing("golden/families", "every tensor of the golden case is used"), async () => {
  const spec = describeModel({ "config.json": await sharedJson(`${FOLDER}/config.json`) });
  const bytes = await sharedBytes(`${FOLDER}/model.safetensors`);
  const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = parseSafetensorsHeader(bytes.subarray(8, 8 + headerBytes), "model.safetensors", bytes.byteLength);
  const { parts } = matchTensors(spec, new Map([...header.tensors].map(([name, entry]) => [name, plainTensor(entry)])));
  expect(parts).toHaveLength(header.tensors.size);
  // Keys have no bias: the rows between those of queries and of values stay 0.
  const biases = parts.filter(({ tensor }) => tensor.name === "encoder.blocks.1.qkv.bias");
  expect(biases.map(({ entry, to }) => [entry.name, to])).toEqual([
    ["visual_encoder.blocks.1.attn.q_bias", 0],
    ["visual_encoder.blocks.1.attn.v_bias", 132],
  ]);
});

it.each([
  [{ merged_tokens: 3 }, "merged_tokens is 3; supported: a divisor of the 1024 patches"],
  [{ merged_tokens: 0 }, "merged_tokens"],
  [{ vision_config: { model_type: "clip_vision_model" } }, "vision_config.model_type"],
  [{ vision_config: { hidden_size: 1400 } }, "num_attention_heads"],
  [{ text_config: { model_type: "mistral" } }, "text_config.model_type"],
  [{ image_token_id: "<ImageHere>" }, "image_token_id"],
])("%j is refused", (config, message) => {
  expect(() => describeModel({ "config.json": { model_type: "minigpt_v2", ...config } })).toThrow(message);
});
