/** A model that the manifest knows, from a server that serves its folder: every file is compared with the manifest. */
import { createHash } from "node:crypto";
import { expect, test, vi } from "vitest";
import { withModel } from "../../src/weights/open-model.ts";
import { knownModel } from "../../src/weights/published-model.ts";
import { expectBytes } from "../support/bytes.ts";
import { type Behaviour, QUICK_RETRY, serve, withRanges } from "./http-server.ts";
import { patternBytes } from "./safetensors-file.ts";

const files = vi.hoisted(() => ({ entries: [] as { name: string; bytes: number; sha256: string }[] }));
vi.mock("../../weights-manifest.json", () => ({
  format: 1,
  hub: "https://hub.test/",
  models: { tiny: { location: "tiny-v1/", options: { maxContext: 77 }, files: files.entries } },
}));

const contents = { "config.json": new TextEncoder().encode('{"a":1}'), "model.safetensors": patternBytes(100_000) };
for (const [name, bytes] of Object.entries(contents))
  files.entries.push({ name, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });

async function load(behaviour: Behaviour): Promise<Uint8Array> {
  const served = Object.fromEntries(Object.entries(contents).map(([name, bytes]) => [`tiny-v1/${name}`, bytes]));
  const { url } = await serve(served, behaviour);
  return withModel("tiny", { modelsUrl: url.href, retry: QUICK_RETRY, partBytes: 16384 }, async (folder) => {
    expect(await folder.json("config.json")).toEqual({ a: 1 });
    const file = (await folder.open("model.safetensors"))!;
    const bytes = await file.read(0, file.byteLength);
    await file.finish?.();
    return bytes;
  });
}

test("is loaded by its name, with its own defaults", async () => {
  expectBytes(await load(withRanges), contents["model.safetensors"]);
  expect(knownModel("tiny")?.defaults).toEqual({ maxContext: 77 });
  expect(knownModel("Tiny")).toBeUndefined();
});

test("that was changed on its server is refused, whatever was changed", async () => {
  for (const name of Object.keys(contents)) {
    const harm: Behaviour = (served) => {
      const bytes = served.bytes.slice();
      if (served.request.url!.endsWith(name)) bytes[bytes.length - 2]! ^= 1;
      withRanges({ ...served, bytes });
    };
    await expect(load(harm)).rejects.toMatchObject({
      code: "hash-mismatch",
      message: expect.stringMatching(`^${name}`),
    });
  }
});

test("of which a file is missing, or longer, is refused", async () => {
  const gone: Behaviour = ({ response }) => void response.writeHead(404).end();
  await expect(load(gone)).rejects.toMatchObject({
    code: "download-failed",
    message: expect.stringMatching(
      /no file at .*install the package fovea-demo-model, or copy .* pass the address of .* as modelsUrl/,
    ),
  });
  const longer: Behaviour = (served) =>
    withRanges({ ...served, bytes: Buffer.concat([served.bytes, Buffer.from("x")]) });
  await expect(load(longer)).rejects.toMatchObject({
    code: "hash-mismatch",
    message: expect.stringMatching(/8 bytes at/),
  });
});
