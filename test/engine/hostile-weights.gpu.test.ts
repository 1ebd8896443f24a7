/**
 * Damaged weights through the public door: each is refused by a message that says what is wrong and where, leaves
 * nothing on the GPU, and the same device loads the undamaged files afterwards.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fovea, type ModelFiles } from "../../src/index.ts";
import {
  dataStart,
  flipped,
  tensorNames,
  withElement,
  withHeader,
  withHeaderLength,
  withTensor,
} from "../support/damage.ts";
import {
  type CountedDevice,
  changed,
  countedDevice,
  expectAnswers,
  expectRefusal,
  type Files,
  sharedFiles,
} from "../support/engine.ts";
import { languageFiles } from "../support/random-models.ts";
import { fileOf } from "../weights/safetensors-file.ts";

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const shard = (i: number) => `model-0000${i}-of-00003.safetensors`;
const EMBED = "model.embed_tokens.weight";
const NORM = "model.norm.weight";
const GATE = "model.layers.1.mlp.gate_proj.weight";

interface Case {
  what: string;
  /** The damaged file in place of the whole one. */
  damage: (file: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
  says: RegExp;
}

const HEADERS: Case[] = [
  { what: "no bytes", damage: (file) => file.slice(0, 0), says: /model\.safetensors: 0 bytes are too few/ },
  { what: "cut in the length", damage: (file) => file.slice(0, 7), says: /7 bytes are too few/ },
  {
    what: "cut in the header",
    damage: (file) => file.slice(0, 108),
    says: /the header has 4856 bytes, the whole file 108/,
  },
  {
    what: "cut behind the header",
    damage: (file) => file.slice(0, dataStart(file)),
    says: /tensor "model\.embed_tokens\.weight" lies at 0 to 131072 of 0 bytes/,
  },
  {
    what: "cut in the data",
    damage: (file) => file.slice(0, 500_000),
    says: /tensor "model\.layers\.\d.+" lies at \d+ to \d+ of \d+ bytes/,
  },
  { what: "cut by a byte", damage: (file) => file.slice(0, -1), says: /lies at \d+ to 1040128 of 1040127 bytes/ },
  {
    what: "a byte too many",
    damage: (file) => new Uint8Array([...file, 0]),
    says: /its tensors end at byte 1044992, the file has 1044993/,
  },
  {
    what: "a header of 2^63 bytes",
    damage: (file) => withHeaderLength(file, 2n ** 63n),
    says: /the header has 9223372036854775808 bytes, the limit is 100000000/,
  },
  {
    what: "a header of 2^64 - 1 bytes",
    damage: (file) => withHeaderLength(file, 2n ** 64n - 1n),
    says: /the header has 18446744073709551615 bytes/,
  },
  { what: "a header of no bytes", damage: (file) => withHeaderLength(file, 0n), says: /does not start with "\{"/ },
  { what: "a flipped bit in the first brace", damage: (file) => flipped(file, 8, 1), says: /does not start with "\{"/ },
  {
    what: "a flipped bit in a quote",
    damage: (file) => flipped(file, 9, 4),
    says: /header of model\.safetensors: not valid JSON/,
  },
  {
    what: "a byte that is no UTF-8",
    damage: (file) => flipped(file, 20, 0x80),
    says: /header of model\.safetensors: not UTF-8/,
  },
  {
    what: "a flipped bit in a tensor's name",
    damage: (file) => flipped(file, 8 + headerText(file).indexOf("embed_tokens"), 1),
    says: /missing: "model\.embed_tokens\.weight" of shape \[512, 64\].*unknown: "model\.dmbed_tokens\.weight".*like/,
  },
  {
    what: "overlapping offsets",
    damage: (file) =>
      withHeader(file, (header) => {
        header[NORM]!.data_offsets = [0, 256];
      }),
    says: /overlaps the one before it by 256 bytes/,
  },
  {
    what: "a hole",
    damage: (file) =>
      withHeader(file, (header) => {
        delete header[NORM];
      }),
    says: /belong to no tensor|its tensors end at byte/,
  },
  {
    what: "offsets that run backwards",
    damage: (file) =>
      withHeader(file, (header) => {
        header[EMBED]!.data_offsets = [131072, 0];
      }),
    says: /"model\.embed_tokens\.weight" lies at 131072 to 0 of/,
  },
  {
    what: "offsets beyond exact numbers",
    damage: (file) =>
      withHeader(file, (header) => {
        header[EMBED]!.data_offsets = [0, 2 ** 60];
      }),
    says: /"model\.embed_tokens\.weight": data_offsets is not a pair/,
  },
  {
    what: "a shape that overflows",
    damage: (file) =>
      withHeader(file, (header) => {
        header[EMBED]!.shape = [2 ** 31, 2 ** 31];
      }),
    says: /"model\.embed_tokens\.weight" has 131072 bytes, its dtype and shape need an impossible number/,
  },
  {
    what: "an unknown dtype",
    damage: (file) =>
      withHeader(file, (header) => {
        header[EMBED]!.dtype = "F33";
      }),
    says: /"model\.embed_tokens\.weight" has the unknown dtype "F33"/,
  },
  {
    what: "a dtype that holds no weights",
    damage: (file) =>
      withHeader(file, (header) => {
        header[EMBED]!.dtype = "I32";
      }),
    says: /"model\.embed_tokens\.weight" in model\.safetensors is I32, expected F32, F16 or BF16/,
  },
  {
    what: "a transposed shape",
    damage: (file) =>
      withHeader(file, (header) => {
        header[GATE]!.shape.reverse();
      }),
    says: /"model\.layers\.1\.mlp\.gate_proj\.weight" in model\.safetensors is \[64, 172\], expected \[172, 64\]/,
  },
  {
    what: "a tensor that no model has",
    damage: (file) => withTensor(file, "model.layers.0.surprise", { dtype: "F32", shape: [2] }, 8),
    says: /unknown: "model\.layers\.0\.surprise" in model\.safetensors/,
  },
  {
    what: "a layer too many",
    damage: (file) => withTensor(file, "model.layers.5.input_layernorm.weight", { dtype: "F32", shape: [64] }, 256),
    says: /unknown: "model\.layers\.5\.input_layernorm\.weight"/,
  },
  { what: "no tensors at all", damage: () => fileOf("{}"), says: /missing: .*and \d+ more/ },
  {
    what: "a web page",
    damage: () => new TextEncoder().encode("<!doctype html><html>not found</html>"),
    says: /model\.safetensors: it is a web page; check the address/,
  },
];

