/** Warnings of a load in the engine: each comes once as progress, and stays in `info`. */
import { expect, test } from "vitest";
import { Fovea, type LoadProgress } from "../../src/index.ts";
import { changed } from "../support/engine.ts";
import { languageFiles } from "../support/random-models.ts";

test("are told while the model loads, and kept", async () => {
  const files = changed(languageFiles(), {
    "adapter_config.json": { r: 8 },
    "fovea.json": { default: { compression: { method: "none" } } },
    "generation_config.json": { do_sample: true, temperature: 0.2 },
  });
  const told: LoadProgress[] = [];
  const fovea = await Fovea.load(files, { maxContext: 64, onProgress: (progress) => told.push(progress) });
  const warnings = told.filter(({ type }) => type === "warning").map(({ message }) => message);
  expect(fovea.info.warnings).toEqual(warnings);
  expect(warnings.join("\n")).toMatch(/not read: adapter_config\.json/);
  expect(warnings.join("\n")).toMatch(/recommends temperature 0\.2/);
  expect(warnings.join("\n")).toMatch(/fovea\.json: "default" is ignored/);
  expect(new Set(warnings).size).toBe(warnings.length);
  expect(told.at(-1)).toMatchObject({ stage: "ready" });
  expect(told.at(-1)!.type).toBeUndefined();
  fovea.dispose();
});
