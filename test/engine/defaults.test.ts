/** Defaults of requests, from a model's own file and from the manifest: what is taken, and what is refused by name. */
import { describe, expect, test } from "vitest";
import { readDefaults } from "../../src/engine/defaults.ts";
import { FoveaError } from "../../src/errors.ts";
import { openFolder } from "../../src/weights/folder.ts";
import smolvlm from "../families/idefics3/SmolVLM-256M-Instruct/config.json" with { type: "json" };
import smolvlmPictures from "../families/idefics3/SmolVLM-256M-Instruct/preprocessor_config.json" with { type: "json" };
import { describeModel } from "../support/describe-model.ts";
import { smallLlava } from "../support/small-models.ts";

// 9 patches and three blocks, of which two run; two layers.
const llava = describeModel({ "config.json": smallLlava });
const text = describeModel({ "config.json": { ...smallLlava.text_config, tie_word_embeddings: true } });
const classifier = describeModel({
  "config.json": { ...smallLlava.vision_config, model_type: "vit", architectures: ["ViTModel"] },
});
const tiled = describeModel({ "config.json": smolvlm, "preprocessor_config.json": smolvlmPictures });

const NOTHING = { compression: { method: "none" }, inhibition: { maxRatio: 0 } };
const VMTC = { method: "vmtc", tokens: 4, blocks: [1] };

/** @param file content of fovea.json, as text or as JSON */
async function defaults(file: unknown, { spec = llava, known }: { spec?: typeof llava; known?: unknown } = {}) {
  const content = typeof file === "string" ? file : JSON.stringify(file);
  const files = file === undefined ? {} : { "fovea.json": new TextEncoder().encode(content) };
  return readDefaults(openFolder({ "config.json": new Uint8Array(0), ...files }), spec, known, {});
}

async function refusal(...args: Parameters<typeof defaults>): Promise<string> {
  const error = await defaults(...args).then(
    () => expect.fail("not refused"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FoveaError);
  expect((error as FoveaError).code).toBe("unsupported-model");
  return (error as FoveaError).message;
}

describe("a model's own file", () => {
  test("that is missing, or says nothing, leaves everything as it is", async () => {
    for (const file of [undefined, {}, { defaults: {} }, { defaults: null }, { format: 2, other: [1] }])
      expect(await defaults(file)).toEqual(NOTHING);
  });

  test("may recommend both, or one of them", async () => {
    const inhibition = { maxRatio: 0.6, scope: "image" };
    expect(await defaults({ defaults: { compression: VMTC, inhibition } })).toEqual({ compression: VMTC, inhibition });
    expect(await defaults({ defaults: { compression: VMTC } })).toEqual({ ...NOTHING, compression: VMTC });
    expect(await defaults({ defaults: { inhibition } })).toEqual({ ...NOTHING, inhibition });
  });

  test("is read of a model that has no use for a part of it, and that part is left out", async () => {
    const file = { defaults: { compression: VMTC, inhibition: { maxRatio: 0.5 } } };
    expect(await defaults(file, { spec: text })).toEqual({ ...NOTHING, inhibition: { maxRatio: 0.5 } });
    expect(await defaults(file, { spec: classifier })).toEqual({ ...NOTHING, compression: VMTC });
    expect(await defaults({ defaults: { compression: "x" } }, { spec: text })).toEqual(NOTHING);
  });
});

test("the manifest's defaults win, whatever the file says", async () => {
  const known = { compression: { method: "pool", factor: 3 } };
  expect(await defaults({ defaults: { compression: VMTC } }, { known })).toEqual({ ...NOTHING, ...known });
  expect(await defaults("no JSON", { known })).toEqual({ ...NOTHING, ...known });
  expect(await defaults({ defaults: { compression: VMTC } }, { known: {} })).toEqual(NOTHING);
  expect(await refusal({}, { known: { compression: { method: "zip" } } })).toMatch(
    /^weights-manifest\.json: defaults\.compression: .*"zip"/,
  );
});

describe("refused by name:", () => {
  test.for<[unknown, RegExp]>([
    [[], /^fovea\.json: it is no object/],
    ["null", /^fovea\.json: it is no object/],
    ["7", /^fovea\.json: it is no object/],
    [{ defaults: [] }, /^fovea\.json: defaults: it is no object/],
    [{ defaults: "vmtc" }, /^fovea\.json: defaults: it is no object/],
    [{ defaults: { Compression: VMTC } }, /defaults: "Compression" is not known; there are compression and inhibition/],
    ['{ "defaults": { "__proto__": {} } }', /defaults: "__proto__" is not known/],
    [{ defaults: { compression: null } }, /^fovea\.json: defaults\.compression: .*must be an object/],
    [{ defaults: { compression: "vmtc" } }, /defaults\.compression: .*must be an object/],
    [{ defaults: { compression: {} } }, /defaults\.compression: compression\.method must be/],
    [{ defaults: { compression: { method: "constructor" } } }, /defaults\.compression: .*"constructor"/],
    [{ defaults: { compression: { ...VMTC, tokens: undefined, ratio: -1 } } }, /defaults\.compression: .*ratio/],
    [{ defaults: { compression: { ...VMTC, tokens: 1e300 } } }, /defaults\.compression: .*tokens/],
    [{ defaults: { compression: { method: "vmtc", blocks: [2] } } }, /only blocks 0 to 1 .* run/],
    [{ defaults: { compression: { method: "vmtc", blocks: "1" } } }, /defaults\.compression: .*list of numbers/],
    [{ defaults: { compression: { method: "pool", factor: 0.5 } } }, /defaults\.compression: .*factor/],
    [{ defaults: { inhibition: null } }, /^fovea\.json: defaults\.inhibition: .*must be an object/],
    [{ defaults: { inhibition: { maxRatio: 2 } } }, /defaults\.inhibition: inhibition\.maxRatio/],
    [{ defaults: { inhibition: { maxRatio: "0.6" } } }, /defaults\.inhibition: inhibition\.maxRatio/],
    [{ defaults: { inhibition: { maxRatio: 0.6, scope: "all" } } }, /defaults\.inhibition: inhibition\.scope/],
    [{ defaults: { inhibition: {} } }, /defaults\.inhibition: inhibition\.maxRatio/],
  ])("%j", async ([file, says]) => {
    const message = await refusal(file);
    expect(message).toMatch(says);
    expect(message).toMatch(/; fix the file, or load the model without it$/);
  });

  test("a file that is no JSON", async () => {
    await expect(defaults("{")).rejects.toMatchObject({
      code: "bad-weights",
      message: expect.stringMatching(/^fovea\.json/),
    });
  });

  test("settings under which a picture of several views would fail", async () => {
    const compression = (value: object) => ({ defaults: { compression: value } });
    expect(await refusal(compression({ method: "vmtc", ratio: 0.5, positions: "original" }), { spec: tiled })).toMatch(
      /^fovea\.json: defaults\.compression: .*"original" needs a picture of one view/,
    );
    // 17 views, at least one token of each.
    expect(await refusal(compression({ method: "prune-last", tokens: 16 }), { spec: tiled })).toMatch(
      /^fovea\.json: defaults\.compression: .*16/,
    );
    const enough = { method: "prune-last", tokens: 17 };
    expect(await defaults(compression(enough), { spec: tiled })).toEqual({ ...NOTHING, compression: enough });
  });
});
