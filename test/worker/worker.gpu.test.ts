/** A model in a worker answers as one in the page does, by the same members. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fovea } from "../../src/index.ts";
import { createFovea, type RemoteFovea } from "../../src/worker/client.ts";
import { expectStory, question, storiesFiles } from "../support/engine.ts";
import { describeShared } from "../support/shared.ts";

describeShared("a model in a worker", () => {
  let remote: RemoteFovea;
  let here: Fovea;
  beforeAll(async () => {
    const files = await storiesFiles();
    remote = await createFovea(files, { maxContext: 64 });
    here = await Fovea.load(files, { maxContext: 64 });
  });
  afterAll(() => {
    remote?.dispose();
    here?.dispose();
  });

  test("smoke", async () => {
    await expectStory(await remote.generate(question).text());
    expect(remote.info).toEqual(here.info);
    expect(remote.memory.gpuBytes).toBeGreaterThan(1000);
  });
});
