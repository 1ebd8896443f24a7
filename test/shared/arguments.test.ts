/** Misspelt fields of public calls: named, with the fields that exist, in the page and before anything goes to a worker. */
import { afterEach, describe, expect, test, vi } from "vitest";
import type { FoveaModel } from "../../src/api.ts";
import { checkBudget } from "../../src/engine/pictures.ts";
import { deleteStoredModel, Fovea, planModel } from "../../src/index.ts";
import {
  ENCODE_FIELDS,
  ENCODE_TEXT_FIELDS,
  GENERATE_FIELDS,
  INSPECT_FIELDS,
  LOAD_FIELDS,
  SCORE_FIELDS,
} from "../../src/known-fields.ts";
import { checkFields } from "../../src/shared/arguments.ts";
import { createFovea } from "../../src/worker/client.ts";
import { FakeWorker, fakeWorkers } from "../support/fake-worker.ts";

const ADDRESS = "https://example.org/model/";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("the fields of an object", () => {
  const known = ["one", "two"];

  test("are known, or undefined", () => {
    expect(() => checkFields("request", { one: 1, tow: undefined }, known)).not.toThrow();
    expect(() => checkFields("request", { anything: 1 })).not.toThrow();
  });

  test.for([
    [{ one: 1, tow: 2 }, "request.tow is not known; the fields are one, two"],
    [{ tow: null }, "request.tow is not known; the fields are one, two"],
    [{ constructor: 1 }, "request.constructor is not known; the fields are one, two"],
    [JSON.parse('{ "__proto__": 1 }'), "request.__proto__ is not known; the fields are one, two"],
    [{ ["x".repeat(1e6)]: 1 }, `request.${"x".repeat(80)} is not known; the fields are one, two`],
  ] as const)("are refused: %#", ([value, says]) => {
    expect(() => checkFields("request", value, known)).toThrow(new TypeError(says));
  });
});

/** A method's own code, on an engine that was never loaded. */
const unloaded = Object.create(Fovea.prototype) as FoveaModel;

async function remote(): Promise<FoveaModel> {
  const served = vi.fn(() => Promise.reject(new Error("the request reached the worker")));
  const model = { info: {}, memory: { gpuBytes: 0, peakGpuBytes: 0 } };
  fakeWorkers(
    async () =>
      ({
        ...model,
        generate: served,
        encodeImage: served,
        encodeText: served,
        score: served,
        inspect: served,
      }) as never,
  );
  return createFovea(ADDRESS);
}

describe.for([
  ["in this thread", async () => unloaded],
  ["in a worker", remote],
] as const)("%s", ([, open]) => {
  const refusal = (name: string, fields: readonly string[]) =>
    new TypeError(`${name} is not known; the fields are ${fields.join(", ")}`);

  test("generate", async () => {
    const request = { messages: [], maxtokens: 5 };
    await expect((await open()).generate(request).text()).rejects.toThrow(
      refusal("request.maxtokens", GENERATE_FIELDS),
    );
  });

  test("encodeImage", async () => {
    const options = { ratio: 0.5 } as object;
    await expect((await open()).encodeImage(new Blob([]), options)).rejects.toThrow(
      refusal("options.ratio", ENCODE_FIELDS),
    );
  });

  test("encodeText", async () => {
    const options = { template: "{}" } as object;
    await expect((await open()).encodeText(["a"], options)).rejects.toThrow(
      refusal("options.template", ENCODE_TEXT_FIELDS),
    );
  });

  test("score", async () => {
    const options = { labels: ["a"] } as object;
    await expect((await open()).score(new Blob([]), ["a"], options)).rejects.toThrow(
      refusal("options.labels", SCORE_FIELDS),
    );
  });

  test("inspect", async () => {
    const request = { inputIds: [1], maxTokens: 5 };
    await expect((await open()).inspect(request)).rejects.toThrow(refusal("request.maxTokens", INSPECT_FIELDS));
  });
});

describe("loading", () => {
  const options = { maxcontext: 64 } as object;
  const says = new TypeError(`options.maxcontext is not known; the fields are ${LOAD_FIELDS.join(", ")}`);

  test("in this thread", async () => {
    await expect(Fovea.load(ADDRESS, options)).rejects.toThrow(says);
    await expect(planModel(ADDRESS, options)).rejects.toThrow(says);
  });

  test("in a worker, which is not started", async () => {
    fakeWorkers(async () => ({}) as never);
    const before = FakeWorker.all.length;
    await expect(createFovea(ADDRESS, options)).rejects.toThrow(says);
    expect(FakeWorker.all.length).toBe(before);
  });
});

test("deleting a stored model", async () => {
  await expect(deleteStoredModel("fovea-demo", { signals: 1 } as object)).rejects.toThrow(
    new TypeError("options.signals is not known; the fields are signal"),
  );
});

test("a picture's budget", () => {
  expect(() => checkBudget({ maxTiles: 2, tiles: undefined } as object)).not.toThrow();
  expect(() => checkBudget({ tiles: 2 } as object)).toThrow(
    new TypeError("pictures.tiles is not known; the fields are maxTiles, maxPixels, minPixels"),
  );
});
