/** From a conversation to the ids that the decoder reads, one id an image. */
import type { ChatTemplate } from "./chat-template.ts";
import { reject } from "./json.ts";
import { type ChatMessage, checkMessages } from "./messages.ts";
import type { Tokenizer } from "./tokenizer.ts";

export interface Prompt {
  /** Begins with BOS where the model wants it. The i-th image id stands for the i-th image part of the conversation. */
  ids: number[];
  imageCount: number;
  /**
   * The answer continues the prompt's text, in mid-sentence maybe: prime the StreamDecoder with `ids`, or a space before
   * the answer's first word is lost.
   */
  continuesText: boolean;
}

/**
 * @throws TypeError, RangeError for messages that are malformed, that the model's template refuses, or that hold images
 *   where the model reads text only
 * @throws FoveaError `unsupported-model` for a template that fails or leaves images out
 */
export function buildPrompt(tokenizer: Tokenizer, template: ChatTemplate, messages: readonly ChatMessage[]): Prompt {
  const checked = checkMessages(messages);
  const image = tokenizer.imageToken;
  const imageCount = checked.reduce((sum, { parts }) => sum + parts.filter(({ type }) => type === "image").length, 0);
  if (imageCount > 0 && !image)
    throw new TypeError(`messages hold ${imageCount} image(s), but the model reads text only`);
  const ids = tokenizer.encodePrompt(template.render(checked), {
    // A text model's template writes BOS itself if the model was trained with it; transformers adds none. Templates of
    // models with images leave it to the tokenizer.
    addSpecialTokens: template.kind !== "template" || image !== undefined,
  });
  const found = image ? ids.filter((id) => id === image.id).length : 0;
  if (found !== imageCount)
    reject("chat template", `it makes ${found} places for ${imageCount} image(s); try fewer images or another order`);
  return { ids, imageCount, continuesText: template.kind === "completion" };
}
