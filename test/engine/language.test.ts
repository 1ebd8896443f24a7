/** Tokenizer and chat template of a folder together. */
import { expect, test } from "vitest";
import { loadLanguage } from "../../src/engine/language.ts";
import type { ModelSpec } from "../../src/spec/model-spec.ts";
import { openFolder } from "../../src/weights/folder.ts";
import { tinyTokenizer } from "../text/tiny.ts";

const END = { id: 401, content: "<end_of_utterance>", special: true };

/** Ids that end an answer of a model whose files name "</s>" alone. */
async function endsOf(template: string) {
  const files = {
    "tokenizer.json": tinyTokenizer({ added_tokens: [{ id: 2, content: "</s>", special: true }, END] }),
    "tokenizer_config.json": { eos_token: "</s>", chat_template: template },
  };
  const texts = Object.entries(files).map(([name, file]) => [name, new TextEncoder().encode(JSON.stringify(file))]);
  const spec = { decoder: {}, connector: [] } as unknown as ModelSpec;
  const options = { signal: undefined, before: undefined, isMade: false };
  const config = { "config.json": { text_config: { eos_token_id: [2] } } };
  const language = await loadLanguage(openFolder(Object.fromEntries(texts)), spec, config, options);
  return language!.tokenizer.eosIds;
}

const SPEAKERS = "{% for m in messages %}{{ m.role }}: {{ m.content }}";

test.each([
  ["a token that no other file names", `${SPEAKERS}<end_of_utterance>\n{% endfor %}`, [2, 401]],
  ["the end of a text", `${SPEAKERS}</s>{% endfor %}`, [2]],
  ["a line", `${SPEAKERS}\n{% endfor %}`, [2]],
  [
    "a token only if the answer is not the last",
    `${SPEAKERS}{% if not loop.last %}<end_of_utterance>{% endif %}{% endfor %}`,
    [2, 401],
  ],
])("a chat template that ends turns with %s", async (_, template, ids) => {
  expect(await endsOf(template)).toEqual(ids);
});
