/** The manifest of known models: what it may hold, that it is true, and how its files are found. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { isModelFile } from "../../src/weights/formats/registry.ts";
import { openLocalFile } from "../../src/weights/local-file.ts";
import { listKnown, manifest, parseManifest } from "../../src/weights/manifest.ts";
import { withModel } from "../../src/weights/open-model.ts";
import { entryOf, ownModels, readManifest } from "../../tools/manifest.mjs";
import { filesBelow, readSource } from "../support/sources.ts";

const scratch = mkdtempSync(join(tmpdir(), "fovea-manifest-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const sha256 = "ab".repeat(32);
const file = { name: "config.json", bytes: 7, sha256 };
const model = { location: "tiny/", options: {}, files: [file] };
const withModels = (models: unknown) => ({ format: 1, hub: "https://hub.test/", models });

describe("the project's own", () => {
  test("is well-formed, and knows the demo model", () => {
    expect(manifest().models.get("fovea-demo")!.about).toEqual({
      note: "Knows emoji scenes, not photographs.",
      maxPictures: 1,
    });
    expect(manifest().hub).toMatch(/^https:/);
  });

  test("tells the truth about the files that are here", () => {
    for (const { location, folder } of ownModels()) {
      const [id, entry] = Object.entries(readManifest().models).find(([, one]) => one.location === location)!;
      expect(entryOf(folder, entry), id).toEqual(entry);
    }
  });

  test("is the only place with an address of weights", () => {
    const code = ["src", "tools"].flatMap(filesBelow).filter((name) => /\.(ts|mjs)$/.test(name));
    // Examples in words that people read are none.
    const own = code.filter((name) => !name.startsWith("src/app/") && !name.startsWith("tools/ask"));
    expect(own.filter((name) => /https?:\/\/(huggingface|hf)\./.test(readSource(name)))).toEqual([]);
  });

  test("a model without weights says so", async () => {
    const known = { id: "x", location: "x/", defaults: {}, files: [] };
    expect(() => listKnown(known, undefined)).toThrow(/"x" has no weights in this version/);
    if (readManifest().models["fovea-demo"]!.files.length === 0)
      await expect(withModel("fovea-demo", {}, (folder) => folder.json("config.json"))).rejects.toMatchObject({
        code: "download-failed",
        message: expect.stringMatching(/no weights in this version/),
      });
  });
});

test("files lie in the folder of models, wherever that is, and elsewhere if the manifest says so", () => {
  const known = (location: string) => parseManifest(withModels({ tiny: { ...model, location } })).models.get("tiny")!;
  const address = (location: string, base?: URL) => listKnown(known(location), base).files.get("config.json")!.url.href;
  expect(address("tiny/", new URL("https://a.test/models/"))).toBe("https://a.test/models/tiny/config.json");
  expect(address("https://b.test/x/", new URL("https://a.test/models/"))).toBe("https://b.test/x/config.json");
  // A bundler gives each file another address, which the package of the demo model knows.
  const shipped = { "tiny/config.json": "https://c.test/assets/config-1.json" };
  expect(listKnown(known("tiny/"), undefined, shipped).files.get("config.json")!.url.href).toBe(
    Object.values(shipped)[0],
  );
  // Beside the sources they are in the site's folder.
  expect(address("tiny/")).toMatch(/\/public\/tiny\/config\.json$/);
});

test("a file of this machine is read where there is no server", async () => {
  writeFileSync(join(scratch, "a b.json"), "hello");
  const source = await openLocalFile(pathToFileURL(join(scratch, "a b.json")), "a b.json");
  expect(new TextDecoder().decode(await source.read(1, 3))).toBe("el");
  await expect(openLocalFile(pathToFileURL(join(scratch, "none")), "none")).rejects.toMatchObject({
    code: "download-failed",
  });
});

test.for([
  ["another format", { ...withModels({}), format: 2 }, /format must be 1/],
  ["null", null, /format must be 1/],
  ["a hub over http", { ...withModels({}), hub: "http://hub.test/" }, /hub must be an https address/],
  ["no models", withModels([]), /models must be an object/],
  ["an id with a slash", withModels({ "a/b": model }), /an id has only lower-case letters/],
  [
    "a location above",
    withModels({ a: { ...model, location: "../" } }),
    /location must be a folder name or an https address/,
  ],
  [
    "a location with a path",
    withModels({ a: { ...model, location: "a/b/" } }),
    /location must be a folder name or an https address/,
  ],
  [
    "a location over http",
    withModels({ a: { ...model, location: "http://x.test/" } }),
    /location must be a folder name or an https address/,
  ],
  [
    "a note that is none",
    withModels({ a: { ...model, about: { note: 1 } } }),
    /about must have a note that is a string/,
  ],
  ["less than one picture", withModels({ a: { ...model, about: { maxPictures: 0 } } }), /maxPictures from 1/],
  ["an option that is none", withModels({ a: { ...model, options: { device: 1 } } }), /"device" cannot be preset/],
  [
    "a name that is a path",
    withModels({ a: { ...model, files: [{ ...file, name: "../config.json" }] } }),
    /is not a model file/,
  ],
  [
    "a name that no text can be made of",
    withModels({ a: { ...model, files: [{ name: { toString: 1 } }] } }),
    /\{"toString":1\} is not/,
  ],
  ["a pickle", withModels({ a: { ...model, files: [{ ...file, name: "model.bin" }] } }), /is not a model file/],
  ["a doubled name", withModels({ a: { ...model, files: [file, file] } }), /listed twice/],
  [
    "a negative length",
    withModels({ a: { ...model, files: [{ ...file, bytes: -1 }] } }),
    /length of "config\.json" is -1/,
  ],
  [
    "half a byte",
    withModels({ a: { ...model, files: [{ ...file, bytes: 0.5 }] } }),
    /length of "config\.json" is 0\.5/,
  ],
  ["no hash", withModels({ a: { ...model, files: [{ ...file, sha256: undefined }] } }), /no SHA-256/],
  ["a hash in capitals", withModels({ a: { ...model, files: [{ ...file, sha256: "AB".repeat(32) }] } }), /no SHA-256/],
] as const)("%s is refused", ([, json, says]) => {
  expect(() => parseManifest(json)).toThrow(says);
});

describe("an entry made by tools/manifest.mjs", () => {
  test("lists what loading reads, with lengths and hashes, and keeps options", () => {
    const folder = mkdtempSync(join(scratch, "entry-"));
    const contents = { "config.json": "{}", "model.safetensors": "weights", "README.md": "no", "a.bin": "no" };
    for (const [name, text] of Object.entries(contents)) writeFileSync(join(folder, name), text);
    const hash = (text: string) => createHash("sha256").update(text).digest("hex");
    const entry = entryOf(folder, { location: "x/", options: { maxContext: 9 }, files: [] });
    expect(entry).toEqual({
      location: `${folder.split(/[/\\]/).at(-1)}/`,
      options: { maxContext: 9 },
      files: [
        { name: "config.json", bytes: 2, sha256: hash("{}") },
        { name: "model.safetensors", bytes: 7, sha256: hash("weights") },
      ],
    });
    for (const { name } of entry.files) expect(isModelFile(name)).toBe(true);
  });
});