/** Exponent bits set in single numbers, as a bad disk or an overflow of half precision leaves them. */
const NUMBERS: (Case & { tensor: string })[] = [
  {
    what: "NaN by one flipped bit, in the last element",
    tensor: NORM,
    damage: (file) =>
      withElement(
        withElement(file, NORM, -1, () => 0x3fc00001),
        NORM,
        -1,
        (bits) => bits ^ 0x40000000,
      ),
    says: /weights that are NaN or infinite: model\.norm\.weight in model\.safetensors has 1\. .*damaged/,
  },
  {
    what: "infinity, first of all",
    tensor: EMBED,
    damage: (file) => withElement(file, EMBED, 0, () => 0x7f800000),
    says: /model\.embed_tokens\.weight in model\.safetensors has 1/,
  },
  {
    what: "minus infinity and a silent NaN in two tensors",
    tensor: GATE,
    damage: (file) =>
      withElement(
        withElement(file, GATE, 5, () => 0xff800000),
        "model.layers.4.mlp.down_proj.weight",
        700,
        () => 0x7fc00001,
      ),
    says: /model\.layers\.1\.mlp\.gate_proj\.weight in model\.safetensors has 1; model\.layers\.4\.mlp\.down_proj/,
  },
];

function headerText(file: Uint8Array): string {
  return new TextDecoder().decode(file.subarray(8, dataStart(file)));
}

