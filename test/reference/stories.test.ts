/** The decoder reference against a real trained Llama: greedy continuations that another implementation wrote down. */
import { expect, test } from "vitest";
import { expectNmse } from "../support/compare.ts";
import { describeShared, hasShared, needing, sharedBytes, sharedJson } from "../support/shared.ts";
import { storyReferences } from "../support/stories.ts";
import { NMSE_STORED_AS_F32 } from "../support/tolerances.ts";
import { argmax, decode, greedy, textPrompt } from "./model/decoder.ts";
import type { TextConfig } from "./model/settings.ts";
import { readCheckpoint } from "./model/weights.ts";

const FOLDER = "real/stories260K";
const references = hasShared ? await storyReferences() : [];

describeShared(needing("real/stories260K", "stories260K"), () => {
  test.for(references)(
    "every token of the greedy continuation: $prompt",
    { timeout: 60_000 },
    async ({ prompt_ids, ids, first_logits }) => {
      const config = await sharedJson<TextConfig>(`${FOLDER}/config.json`);
      const weights = readCheckpoint([await sharedBytes(`${FOLDER}/model.safetensors`)]);
      const vocabulary = config.vocab_size;
      // One pass: each token must follow from those before it, which by induction is what stepwise decoding chooses.
      const { logits } = decode(textPrompt(ids, config, weights), config, weights);
      expectNmse("first logits", logits.subarray(0, first_logits.length), first_logits, NMSE_STORED_AS_F32);
      for (let i = prompt_ids.length; i < ids.length; i++) {
        expect(argmax(logits.subarray((i - 1) * vocabulary, i * vocabulary)), `token ${i}`).toBe(ids[i]);
      }
    },
  );

  test("token by token", { timeout: 60_000 }, async () => {
    const config = await sharedJson<TextConfig>(`${FOLDER}/config.json`);
    const weights = readCheckpoint([await sharedBytes(`${FOLDER}/model.safetensors`)]);
    const { prompt_ids, ids } = references[3]!;
    const chosen = greedy(textPrompt(prompt_ids, config, weights), 20, config, weights).ids;
    expect(chosen).toEqual(ids.slice(prompt_ids.length, prompt_ids.length + 20));
  });
});
