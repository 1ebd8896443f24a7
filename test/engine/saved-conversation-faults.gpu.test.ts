/** Saving and restoring a conversation where the storage is full or the device is lost: nothing half is left. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { deleteStoredConversation, storedConversations } from "../../src/weights/storage.ts";
import { chatFiles } from "../support/chat-files.ts";
import { followDevices, loseAt, type OwnDevices } from "../support/lost-devices.ts";

const NAME = "test: faults";
const PATIENCE_MS = 900_000;
const messages: Message[] = [{ role: "user", content: "What is this?" }];

let own: OwnDevices;
let fovea: Fovea;
beforeAll(async () => {
  own = followDevices();
  fovea = await Fovea.load(await chatFiles(), { weights: "f32", precision: "f32", maxContext: 400 });
}, PATIENCE_MS);
afterAll(async () => {
  fovea.dispose();
  expect(fovea.memory.gpuBytes).toBe(0);
  vi.restoreAllMocks();
  await deleteStoredConversation(NAME);
});

async function ask(): Promise<{ text: string; reusedTokens: number; promptTokens: number }> {
  const answer = fovea.generate({ messages, maxTokens: 8 });
  const text = await answer.text();
  return { ...answer.stats!, text };
}

const names = async () => (await storedConversations()).map(({ name }) => name).filter((name) => name === NAME);

describe("storage without room", () => {
  afterEach(() => {
    vi.mocked(FileSystemWritableFileStream.prototype.write).mockRestore?.();
    vi.mocked(navigator.storage.estimate).mockRestore?.();
  });

  test("is told beforehand, with the numbers", async () => {
    await ask();
    vi.spyOn(navigator.storage, "estimate").mockResolvedValue({ quota: 2000, usage: 1500 });
    await expect(fovea.saveConversation(NAME)).rejects.toMatchObject({
      code: "out-of-memory",
      message: expect.stringMatching(
        /^no room on disk for the \d+ bytes of this conversation; 500 are free: delete one/,
      ),
    });
    expect(await names()).toEqual([]);
  });

  test.each([1, 2])("is found at write %i: nothing stays, not even what was saved before", async (count) => {
    const { text } = await ask();
    await fovea.saveConversation(NAME);
    expect(await names()).toEqual([NAME]);
    const { write } = FileSystemWritableFileStream.prototype;
    let writes = 0;
    vi.spyOn(FileSystemWritableFileStream.prototype, "write").mockImplementation(function (
      this: FileSystemWritableFileStream,
      ...data
    ) {
      if (++writes >= count) throw new DOMException("the quota is used up", "QuotaExceededError");
      return write.apply(this, data);
    });
    await expect(fovea.saveConversation(NAME)).rejects.toMatchObject({
      code: "out-of-memory",
      message: expect.stringMatching(/^no room on disk/),
    });
    expect(writes).toBe(count);
    expect(await names()).toEqual([]);
    expect(await fovea.restoreConversation(NAME)).toEqual({ tokens: 0 });
    vi.mocked(FileSystemWritableFileStream.prototype.write).mockRestore();
    // The conversation itself goes on, and is saved once there is room.
    const again = await ask();
    expect(again.text).toBe(text);
    expect(again.reusedTokens).toBeGreaterThan(0);
    expect(await fovea.saveConversation(NAME)).toMatchObject({ name: NAME });
  });
});

describe("a device that is lost", { timeout: PATIENCE_MS }, () => {
  test("while rows are saved: none are left, and the next answer is the same", async () => {
    const before = await ask();
    await deleteStoredConversation(NAME);
    loseAt(own.devices.at(-1)!.device, "save rows");
    // The model is loaded again, and the new one has no conversation.
    expect(await fovea.saveConversation(NAME)).toBeUndefined();
    expect(own.devices).toHaveLength(2);
    expect(await names()).toEqual([]);
    expect(await ask()).toMatchObject({ text: before.text, reusedTokens: 0 });
    expect(await fovea.saveConversation(NAME)).toMatchObject({ name: NAME });
  });

  test("while rows are read back: they are read into the next one", async () => {
    const before = await ask();
    const saved = (await fovea.saveConversation(NAME))!;
    await fovea.inspect({ inputIds: [1, 2, 3] });
    const { device } = own.devices.at(-1)!;
    const { writeBuffer } = GPUQueue.prototype;
    let isLost = false;
    vi.spyOn(GPUQueue.prototype, "writeBuffer").mockImplementation(function (this: GPUQueue, ...written) {
      if (!isLost && this === device.queue) {
        isLost = true;
        device.destroy();
      }
      return writeBuffer.apply(this, written as Parameters<typeof writeBuffer>);
    });
    expect(await fovea.restoreConversation(NAME)).toEqual({ tokens: saved.tokens });
    expect(isLost).toBe(true);
    expect(own.devices.length).toBeGreaterThan(2);
    const after = await ask();
    expect(after.text).toBe(before.text);
    expect(after.reusedTokens).toBe(after.promptTokens - 1);
  });
});
