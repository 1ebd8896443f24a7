/** A video on its way to a worker, which decodes it: as a file, and by an address. In Chromium; test/video runs in Firefox too. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { VideoInput } from "../../src/api.ts";
import { createFovea, type RemoteFovea } from "../../src/worker/client.ts";
import { shippedModelUrl } from "../support/shared.ts";

/** Two seconds of the first picture of the evaluation set. */
const ADDRESS = "/test/video/whale-and-frog.webm";

let model: RemoteFovea;
beforeAll(async () => {
  model = await createFovea(shippedModelUrl());
}, 600_000);
afterAll(() => model.dispose());

test.for<[string, () => Promise<VideoInput>]>([
  ["a file", async () => new File([await (await fetch(ADDRESS)).blob()], "clip.webm")],
  ["a relative address", async () => ADDRESS],
  ["a URL", async () => new URL(ADDRESS, location.origin)],
])("%s", { timeout: 120_000 }, async ([, open]) => {
  const video = await open();
  const content = [
    // One picture: this model keeps no more apart.
    { type: "video" as const, video },
    { type: "text" as const, text: "What is in this picture?" },
  ];
  const messages = [{ role: "user" as const, content }];
  expect((await model.countTokens(messages)).pictures).toHaveLength(1);
  const answer = await model.generate({ messages }).text();
  expect(answer).toMatch(/\bwhale\b/);
  expect(answer).toMatch(/\bfrog\b/);
});
