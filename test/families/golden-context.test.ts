/** The contexts of the golden cases: every run fits, and a config that had to be raised still describes the same model. */
import { describe, expect, test } from "vitest";
import { familyNames } from "../../src/families/registry.ts";
import { describeModel } from "../support/describe-model.ts";
import { roomierConfig, withRoom } from "../support/golden-family.ts";

const FOLDERS: Record<string, string> = JSON.parse(import.meta.env.VITE_FAMILY_FOLDERS);
const registered = Object.keys(FOLDERS).filter((folder) => familyNames().includes(FOLDERS[folder]!));

const LLAMA = {
  ...{ model_type: "llama", vocab_size: 320, hidden_size: 64, intermediate_size: 96 },
  ...{ num_hidden_layers: 1, num_attention_heads: 4, max_position_embeddings: 40 },
};
const files = (config: object) => ({ "config.json": config });

test("every case runs within a context", async () => {
  expect(registered.length).toBeGreaterThan(0);
  const raised: string[] = [];
  for (const folder of registered) if (await roomierConfig(folder)) raised.push(folder);
  // Without such a case nothing would show that the rule is needed.
  expect(raised.length).toBeGreaterThan(0);
});

describe("a longer context", () => {
  test("is given where the run does not fit, at the level that names it", () => {
    expect(withRoom(files(LLAMA), 40)).toBeUndefined();
    expect(withRoom(files(LLAMA), 41)).toEqual({ ...LLAMA, max_position_embeddings: 41 });
    const yarn = { rope_type: "yarn", factor: 2, original_max_position_embeddings: 20 };
    const config = withRoom(files({ ...LLAMA, rope_scaling: yarn }), 50)!;
    expect(describeModel(files(config)).decoder!.maxPositions).toBe(50);
  });

  test("is not given to a model whose RoPE reaches further than the config's number", () => {
    const dynamic = { ...LLAMA, rope_scaling: { rope_type: "dynamic", factor: 3 } };
    expect(withRoom(files(dynamic), 120)).toBeUndefined();
  });

  test("is refused where it would make another model", () => {
    const dynamic = { ...LLAMA, rope_scaling: { rope_type: "dynamic", factor: 3 } };
    expect(() => withRoom(files(dynamic), 121)).toThrow("max_position_embeddings of 121 in place of 120");
    const { max_position_embeddings: _, ...unnamed } = LLAMA;
    expect(() => withRoom(files(unnamed), 5000)).toThrow(/in place of 2048/);
  });
});
