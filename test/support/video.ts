/** Makes small videos in a browser, frame by frame: each frame has one grey level, so that a test tells which it is. */
import { BufferTarget, CanvasSource, Mp4OutputFormat, Output, WebMOutputFormat } from "mediabunny";

export interface VideoCase {
  container?: "webm" | "mp4";
  frames?: number;
  /** Seconds that each frame is shown. */
  each?: number;
  width?: number;
  height?: number;
  /** Seconds before the first frame. */
  start?: number;
}

/** Frame i is grey with the level 20 i, and a white left half in frame 0. */
export async function makeVideo({
  container = "webm",
  frames = 10,
  each = 0.5,
  width = 64,
  height = 48,
  start = 0,
}: VideoCase = {}): Promise<File> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d")!;
  const format = container === "webm" ? new WebMOutputFormat() : new Mp4OutputFormat();
  const output = new Output({ format, target: new BufferTarget() });
  const source = new CanvasSource(canvas, { codec: "vp9", bitrate: 400_000, keyFrameInterval: 2 });
  output.addVideoTrack(source);
  await output.start();
  for (let i = 0; i < frames; i++) {
    context.fillStyle = `rgb(${levelOf(i)} ${levelOf(i)} ${levelOf(i)})`;
    context.fillRect(0, 0, width, height);
    await source.add(start + i * each, each);
  }
  await output.finalize();
  return new File([output.target.buffer!], `clip.${container}`, { type: `video/${container}` });
}

/** Grey level of a frame. */
export function levelOf(i: number): number {
  return 20 + 20 * (i % 12);
}

/** Grey level in the middle of a picture, and its sides. */
export async function readLevel(image: Blob): Promise<{ level: number; width: number; height: number }> {
  const bitmap = await createImageBitmap(image);
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d")!;
  context.drawImage(bitmap, 0, 0);
  return { level: context.getImageData(width >> 1, height >> 1, 1, 1).data[0]!, width, height };
}
