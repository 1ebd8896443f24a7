/** From a known model's name to its folder: the manifest's options and request defaults go with it. */
import { createHash } from "node:crypto";
import { expect, test, vi } from "vitest";
import type { LoadOptions } from "../../src/api.ts";
import { type LoadHooks, loadFrom } from "../../src/engine/load-from.ts";
import { readModel } from "../../src/engine/read-model.ts";
import { openFolder } from "../../src/weights/folder.ts";
import { serve, withRanges } from "../weights/http-server.ts";

const file = new TextEncoder().encode('{"a":1}');
const entries = vi.hoisted(() => ({ files: [] as object[], adapted: [] as object[] }));
vi.mock("../../weights-manifest.json", () => ({
  format: 1,
  hub: "https://hub.test/",
  models: {
    tiny: {
      location: "tiny-v1/",
      options: { maxContext: 77 },
      about: { note: "Knows nothing." },
      defaults: { compression: { method: "pool", factor: 2 } },
      files: entries.files,
    },
    plain: { location: "tiny-v1/", options: {}, files: entries.files },
    adapted: { location: "tiny-v1/", options: {}, files: entries.adapted },
  },
}));
entries.files.push({
  name: "config.json",
  bytes: file.length,
  sha256: createHash("sha256").update(file).digest("hex"),
});

entries.adapted.push(...entries.files, { ...entries.files[0], name: "adapter_model.safetensors" });

async function told(source: string, given: LoadOptions = {}): Promise<{ options: LoadOptions; hooks: LoadHooks }> {
  const { url } = await serve({ "tiny-v1/config.json": file }, withRanges);
  return loadFrom(source, { modelsUrl: url.href, ...given }, async (folder, options, hooks) => {
    expect(await folder.json("config.json")).toEqual({ a: 1 });
    return { options, hooks };
  });
}

test("a known model brings its options and the defaults of requests", async () => {
  const { options, hooks } = await told("tiny");
  expect(options.maxContext).toBe(77);
  expect(hooks.requestDefaults).toEqual({ compression: { method: "pool", factor: 2 } });
  expect(hooks.about).toEqual({ note: "Knows nothing." });
  expect((await told("tiny", { maxContext: 5 })).options.maxContext).toBe(5);
});

test("one without defaults, and a folder that the manifest does not know, bring none", async () => {
  expect((await told("plain")).hooks.requestDefaults).toBeUndefined();
  const { url } = await serve({ "config.json": file }, withRanges);
  const hooks = await loadFrom(url.href, {}, async (_folder, _options, given) => given);
  expect(hooks.requestDefaults).toBeUndefined();
});

test("an adapter that is published beside the weights is a warning", async () => {
  const saysIt = /adapter_model\.safetensors: the adapter is not applied/;
  expect((await told("adapted")).hooks.warnings?.join("\n")).toMatch(saysIt);
  expect((await told("plain")).hooks.warnings?.join("\n")).not.toMatch(saysIt);
});

test("an adapter alone is refused with the next step", async () => {
  const folder = openFolder({ "adapter_model.safetensors": new Blob(["{}"]) });
  await expect(readModel(folder, {})).rejects.toThrow(/holds an adapter \(adapter_model\.safetensors\): merge it/);
});
