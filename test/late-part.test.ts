/** Code that loads with the models and devices that need it. */
import { expect, test, vi } from "vitest";
import { LatePart } from "../src/late-part.ts";
import { loadPartsFor, QUERIES, RECURRENT, TEXT_ENCODER } from "../src/model/late-parts.ts";
import type { DecoderSpec, LayerSpec } from "../src/spec/model-spec.ts";

test("a part is there after its load, and loads once", async () => {
  const load = vi.fn(async () => ({ value: 7 }));
  const part = new LatePart("tests", load);
  expect(() => part.now).toThrow("Fovea internal error: the code for tests is not loaded");
  await part.load();
  await part.load();
  expect(part.now.value).toBe(7);
  expect(load).toHaveBeenCalledTimes(1);
});

test("a part that cannot be fetched is an error that says what to do, and the next load tries again", async () => {
  const cause = new TypeError("Failed to fetch dynamically imported module");
  const load = vi.fn<() => Promise<number>>().mockRejectedValueOnce(cause).mockResolvedValueOnce(7);
  const part = new LatePart("tests", load);
  const error = await part.load().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "download-failed", cause });
  expect(String(error)).toContain("the engine's code for tests could not be loaded; check the connection");
  await part.load();
  expect(part.now).toBe(7);
});

/** A decoder whose layers have these first halves. */
function decoderOf(...layers: Partial<LayerSpec>[]): DecoderSpec {
  return { layers } as Partial<DecoderSpec> as DecoderSpec;
}

test("a model loads the parts that its layers and its connector need, and no others", async () => {
  const recurrent = vi.spyOn(RECURRENT, "load").mockResolvedValue();
  const queries = vi.spyOn(QUERIES, "load").mockResolvedValue();
  const texts = vi.spyOn(TEXT_ENCODER, "load").mockResolvedValue();
  const loads = async (spec: Parameters<typeof loadPartsFor>[0]) => {
    await loadPartsFor(spec);
    const made = [recurrent, queries, texts].map(({ mock }) => mock.calls.length);
    vi.clearAllMocks();
    return made;
  };
  const attention = decoderOf({ attention: {} } as LayerSpec);
  const step = { op: "queries", queries: {} } as never;
  expect(await loads({ connector: [] })).toEqual([0, 0, 0]);
  expect(await loads({ decoder: attention, connector: [] })).toEqual([0, 0, 0]);
  expect(await loads({ decoder: decoderOf({}, { delta: {} } as LayerSpec), connector: [] })).toEqual([1, 0, 0]);
  expect(await loads({ decoder: decoderOf({ convolution: {} } as LayerSpec), connector: [] })).toEqual([1, 0, 0]);
  expect(await loads({ decoder: attention, connector: [step] })).toEqual([0, 1, 0]);
  expect(await loads({ decoder: attention, connector: [], tapConnectors: [[step]] })).toEqual([0, 1, 0]);
  expect(await loads({ connector: [], textEncoder: {} as never })).toEqual([0, 0, 1]);
  vi.restoreAllMocks();
});
