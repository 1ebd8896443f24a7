/** Checks and renders a conversation for answers and inspections: its text and its pictures. */
import type { Message } from "../api.ts";
import { FoveaError } from "../errors.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import { type RenderedPrompt, type RenderOptions, renderPrompt } from "../text/prompt.ts";
import { hasVideo } from "../video/has-video.ts";
import type { StillMessage } from "../video/video-parts.ts";
import type { Engine } from "./engine.ts";
import type { Language } from "./language.ts";
import { type RequestedPicture, RequestPictures } from "./request-pictures.ts";

/** A conversation before any GPU work. The caller closes its pictures. */
export interface PreparedConversation {
  rendered: RenderedPrompt;
  pictures: RequestPictures;
}

/**
 * Renders a conversation by the model's template and starts to fetch its pictures. Videos become pictures before. Throws as
 * `renderPrompt` and `videoFrames`.
 */
export async function prepareConversation(
  engine: Engine,
  messages: readonly Message[],
  { signal, ...options }: RenderOptions & { signal?: AbortSignal | undefined } = {},
): Promise<PreparedConversation> {
  const { tokenizer, template } = needLanguage(engine);
  const still = hasVideo(messages) ? await pictureVideos(engine, messages, signal) : (messages as StillMessage[]);
  const rendered = renderPrompt(tokenizer, template, still, options);
  return { rendered, pictures: new RequestPictures(imagesOf(still), signal) };
}

/** The conversation with pictures in place of videos. The code that reads videos is loaded here. */
async function pictureVideos(
  engine: Engine,
  messages: readonly Message[],
  signal: AbortSignal | undefined,
): Promise<StillMessage[]> {
  const [{ withoutVideos }, { videoRule }] = await Promise.all([
    import("../video/video-parts.ts"),
    import("./video-rule.ts"),
  ]);
  return withoutVideos(messages, videoRule(engine), signal);
}

/** Throws FoveaError `unsupported-model` for a model without a tokenizer. */
export function needLanguage({ language }: Engine): Language {
  if (!language)
    throw new FoveaError(
      "unsupported-model",
      "this model has no tokenizer.json in its folder: it can be inspected by ids, but not chatted with",
    );
  return language;
}

/** Ids of the question, for pictures whose rows depend on it; otherwise undefined. */
export function questionIds({ language }: Engine, { question, pictureCount }: RenderedPrompt): number[] | undefined {
  if (question === undefined || pictureCount === 0) return undefined;
  return language?.questionIds?.(question);
}

/** The pictures of a conversation in order. */
function imagesOf(messages: readonly StillMessage[]): RequestedPicture[] {
  return messages.flatMap(({ content }) =>
    typeof content === "string" ? [] : content.flatMap((part) => (part.type === "image" ? [part] : [])),
  );
}

/**
 * Checks ids against the model's vocabulary: a tokenizer may have others, such as one for padding.
 *
 * @throws FoveaError `unsupported-model` for a prompt that holds one
 */
export function checkKnownIds(ids: ArrayLike<number>, { decoder, imageTokenId }: ModelSpec): void {
  const { vocabularySize } = decoder!;
  const unknown = Array.from(ids).find((id) => id >= vocabularySize && id !== imageTokenId);
  if (unknown !== undefined)
    throw new FoveaError(
      "unsupported-model",
      `the tokenizer turns the question into the id ${unknown}, but the model's vocabulary has ${vocabularySize}; tokenizer.json is of another model`,
    );
}
