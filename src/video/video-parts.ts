/** Videos of a conversation become pictures with text between them. Loaded with the first video. */
import { throwIfAborted } from "../errors.ts";
import { checkFields } from "../shared/arguments.ts";
import { checkInteger } from "../shared/assert.ts";
import type { Message, VideoPart } from "../shared/message.ts";
import type { ImageInput, PictureBudget } from "../shared/picture.ts";
import type { VideoRule } from "../shared/video.ts";
import { isVideo } from "./has-video.ts";
import { readVideo } from "./video-frames.ts";

/** A part without videos. A picture of a video may have a budget of its own. */
export type StillPart = { type: "text"; text: string } | { type: "image"; image: ImageInput; budget?: PictureBudget };

type Still<M> = M extends Message ? Omit<M, "content"> & { content: string | StillPart[] } : never;
export type StillMessage = Still<Message>;

/** Of a model that was trained on single pictures. */
export const PLAIN_RULE: VideoRule = { maxFrames: 8 };

/**
 * The conversation with pictures in the place of videos. Videos are read one after another, because each decoder takes
 * memory.
 *
 * @throws as `videoFrames`; TypeError or RangeError for a wrong field of a part
 */
export async function withoutVideos(
  messages: readonly Message[],
  rule: VideoRule,
  signal: AbortSignal | undefined,
): Promise<StillMessage[]> {
  const still: StillMessage[] = [];
  for (const [i, message] of messages.entries()) {
    if (!Array.isArray(message?.content)) {
      still.push(message as StillMessage);
      continue;
    }
    const content: StillPart[] = [];
    for (const [k, part] of message.content.entries())
      content.push(...(isVideo(part) ? await stillParts(part, `messages[${i}].content[${k}]`, rule, signal) : [part]));
    still.push({ ...message, content });
  }
  return still;
}

/** The pictures of one video and the text between them. Throws as `withoutVideos`. @param where for messages */
export async function stillParts(
  part: VideoPart,
  where: string,
  rule: VideoRule,
  signal: AbortSignal | undefined,
): Promise<StillPart[]> {
  checkFields(where, part, ["type", "video", "frames"]);
  const most = part.frames === undefined ? rule.maxFrames : checkInteger(`${where}.frames`, part.frames, 1, 64);
  throwIfAborted(signal, "reading of a video");
  const { frames, seconds } = await readVideo(part.video, {
    frames: most,
    ...(rule.framesPerSecond !== undefined && part.frames === undefined && { framesPerSecond: rule.framesPerSecond }),
    ...(signal && { signal }),
  });
  const budget = rule.budget?.(frames.length);
  const text = (words: string | undefined): StillPart[] => (words ? [{ type: "text", text: words }] : []);
  return joined([
    ...text(rule.intro?.(frames.length, seconds)),
    ...frames.flatMap(({ image, seconds: at }, i): StillPart[] => [
      ...text(rule.stamp?.(i, at)),
      { type: "image", image, ...(budget && { budget }) },
    ]),
    ...text(rule.outro),
  ]);
}

/** Texts that follow each other as one: some templates put something between parts. */
function joined(parts: readonly StillPart[]): StillPart[] {
  const all: StillPart[] = [];
  for (const part of parts) {
    const last = all.at(-1);
    if (part.type === "text" && last?.type === "text")
      all[all.length - 1] = { type: "text", text: last.text + part.text };
    else all.push(part);
  }
  return all;
}
