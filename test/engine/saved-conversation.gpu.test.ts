/** Conversations on disk: what a reload goes on from, and files that are damaged, stale, or of another model. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GenerateRequest, LoadOptions, Message, ModelFiles } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { textSha256 } from "../../src/weights/hash.ts";
import { deleteStoredConversation, storedConversations } from "../../src/weights/storage.ts";
import { chatFiles } from "../support/chat-files.ts";
import { useDevice } from "../support/gpu.ts";

const NAME = "test: the last conversation";
const settings = { weights: "f32", precision: "f32", maxContext: 400 } as const;

describe("a saved conversation", () => {
  const { device } = useDevice();
  /** The page before its reload, and after it. */
  let before: Fovea;
  let after: Fovea;
  let png: Blob;
  const load = (files: ModelFiles, more: LoadOptions = {}) =>
    Fovea.load(files, { ...settings, ...more, device: device() });
  beforeAll(async () => {
    const files = await chatFiles();
    [before, after] = [await load(files), await load(files, { keptBytes: 0 })];
    const canvas = new OffscreenCanvas(24, 16);
    canvas.getContext("2d")!.putImageData(
      new ImageData(
        Uint8ClampedArray.from({ length: 24 * 16 * 4 }, (_, i) => (i * 37) % 256),
        24,
        16,
      ),
      0,
      0,
    );
    png = await canvas.convertToBlob();
  });
  afterAll(async () => {
    await deleteStoredConversation(NAME);
    for (const engine of [before, after]) {
      engine.dispose();
      expect(engine.memory.gpuBytes).toBe(0);
    }
  });

  const ask = async (engine: Fovea, messages: Message[], more: Partial<GenerateRequest> = {}) => {
    const answer = engine.generate({ messages, maxTokens: 8, ...more });
    const text = await answer.text();
    return { text, ...answer.stats! };
  };
  const first = (): Message => ({
    role: "user",
    content: [
      { type: "image", image: png },
      { type: "text", text: "What?" },
    ],
  });
  const turns = (answer: string): Message[] => [
    first(),
    { role: "assistant", content: answer },
    { role: "user", content: "Why?" },
  ];
  /** Forgets everything. */
  const forget = (engine: Fovea) => engine.inspect({ inputIds: [1, 2, 3] });

  async function file(name: string): Promise<{ read(): Promise<Uint8Array>; write(bytes: Uint8Array): Promise<void> }> {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle("fovea-conversations");
    const handle = await (await root.getDirectoryHandle(textSha256(NAME).slice(0, 32))).getFileHandle(name);
    return {
      read: async () => new Uint8Array(await (await handle.getFile()).arrayBuffer()),
      write: async (bytes) => {
        const writable = await handle.createWritable();
        await writable.write(bytes as Uint8Array<ArrayBuffer>);
        await writable.close();
      },
    };
  }

  test.for([
    ["inhibited", { inhibition: { maxRatio: 0.6 } }],
    ["whole", { inhibition: { maxRatio: 0 }, compression: { method: "none" } }],
  ] as const)("%s: goes on after a reload, and its picture is not encoded again", async ([, more]) => {
    const one = await ask(before, [first()], more);
    const stored = await before.saveConversation(NAME);
    expect(stored).toMatchObject({ name: NAME, tokens: one.promptTokens + one.newTokens - 1 });
    expect((await storedConversations()).filter(({ name }) => name === NAME)).toEqual([stored]);
    await forget(after);
    const anew = await ask(after, turns(one.text), more);
    expect(anew.reusedTokens).toBeLessThan(3);
    await forget(after);
    expect(await after.restoreConversation(NAME)).toEqual({ tokens: stored!.tokens });
    const back = await ask(after, turns(one.text), more);
    expect(back.reusedTokens).toBeGreaterThanOrEqual(one.promptTokens);
    expect(back.pictures[0]!.reused).toBe(true);
    expect(back.text).toBe(anew.text);
  });

  test("the picture's rows and events come from disk", async () => {
    const files = await chatFiles();
    const image = async (engine: Fovea) => {
      for await (const event of engine.generate({ messages: [first()], maxTokens: 1 }))
        if (event.type === "image") return { ...event, milliseconds: 0 };
    };
    const known = await image(before);
    await before.saveConversation(NAME);
    const reloaded = await load(files);
    try {
      expect((await reloaded.restoreConversation(NAME)).tokens).toBeGreaterThan(0);
      expect(await image(reloaded)).toEqual(known);
      const { pictures, reusedTokens, promptTokens } = await ask(reloaded, [first()]);
      expect(pictures[0]!.reused).toBe(true);
      expect(reusedTokens).toBe(promptTokens - 1);
    } finally {
      reloaded.dispose();
      expect(reloaded.memory.gpuBytes).toBe(0);
    }
  });

  const changes: [string, string, (bytes: Uint8Array) => Uint8Array, RegExp][] = [
    [
      "a changed row",
      "rows.bin",
      (bytes) => bytes.map((byte, i) => (i === 5000 ? byte ^ 1 : byte)),
      /piece 0 of its rows/,
    ],
    ["a short file", "rows.bin", (bytes) => bytes.slice(0, -8), /bytes, \d+ were saved/],
    [
      "a changed header",
      "header.json",
      (bytes) => bytes.map((byte, i) => (i === 300 ? byte ^ 1 : byte)),
      /it is damaged/,
    ],
    ["half a header", "header.json", (bytes) => bytes.slice(0, bytes.length / 2), /not written to its end/],
  ];
  test.for(changes)("%s: it runs again, and says why", async ([, name, change, message]) => {
    const one = await ask(before, [first()]);
    await before.saveConversation(NAME);
    const handle = await file(name);
    await handle.write(change(await handle.read()));
    await forget(after);
    const told = await after.restoreConversation(NAME);
    expect(told.tokens).toBe(0);
    expect(told.problem).toMatch(message);
    const again = await ask(after, [first()]);
    expect(again.reusedTokens).toBeLessThan(3);
    expect(again.text).toBe(one.text);
    // Saving again mends it.
    await before.saveConversation(NAME);
    expect((await after.restoreConversation(NAME)).tokens).toBeGreaterThan(0);
  });

  test("rows of another model, and a shorter context", async () => {
    await ask(before, [first()]);
    await before.saveConversation(NAME);
    const files = await chatFiles();
    const small = await load(files, { maxContext: 100 });
    const told = await small.restoreConversation(NAME);
    expect(told).toMatchObject({ tokens: 0, problem: expect.stringContaining("do not fit into a context of 100") });
    small.dispose();
    const other = await load(files, { weights: "f16" });
    expect((await other.restoreConversation(NAME)).problem).toMatch(/another model, arithmetic, GPU or version/);
    other.dispose();
  });

  test("nothing to save, nothing saved, and an abort", async () => {
    await forget(after);
    expect(await after.saveConversation(NAME)).toBeUndefined();
    expect(await deleteStoredConversation(NAME)).toBe(true);
    expect(await deleteStoredConversation(NAME)).toBe(false);
    expect(await after.restoreConversation(NAME)).toEqual({ tokens: 0 });
    await ask(before, [first()]);
    await expect(before.saveConversation(NAME, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "aborted",
    });
    expect(await after.restoreConversation(NAME)).toEqual({ tokens: 0 });
    await expect(before.saveConversation("")).rejects.toThrow(TypeError);
  });
});
