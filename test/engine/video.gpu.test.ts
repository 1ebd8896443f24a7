/** A video as a part of a message: sampled as the model was trained, with its words between the pictures. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GenerationEvent, Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { useDevice } from "../support/gpu.ts";
import { sharedUrl } from "../support/shared.ts";
import { makeVideo } from "../support/video.ts";

const { device } = useDevice();

function load(folder: string, maxContext?: number): Promise<Fovea> {
  const options = { weights: "f32", precision: "f32", device: device(), ...(maxContext && { maxContext }) } as const;
  return Fovea.load(sharedUrl(`golden/families/${folder}/model`), options);
}

/** Four seconds. */
let video: File;
beforeAll(async () => {
  video = await makeVideo({ container: "mp4", frames: 8, each: 0.5, width: 96, height: 64 });
});
const ask = (content: Message["content"]): Message[] => [{ role: "user", content }];

describe("a model with words for videos", () => {
  let fovea: Fovea;
  beforeAll(async () => {
    fovea = await load("smolvlm-s3-spelled-f32-sharded", 1024);
  });
  afterAll(() => fovea.dispose());

  test("reads a frame a second, none of them cut, with intro and times as its processor writes them", async () => {
    const { prompt } = await fovea.inspect({
      messages: ask([
        { type: "video", video },
        { type: "text", text: "What?" },
      ]),
    });
    const frames = ["00:00", "00:01", "00:02", "00:03"].map((time) => `\nFrame from ${time}:<image>`);
    expect(prompt.text).toBe(
      `<|im_start|>User: You are provided the following series of four frames from a 0:00:04 [H:MM:SS] video.\n${frames.join("")}\n\nWhat?<end_of_utterance>\nAssistant:`,
    );
    // One view each.
    expect(prompt.pictures.map((runs) => runs.length)).toEqual([1, 1, 1, 1]);
  });

  test("takes as many as a part says, and no more than half of its context holds", async () => {
    const count = (frames?: number) => fovea.countTokens(ask([{ type: "video", video, ...(frames && { frames }) }]));
    for (const frames of [2, 6]) expect((await count(frames)).pictures).toHaveLength(frames);
    const few = await load("smolvlm-s3-spelled-f32-sharded", 64);
    const { pictures, imageTokens } = await few.countTokens(ask([{ type: "video", video }]));
    expect([pictures.length > 0, imageTokens <= 32]).toEqual([true, true]);
    few.dispose();
  });

  test("counts what it then reads, and reads no frame twice", async () => {
    const messages = ask([
      { type: "video", video },
      { type: "text", text: "What?" },
    ]);
    const counted = await fovea.countTokens(messages);
    const done = async (asked: Message[]) => {
      const events: GenerationEvent[] = [];
      for await (const event of fovea.generate({ messages: asked, maxTokens: 4 })) events.push(event);
      const last = events.at(-1)!;
      if (last.type !== "done") throw new Error("no done event");
      return { ...last, images: events.filter(({ type }) => type === "image").length };
    };
    const first = await done(messages);
    expect([first.images, first.stats.promptTokens]).toEqual([4, counted.promptTokens]);
    const text = "Red.";
    const second = await done([...messages, { role: "assistant", content: text }, { role: "user", content: "Why?" }]);
    expect(second.stats.pictures.every(({ reused }) => reused)).toBe(true);
    expect(second.stats.reusedTokens).toBeGreaterThan(counted.imageTokens);
  });

  test("an address, and what is no video", async () => {
    const address = URL.createObjectURL(video);
    expect((await fovea.countTokens(ask([{ type: "video", video: address }]))).pictures).toHaveLength(4);
    const odd = new File(["no video"], "odd.mp4", { type: "video/mp4" });
    await expect(fovea.generate({ messages: ask([{ type: "video", video: odd }]) }).text()).rejects.toMatchObject({
      code: "bad-image",
      message: expect.stringMatching(/^odd\.mp4 is not a video/),
    });
    const wrong = (part: object) => fovea.countTokens(ask([{ type: "video", video, ...part } as never]));
    await expect(wrong({ frames: 65 })).rejects.toThrow(
      "messages[0].content[0].frames must be an integer from 1 to 64",
    );
    await expect(wrong({ fps: 1 })).rejects.toThrow(/messages\[0\]\.content\[0\]\.fps is not known/);
    await expect(wrong({ video: 5 })).rejects.toThrow(TypeError);
  });
});

test("a model whose pictures have any size gives all frames together the room of one", async () => {
  const fovea = await load("qwen3_vl-bf16", 512);
  const large = await makeVideo({ frames: 12, each: 0.5, width: 640, height: 480 });
  const { prompt } = await fovea.inspect({ messages: ask([{ type: "video", video: large, frames: 4 }]) });
  const times = [...prompt.text.matchAll(/<(\d\.\d) seconds>/g)].map(([, time]) => Number(time));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times).toHaveLength(4);
  const rows = prompt.pictures.flat().reduce((sum, { count }) => sum + count, 0);
  expect(rows).toBeLessThanOrEqual(256);
  fovea.dispose();
});

test("a model that reads text only says so before anything is read", async () => {
  const fovea = await load("text-smollm3");
  await expect(fovea.countTokens(ask([{ type: "video", video }]))).rejects.toMatchObject({ code: "unsupported-model" });
  fovea.dispose();
});
