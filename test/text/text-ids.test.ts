/** Ids of texts as text encoders read them: the golden pairs' own, and files that do not fit the model. */
import { describe, expect, test } from "vitest";
import { TextIds } from "../../src/text/text-ids.ts";
import { describeModel } from "../support/describe-model.ts";
import { loadPairs, PAIR_FOLDERS } from "../support/golden-pairs.ts";
import { sharedJson, sharedJsonIfAny } from "../support/shared.ts";

async function filesOf(folder: string) {
  const file = (name: string) => sharedJsonIfAny<object>(`golden/families/${folder}/model/${name}`);
  return {
    "tokenizer.json": (await file("tokenizer.json"))!,
    "tokenizer_config.json": await file("tokenizer_config.json"),
    "special_tokens_map.json": await file("special_tokens_map.json"),
  };
}

async function rulesOf(folder: string) {
  const config = await sharedJson(`golden/families/${folder}/model/config.json`);
  return describeModel({ "config.json": config }).textEncoder!;
}

describe.for(PAIR_FOLDERS)("%s", (folder) => {
  test("ids of every text", async () => {
    const { texts, ids, textTokens } = await loadPairs(folder);
    const rules = await rulesOf(folder);
    const parsed = TextIds.parse(await filesOf(folder), rules);
    for (const [i, text] of texts.entries()) {
      const found = parsed.encode(text);
      expect(found.tokens, text).toBe(textTokens[i]);
      // What is not padded here is padded to the longest text there.
      expect(found.ids, text).toEqual(rules.padded ? ids[i] : ids[i]!.slice(0, textTokens[i]));
    }
  });
});

const LOWERED = "siglip2-f16";
describe.runIf(PAIR_FOLDERS.includes(LOWERED))("settings", () => {
  test("do_lower_case false keeps capitals", async () => {
    const { texts, idsNotLowered } = await loadPairs(LOWERED);
    const files = await filesOf(LOWERED);
    const config = { ...files["tokenizer_config.json"], do_lower_case: false };
    const parsed = TextIds.parse({ ...files, "tokenizer_config.json": config }, await rulesOf(LOWERED));
    expect(texts.map((text) => parsed.encode(text).ids)).toEqual(idsNotLowered);
  });

  test("no pad_token: the id of config.json", async () => {
    const { "tokenizer.json": tokenizer } = await filesOf(LOWERED);
    const rules = { ...(await rulesOf(LOWERED)), padId: 7 };
    expect(TextIds.parse({ "tokenizer.json": tokenizer }, rules).encode("a").ids.at(-1)).toBe(7);
  });

  test("ids without embeddings are refused", async () => {
    const files = await filesOf(LOWERED);
    const rules = await rulesOf(LOWERED);
    expect(() => TextIds.parse(files, { ...rules, vocabularySize: 300 }).encode("a boat")).toThrow(
      /the id \d+ has no embedding, config.json has a vocabulary of 300/,
    );
    expect(() => TextIds.parse({ "tokenizer.json": files["tokenizer.json"] }, { ...rules, padId: 400 })).toThrow(
      "the id 400 has no embedding",
    );
  });
});
