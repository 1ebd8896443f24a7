/** Sources of models: what people paste, in one spelling. */
import { afterEach, expect, test, vi } from "vitest";
import { absoluteAddress, sourceName, splitChoice } from "../../src/shared/source.ts";
import { publishedModel, storedName } from "../../src/weights/published-model.ts";

afterEach(() => vi.unstubAllGlobals());

test.for([
  ["hf:owner/name", "hf:owner/name"],
  ["owner/name", "hf:owner/name"],
  ["  HuggingFaceTB/SmolVLM-256M-Instruct\n", "hf:HuggingFaceTB/SmolVLM-256M-Instruct"],
  ["owner/name@v1.0", "hf:owner/name@v1.0"],
  ["https://huggingface.co/owner/na.me_1-x", "hf:owner/na.me_1-x"],
  ["https://huggingface.co/owner/name/", "hf:owner/name"],
  ["http://www.huggingface.co/owner/name?library=transformers#usage", "hf:owner/name"],
  ["huggingface.co/owner/name", "hf:owner/name"],
  ["https://hf.co/owner/name", "hf:owner/name"],
  ["https://huggingface.co/owner/name/tree/main", "hf:owner/name"],
  ["https://huggingface.co/owner/name/tree/v2", "hf:owner/name@v2"],
  ["https://huggingface.co/owner/name/tree/refs%2Fpr%2F3", "hf:owner/name@refs/pr/3"],
  ["https://huggingface.co/owner/name/blob/main/config.json", "hf:owner/name"],
  ["https://huggingface.co/owner/name/resolve/abc/model.safetensors?download=true", "hf:owner/name@abc"],
  ["https://huggingface.co/owner/name/discussions/4", "hf:owner/name"],
  // Everything else stays.
  ["fovea-demo", "fovea-demo"],
  ["", ""],
  ["https://example.org/owner/name", "https://example.org/owner/name"],
  ["https://huggingface.co.example.org/owner/name", "https://huggingface.co.example.org/owner/name"],
  ["https://huggingface.co/datasets/owner", "https://huggingface.co/datasets/owner"],
  ["https://huggingface.co/owner", "https://huggingface.co/owner"],
  ["C:\\models\\tiny", "C:\\models\\tiny"],
] as const)("%j is %j", ([given, expected]) => {
  expect(sourceName(given)).toBe(expected);
});

test.for([
  ["hf:owner/name", "hf:owner/name", undefined],
  ["hf:owner/name:Q4_K_M", "hf:owner/name", "Q4_K_M"],
  ["hf:owner/name:", "hf:owner/name", undefined],
  ["https://a.example/m/", "https://a.example/m/", undefined],
  ["https://a.example/m/x%20y.gguf", "https://a.example/m/", "x y.gguf"],
  // A signed address opens its neighbours too.
  ["https://a.example/m/x.gguf?sig=1#top", "https://a.example/m/?sig=1", "x.gguf"],
] as const)("%j is a choice in a folder", ([source, folder, choice]) => {
  expect(splitChoice(source)).toEqual({ folder, choice });
});

test("addresses are relative to the page, and elsewhere to the worker", () => {
  vi.stubGlobal("document", { baseURI: "https://page.example/app/" });
  vi.stubGlobal("location", { href: "https://page.example/other" });
  expect(sourceName("/models/a")).toBe("https://page.example/models/a");
  expect(sourceName("./a")).toBe("https://page.example/app/a");
  expect(sourceName("../a/")).toBe("https://page.example/a/");
  expect(sourceName("//cdn.example/a")).toBe("https://cdn.example/a");
  expect(absoluteAddress("models/")).toBe("https://page.example/app/models/");
  vi.stubGlobal("document", undefined);
  expect(absoluteAddress("models/")).toBe("https://page.example/models/");
});

test("without a page there is nothing to be relative to", () => {
  expect(sourceName("/models/a")).toBe("/models/a");
  expect(() => publishedModel("/models/a", {})).toThrow('"/models/a" is not a model');
});

test("a model is stored under one name, however it was asked for", () => {
  for (const same of ["hf:owner/name", "owner/name", "https://huggingface.co/owner/name"]) {
    expect(publishedModel(same, {}).key.source).toBe("hf:owner/name");
    expect(storedName(same)).toBe("hf:owner/name");
  }
  for (const same of ["https://example.org/a", "https://example.org/a/", " https://example.org/a "]) {
    expect(publishedModel(same, {}).key.source).toBe("https://example.org/a/");
    expect(storedName(same)).toBe("https://example.org/a/");
  }
  expect(storedName("fovea-demo")).toBe("fovea-demo");
  expect(storedName("")).toBe("");
});

test("the folder of known models may be relative to the page", async () => {
  vi.stubGlobal("document", { baseURI: "https://page.example/app/" });
  vi.stubGlobal("fetch", async () => new Response("", { status: 404 }));
  const file = await publishedModel("fovea-demo", { modelsUrl: "/models/" }).find("config.json", {});
  await expect(file!.open({})).rejects.toThrow(
    "config.json: no file at https://page.example/models/fovea-demo/config.json; install the package fovea-demo-model",
  );
});

test("a page in the place of a known model's file says how to serve the files", async () => {
  vi.stubGlobal("fetch", async () => new Response("<!doctype html>", { headers: { "Content-Length": "15" } }));
  const file = await publishedModel("fovea-demo", { modelsUrl: "https://page.example/" }).find("config.json", {});
  await expect(file!.open({})).rejects.toThrow(/15 bytes at .*expected \d+; install the package fovea-demo-model/);
});
