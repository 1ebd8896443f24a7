/** The tokens of a conversation before it runs: beside an answer, without the GPU, refused as an answer would be. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fovea } from "../../src/engine/fovea.ts";
import { expectRefusal, onWork, question } from "../support/engine.ts";
import { classifierFiles, languageFiles } from "../support/random-models.ts";
import { sharedDevice } from "../support/shared-devices.ts";

describe("countTokens", () => {
  let device: GPUDevice;
  let fovea: Fovea;
  beforeAll(async () => {
    device = await sharedDevice("raised");
    fovea = await Fovea.load(languageFiles(), { device, maxContext: 300 });
  }, 180_000);
  afterAll(() => {
    fovea.dispose();
  });

  test("is what an answer's statistics say, comes while one runs, and gives the GPU no work", async () => {
    const generation = fovea.generate({ ...question, maxTokens: 60 });
    let counted: number | undefined;
    let work = 0;
    for await (const event of generation)
      if (event.type === "text" && counted === undefined) {
        counted = 0;
        ({ promptTokens: counted } = await fovea.countTokens(question.messages));
      }
    expect(counted).toBe(generation.stats!.promptTokens);
    const stop = onWork(device, () => work++);
    expect(await fovea.countTokens(question.messages)).toEqual({
      ...{ promptTokens: counted, imageTokens: 0, pictures: [], isExact: true },
      contextLength: 300,
    });
    stop();
    expect(work).toBe(0);
  });

  test("does not mind a conversation longer than the context: that is what it is asked for", async () => {
    const messages = [{ role: "user" as const, content: "cat ".repeat(2000) }];
    expect((await fovea.countTokens(messages)).promptTokens).toBeGreaterThan(300);
  });

  test("is refused as an answer would be", async () => {
    const picture = [{ role: "user" as const, content: [{ type: "image" as const, image: new ImageData(2, 2) }] }];
    await expectRefusal(() => fovea.countTokens(picture), TypeError, /the model reads text only/);
    await expectRefusal(() => fovea.countTokens("Hi" as never), TypeError, /messages/);
    await expectRefusal(() => fovea.countTokens(question.messages, { tokens: 3 } as never), TypeError, /tokens/);
    const classifier = await Fovea.load(classifierFiles(), { device });
    await expectRefusal(() => classifier.countTokens(question.messages), "unsupported-model", /no decoder/);
    classifier.dispose();
  });
});
