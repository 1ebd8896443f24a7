/** Frames of videos that the test makes: which frames, how large, and what is said of files that are none. */
import { describe, expect, test } from "vitest";
import { videoFrames } from "../../src/video/video-frames.ts";
import { levelOf, makeVideo, readLevel } from "../support/video.ts";

/** Which frames of `makeVideo` these are. Coding moves a level by a few steps. */
async function framesOf(images: readonly Blob[]): Promise<number[]> {
  const levels = await Promise.all(images.map(async (image) => (await readLevel(image)).level));
  return levels.map((level) => Math.round((level - levelOf(0)) / (levelOf(1) - levelOf(0))));
}

// WebM does not say how long the last frame is shown: 10 frames of 0.5 s last 4.5 s there.
test.each([
  ["webm", [0, 1, 2, 3, 4], [0, 2, 4, 6, 8]],
  ["mp4", [0.5, 1.5, 2.5, 3.5, 4.5], [1, 3, 5, 7, 9]],
] as const)("%s: frames stand in the middle of equal shares", async (container, times, frames) => {
  const file = await makeVideo({ container, frames: 10, each: 0.5 });
  const found = await videoFrames(file, { frames: 5 });
  expect(found.map(({ seconds }) => seconds)).toEqual(times.map((time) => expect.closeTo(time, 2)));
  expect(await framesOf(found.map(({ image }) => image))).toEqual(frames);
  expect(found[1]!.image.name).toBe(`clip.${container} at ${times[1].toFixed(1)} s.png`);
  expect(found.every(({ image }) => image.type === "image/png")).toBe(true);
});

test("a file with fewer frames gives each once", async () => {
  const found = await videoFrames(await makeVideo({ container: "mp4", frames: 3 }), { frames: 12 });
  expect(await framesOf(found.map(({ image }) => image))).toEqual([0, 1, 2]);
  expect(await videoFrames(await makeVideo({ frames: 1 }))).toHaveLength(1);
});

test("a video that starts late has its frames after that", async () => {
  const found = await videoFrames(await makeVideo({ container: "mp4", start: 4 }), { frames: 5 });
  expect(found.map(({ seconds }) => seconds)).toEqual([4.5, 5.5, 6.5, 7.5, 8.5].map((time) => expect.closeTo(time, 2)));
});

test("eight pictures of 1024 pixels at most, unless told otherwise", async () => {
  const file = await makeVideo({ frames: 12, width: 1280, height: 640 });
  const found = await videoFrames(file);
  expect(found).toHaveLength(8);
  expect(await readLevel(found[0]!.image)).toMatchObject({ width: 1024, height: 512 });
  const [small] = await videoFrames(file, { frames: 1, maxSide: 100 });
  expect(await readLevel(small!.image)).toMatchObject({ width: 100, height: 50 });
});

test("an address is read too", async () => {
  const address = URL.createObjectURL(await makeVideo({ container: "mp4" }));
  expect(await framesOf((await videoFrames(address, { frames: 2 })).map(({ image }) => image))).toEqual([2, 7]);
  await expect(videoFrames("/no-such-video.webm")).rejects.toMatchObject({
    code: expect.stringMatching(/download-failed|bad-image/),
    message: expect.stringContaining("no-such-video.webm"),
  });
});

test("a recording of this browser, which says no duration", { timeout: 60_000 }, async () => {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d")!;
  const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm" });
  const parts: Blob[] = [];
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  const paint = setInterval(() => {
    context.fillStyle = `hsl(${performance.now() % 360} 80% 50%)`;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }, 30);
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const ended = new Promise((resolve) => recorder.addEventListener("stop", resolve));
  recorder.stop();
  await ended;
  clearInterval(paint);
  const found = await videoFrames(new Blob(parts, { type: "video/webm" }), { frames: 3 });
  expect(found.length).toBeGreaterThan(1);
  expect(found.at(-1)!.seconds).toBeGreaterThan(0.3);
});

describe("refusals", () => {
  test("of files that are no video, damaged, or too long", async () => {
    const video = await makeVideo();
    const bytes = new Uint8Array(await video.arrayBuffer());
    const long = await makeVideo({ container: "mp4", frames: 2, each: 8000 });
    const cases: [File, RegExp][] = [
      [new File([], "a.mp4"), /^a\.mp4 is empty/],
      [
        new File(["hello"], "a.mp4", { type: "video/mp4" }),
        /^a\.mp4 is not a video that can be read \(5 bytes, video\/mp4\); use MP4/,
      ],
      [new File([bytes.slice(0, 60)], "cut.webm"), /^cut\.webm (is|has)/],
      [long, /^clip\.mp4 lasts 16000 s; at most 14400 s are read/],
    ];
    for (const [file, message] of cases)
      await expect(videoFrames(file), file.name).rejects.toMatchObject({
        code: "bad-image",
        message: expect.stringMatching(message),
      });
  });

  test("of what the browser cannot decode, with its name", async () => {
    const bytes = new Uint8Array(await (await makeVideo()).arrayBuffer());
    // The name of the codec, of the same length.
    const at = new TextDecoder("latin1").decode(bytes).indexOf("V_VP9");
    expect(at).toBeGreaterThan(0);
    bytes.set(new TextEncoder().encode("V_XYZ"), at);
    await expect(videoFrames(new File([bytes], "odd.webm"))).rejects.toMatchObject({
      code: "bad-image",
      message: expect.stringMatching(/^odd\.webm is coded as .*, which this browser cannot decode; save it as H\.264/),
    });
  });

  test("of frames that are damaged", async () => {
    const bytes = new Uint8Array(await (await makeVideo({ frames: 6, width: 640, height: 480 })).arrayBuffer());
    let errors = 0;
    for (let round = 0; round < 12; round++) {
      const damaged = bytes.slice();
      for (let i = 0; i < 40; i++) damaged[Math.floor(((round * 40 + i) * 7919) % damaged.length)]! ^= 0x55;
      const end = await videoFrames(new File([damaged], "bad.webm"), { frames: 4 }).catch((error: unknown) => error);
      if (Array.isArray(end)) continue;
      errors++;
      expect(end).toMatchObject({ code: "bad-image", message: expect.stringMatching(/^bad\.webm /) });
    }
    expect(errors).toBeGreaterThan(0);
  });

  test("of arguments", async () => {
    const video = await makeVideo({ frames: 1 });
    await expect(videoFrames(3 as never)).rejects.toThrow(TypeError);
    await expect(videoFrames("ftp://a/b.mp4")).rejects.toThrow(/supported addresses/);
    await expect(videoFrames(video, { frames: 65 })).rejects.toThrow("frames must be an integer from 1 to 64, got 65");
    await expect(videoFrames(video, { maxSide: 0 })).rejects.toThrow(RangeError);
    await expect(videoFrames(video, { fps: 2 } as never)).rejects.toThrow(/fps/);
  });
});

test("an abort ends it at once", async () => {
  const video = await makeVideo({ frames: 60, each: 0.1, width: 640, height: 480 });
  await expect(videoFrames(video, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
  const controller = new AbortController();
  const frames = videoFrames(video, { frames: 30, signal: controller.signal });
  setTimeout(() => controller.abort(), 20);
  await expect(frames).rejects.toMatchObject({ code: "aborted" });
  expect(await videoFrames(video, { frames: 1 })).toHaveLength(1);
});