describe("damaged weights", () => {
  let counted: CountedDevice;
  let small: Files;

  beforeAll(async () => {
    counted = await countedDevice();
    small = languageFiles();
  });
  afterAll(() => counted?.release());

  const load = (files: ModelFiles) => Fovea.load(files, { device: counted.device, maxContext: 64 });

  async function expectBad(files: ModelFiles, says: RegExp): Promise<void> {
    await expectRefusal(() => load(files), "bad-weights", says);
    expect(counted.live()).toEqual([]);
  }

  test.for(HEADERS)("$what", ({ damage, says }) =>
    expectBad(changed(small, { [WEIGHTS]: damage(small[WEIGHTS]!) }), says),
  );

  test.for(NUMBERS)("$what", async ({ damage, says }) =>
    expectBad(changed(small, { [WEIGHTS]: damage(small[WEIGHTS]!) }), says),
  );

  test("a weight that is NaN in half precision", async () => {
    const files = await sharedFiles("golden/two-images-f16", ["config.json", WEIGHTS]);
    // Every tensor of an odd number of elements ends inside a word, where padding follows.
    for (const [tensor, index] of [
      ["vision_tower.vision_model.embeddings.class_embedding", -1],
      ["language_model.model.norm.weight", 0],
    ] as const) {
      const damaged = withElement(files[WEIGHTS]!, tensor, index, () => 0x7e01);
      await expectBad(
        changed(files, { [WEIGHTS]: damaged }),
        new RegExp(`: ${tensor} in model\\.safetensors has 1\\.`),
      );
    }
    const overflown = withElement(files[WEIGHTS]!, "language_model.lm_head.weight", 9, () => 0xfc00);
    await expectBad(changed(files, { [WEIGHTS]: overflown }), /lm_head\.weight in model\.safetensors has 1\./);
  });

  test("shards", async () => {
    const names = [INDEX, "config.json", shard(1), shard(2), shard(3)];
    const files = await sharedFiles("golden/siglip-qwen2-bf16-sharded", names);
    const index = JSON.parse(new TextDecoder().decode(files[INDEX]));
    const [first] = tensorNames(files[shard(1)]!) as [string];
    const indexed = (change: (map: Record<string, unknown>) => void) => {
      const copy = structuredClone(index);
      change(copy.weight_map);
      return changed(files, { [INDEX]: copy });
    };

    await expectBad(changed(files, { [shard(2)]: undefined }), /shard "model-00002-of-00003\.safetensors" is missing/);
    await expectBad(
      indexed((map) => {
        map[first] = shard(2);
      }),
      /holds tensor ".+patch_embedding\.weight", which the index puts into "model-00002/,
    );
    // A tensor that nobody needs, and one that the index leaves out.
    const loose = indexed((map) => {
      map["model.extra.weight"] = shard(3);
      delete map[first];
    });
    (await load(loose)).dispose();
    expect(counted.live()).toEqual([]);
    await expectBad(
      indexed((map) => {
        map[first] = "../elsewhere.safetensors";
      }),
      /the shard "\.\.\/elsewhere\.safetensors" of tensor .+ is not a safetensors file in this folder/,
    );
    await expectBad(
      indexed((map) => {
        map[first] = 3;
      }),
      /the shard of tensor ".+" is not a string/,
    );
    await expectBad(changed(files, { [INDEX]: { weight_map: {} } }), /index\.json: weight_map is empty/);
    await expectBad(changed(files, { [INDEX]: [] }), /index\.json: weight_map is not an object/);
    await expectBad(changed(files, { [INDEX]: '{"weight_map": {' }), /index\.json in the given files: not valid JSON/);
    await expectBad(changed(files, { [shard(3)]: files[shard(1)]! }), /holds tensor ".+", which the index puts into/);
    const damaged = withElement(files[shard(3)]!, tensorNames(files[shard(3)]!).at(-1)!, -1, () => 0x7fc0);
    await expectBad(changed(files, { [shard(3)]: damaged }), /in model-00003-of-00003\.safetensors has 1\./);
  });

  test("weights that are not there, or of another model", async () => {
    await expectBad(
      changed(small, { [WEIGHTS]: undefined }),
      /no weights in the given files: found neither model\.safet/,
    );
    const golden = await sharedFiles("golden/two-images-f16", [WEIGHTS]);
    await expectBad(changed(small, golden), /do not fit the llama of config\.json: missing: .*; unknown: /);
  });

  test("the undamaged weights load on the same device", async () => {
    const fovea = await load(small);
    await expectAnswers(fovea);
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
    expect(counted.live()).toEqual([]);
  });
});
