/** When the page saves the rows of its conversation, reads them back, and forgets them. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FoveaModel } from "../../src/api.ts";
import { deleteStoredConversation } from "../../src/app/engine.ts";
import { ROWS_NAME, SavedRows } from "../../src/app/logic/saved-rows.ts";
import { FoveaError } from "../../src/errors.ts";

vi.mock("../../src/app/engine.ts", () => ({ deleteStoredConversation: vi.fn(async () => true) }));

const save = vi.fn<NonNullable<FoveaModel["saveConversation"]>>(async () => undefined);
const restore = vi.fn<NonNullable<FoveaModel["restoreConversation"]>>(async () => ({ tokens: 7 }));
const model = { saveConversation: save, restoreConversation: restore } as unknown as FoveaModel;

let rows: SavedRows;
beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  rows = new SavedRows(async () => model);
});
afterEach(() => {
  vi.useRealTimers();
});

const later = () => vi.advanceTimersByTimeAsync(2000);

test("saves once answers have rested, and not while the next one runs", async () => {
  rows.saveSoon();
  rows.saveSoon();
  expect(save).not.toHaveBeenCalled();
  await later();
  expect(save).toHaveBeenCalledExactlyOnceWith(ROWS_NAME, expect.anything());
  rows.saveSoon();
  rows.stop();
  await later();
  expect(save).toHaveBeenCalledTimes(1);
});

test("a question ends a save that is under way", async () => {
  save.mockImplementationOnce((_, options) => new Promise((_, reject) => (options!.signal!.onabort = reject)));
  rows.saveSoon();
  await later();
  expect(save.mock.calls[0]![1]!.signal!.aborted).toBe(false);
  rows.stop();
  expect(save.mock.calls[0]![1]!.signal!.aborted).toBe(true);
});

test("storage without room is not tried again until the conversation is a new one", async () => {
  save.mockRejectedValueOnce(new FoveaError("out-of-memory", "no room on disk"));
  rows.saveSoon();
  await later();
  rows.saveSoon();
  await later();
  expect(save).toHaveBeenCalledTimes(1);
  await rows.forget();
  expect(deleteStoredConversation).toHaveBeenCalledExactlyOnceWith(ROWS_NAME);
  rows.saveSoon();
  await later();
  expect(save).toHaveBeenCalledTimes(2);
});

test("a lost device, or a model that is gone, is left to the next answer; a later save is tried", async () => {
  save.mockRejectedValueOnce(new FoveaError("device-lost", "the GPU was lost"));
  rows.saveSoon();
  await later();
  rows.saveSoon();
  await later();
  expect(save).toHaveBeenCalledTimes(2);
});

test("without a loaded model there is nothing to save", async () => {
  let asked = 0;
  rows = new SavedRows(() => {
    asked++;
    return undefined;
  });
  rows.saveSoon();
  await later();
  expect(asked).toBe(1);
  expect(save).not.toHaveBeenCalled();
});

test("reads rows back once, into the model of the earlier visit", async () => {
  await rows.restoreInto("a", model);
  rows.expect("a");
  await rows.restoreInto("b", model);
  expect(restore).not.toHaveBeenCalled();
  await rows.restoreInto("a", model);
  await rows.restoreInto("a", model);
  expect(restore).toHaveBeenCalledExactlyOnceWith(ROWS_NAME, expect.anything());
});

test("what cannot be read back runs again", async () => {
  restore.mockRejectedValueOnce(new FoveaError("device-lost", "the GPU was lost"));
  rows.expect("a");
  await expect(rows.restoreInto("a", model)).resolves.toBeUndefined();
  rows.expect("a");
  await expect(rows.restoreInto("a", {} as FoveaModel)).resolves.toBeUndefined();
});

test("a conversation that was cleared, or went on, before the model was there is not read back", async () => {
  rows.expect("a");
  await rows.forget();
  await rows.restoreInto("a", model);
  rows.expect("a");
  rows.saveSoon();
  await rows.restoreInto("a", model);
  expect(restore).not.toHaveBeenCalled();
});
