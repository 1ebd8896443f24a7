/** Warnings of a load: which parts of a model are passed over with a word, and which without. */
import { expect, test } from "vitest";
import { recommendedSampling, warnOfLanguage, warnOfUnreadFiles } from "../../src/engine/warnings.ts";
import type { ModelSpec } from "../../src/spec/model-spec.ts";

function warningsOf(run: (warn: (message: string) => void) => void): string[] {
  const said: string[] = [];
  run((message) => said.push(message));
  return said;
}

const NEEDED = ["config.json", "model.safetensors", "tokenizer.json", "generation_config.json", "chat_template.jinja"];

test.for<[string[], RegExp | undefined]>([
  [NEEDED, undefined],
  [[...NEEDED, "README.md", "vocab.json", "merges.txt", ".gitattributes"], undefined],
  [["m/model.safetensors.index.json", "m/model-1-of-2.safetensors", "m/model-2-of-2.safetensors"], undefined],
  [
    [...NEEDED, "adapter_config.json", "adapter_model.safetensors"],
    /adapter_config\.json, adapter_model\.safetensors\. Adapters/,
  ],
  [[...NEEDED, "x/pytorch_model.bin"], /not read: pytorch_model\.bin\./],
  [[...NEEDED, "tokeniser.json"], /not read: tokeniser\.json\./],
  [[...NEEDED, ..."abcdefg".split("").map((name) => `${name}.json`)], /a\.json.*e\.json and 2 more/],
])("given files %j", ([names, says]) => {
  const said = warningsOf((warn) => warnOfUnreadFiles(names, warn));
  if (says) expect(said).toEqual([expect.stringMatching(says)]);
  else expect(said).toEqual([]);
});

test.for<[object, string[]]>([
  [{}, []],
  [{ temperature: 0.2, top_p: 0.9 }, []],
  [{ do_sample: true, temperature: 0.2, top_p: 1, top_k: 50 }, ["temperature 0.2"]],
  [{ repetition_penalty: 1.1, num_beams: 4 }, ["repetition_penalty 1.1", "num_beams 4"]],
  [{ do_sample: true, temperature: "hot", repetition_penalty: null, num_beams: 1 }, []],
])("generation_config.json %j", ([config, expected]) => {
  expect(recommendedSampling(config as Record<string, unknown>)).toEqual(expected);
});

test("a language model without a tokenizer or a template, and an encoder alone", () => {
  const decoder = {} as ModelSpec;
  Object.assign(decoder, { decoder: {} });
  const say = (language: Parameters<typeof warnOfLanguage>[1], spec = decoder) =>
    warningsOf((warn) => warnOfLanguage(spec, language, warn));
  expect(say(undefined)).toEqual([expect.stringMatching(/no tokenizer\.json, so it cannot answer/)]);
  expect(say({ template: { kind: "template" }, sampling: [] })).toEqual([]);
  expect(say({ template: { kind: "format" }, sampling: [] })).toEqual([expect.stringMatching(/plain format/)]);
  expect(say({ template: { kind: "completion" }, sampling: ["temperature 0.2"] })).toEqual([
    expect.stringMatching(/bare text/),
    expect.stringMatching(/recommends temperature 0\.2\. .*greedily/),
  ]);
  expect(say(undefined, {} as ModelSpec)).toEqual([]);
});
