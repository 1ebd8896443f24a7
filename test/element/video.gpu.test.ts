/** A video that a user drops: its frames become pictures of the question, or a sentence says why not. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { userEvent } from "vitest/browser";
import type { FoveaChat } from "../../src/element/fovea-chat.ts";
import { makeVideo, readLevel } from "../support/video.ts";
import type { ScriptedLoader } from "./scripted-engine.ts";
import { clearStage, part, parts, scriptEngines, settled, showChat, textOf, tick, transferOf } from "./stage.ts";

let loader: ScriptedLoader;
let chat: FoveaChat;
beforeEach(async () => {
  loader = scriptEngines();
  chat = await showChat();
});
afterEach(clearStage);

function drop(file: File): void {
  const options = { dataTransfer: transferOf(file), bubbles: true, composed: true, cancelable: true };
  part(chat, "transcript")!.dispatchEvent(new DragEvent("drop", options));
}

test("its frames are pictures of one question, which waits for them", async () => {
  const video = await makeVideo({ container: "mp4", frames: 10 });
  chat.focus();
  await userEvent.keyboard("What happens?");
  drop(video);
  await settled(chat);
  expect(textOf(chat, "note")).toBe("Taking pictures of clip.mp4.");
  await userEvent.keyboard("{Enter}");
  expect(parts(chat, "turn")).toEqual([]);
  await expect.poll(() => parts(chat, "tray-item").length).toBe(8);
  await settled(chat);
  expect(textOf(chat, "note")).toBe("clip.mp4: 8 pictures, at 0.0, 0.5, 1.5, 2.0, 2.5, 3.0, 4.0, 4.5 s.");
  await userEvent.keyboard("{Enter}");
  await tick();
  const model = loader.last.finish();
  await settled(chat);
  const [question] = model.answer.request.messages;
  const content = question!.content as { type: string; image?: File; text?: string }[];
  expect(content.map(({ type }) => type)).toEqual([...Array(8).fill("image"), "text"]);
  const levels = await Promise.all(content.slice(0, 8).map(async ({ image }) => (await readLevel(image!)).level));
  expect(levels).toEqual([...levels].sort((a, b) => a - b));
  expect(new Set(levels).size).toBe(8);
});

test.each([
  [
    new File(["no video"], "odd.mp4", { type: "video/mp4" }),
    "odd.mp4 is not a video that can be read (8 bytes, video/mp4); use MP4, MOV, WebM or MKV.",
  ],
  [new File([], "empty.webm"), "empty.webm is empty (0 bytes); pick the file again."],
])("$name: a sentence says why it is not taken", async (file, sentence) => {
  drop(file);
  await expect.poll(() => textOf(chat, "note")).toBe(sentence);
  expect(parts(chat, "tray-item")).toEqual([]);
});

test("an element that leaves the page ends the reading", async () => {
  const video = await makeVideo({ frames: 60, each: 0.1, width: 640, height: 480 });
  drop(video);
  chat.remove();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  document.body.append(chat);
  await settled(chat);
  expect(textOf(chat, "note")).toBe("");
  expect(parts(chat, "tray-item")).toEqual([]);
});
