/** Turns a conversation into the decoder's ids in two steps: renders the template, then encodes the text. */
import { type PictureRun, tokensOf } from "../spec/picture-spec.ts";
import type { ChatTemplate, PromptPieces, ToolPrompt } from "./chat-template.ts";
import { reject } from "./json.ts";
import { escapeMarks } from "./literal.ts";
import { type ChatMessage, checkMessages } from "./messages.ts";
import type { ImageToken, Tokenizer } from "./tokenizer.ts";

/** The chat template's rendering of a conversation. */
export interface RenderedPrompt {
  /** With one placeholder for each picture; see `ChatTemplate.textOf`. */
  text: string;
  /** The text for the tokenizer, with users' text marked. */
  pieces: PromptPieces;
  pictureCount: number;
  /** The texts of the conversation alone, for a model without turns. */
  question?: string | undefined;
  /** The tokenizer puts BOS before the ids, unless they begin with it. */
  addBos: boolean;
  /** Even if they begin with it. */
  repeatsBos?: boolean;
  /**
   * The answer continues the prompt's text, perhaps in the middle of a sentence. Prime the StreamDecoder with the ids,
   * or the space before the answer's first word is lost.
   */
  continuesText: boolean;
}

/** Rows of the prompt, [start, start + count). With rows beside the prompt, `count` is 0 and `start` their placeholder. */
export interface RowRange {
  start: number;
  count: number;
}

export interface Prompt {
  /** As rendered, with one placeholder for each picture. */
  text: string;
  ids: Uint32Array; // [T], the image token's id in each picture row
  /** For each picture the rows of its views, in the order of its runs. */
  pictures: RowRange[][];
  continuesText: boolean;
}

export interface RenderOptions extends ToolPrompt {
  /** End with the start of an answer; default true. */
  addGenerationPrompt?: boolean;
}

/** Bounds a run's text, which comes from a model's files; tags have about 40 characters. */
const MAX_RUN_TEXT = 1024;
/** Bounds memory: 16 MiB of ids. The longest contexts have 2^20 rows. */
const MAX_ROWS = 2 ** 22;

/**
 * Renders a conversation by the model's template. Runs without the pictures, so that a bad request fails before they
 * are read.
 *
 * @throws TypeError or RangeError for messages that are malformed, that the model's template refuses, or that hold
 *   pictures for a text model
 * @throws FoveaError `unsupported-model` for a template that fails or leaves pictures out
 */
export function renderPrompt(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  { addGenerationPrompt = true, ...use }: RenderOptions = {},
): RenderedPrompt {
  const checked = checkMessages(messages);
  const { imageToken } = tokenizer;
  const pictureCount = checked.reduce((sum, { parts }) => sum + parts.filter(({ type }) => type === "image").length, 0);
  if (pictureCount > 0 && !imageToken)
    throw new TypeError(
      `messages hold ${pictureCount} image(s), but the model reads text only; leave them out, or load a model that reads pictures`,
    );
  const pieces = template.render(checked, addGenerationPrompt, use);
  const found = pieces.flatMap((piece) => splitAt(piece, imageToken).slice(1)).length;
  if (found !== pictureCount)
    reject("chat template", `it makes ${found} places for ${pictureCount} image(s); try fewer images or another order`);
  return {
    text: template.textOf(checked, pieces),
    pieces,
    pictureCount,
    question: template.questionOf(checked),
    // A text model's template writes BOS if the model was trained with it; transformers adds none. Templates of models
    // with pictures leave it to the tokenizer. A query has BOS after the pictures.
    addBos:
      template.addsBos || (template.kind !== "query" && (template.kind !== "template" || imageToken !== undefined)),
    repeatsBos: template.repeatsBos,
    continuesText: template.kind === "completion",
  };
}

/**
 * Replaces each placeholder by its picture's runs and encodes the whole. Runs become text before the encoding, so
 * merges across their borders are those of the whole text. A run of rows is written as one image token, and its id is
 * repeated afterwards. The ids are the same, and thousands of rows cost nothing.
 *
 * @param pictures each picture's runs, in the order of the conversation
 * @throws RangeError for a prompt that is too long
 * @throws FoveaError `unsupported-model` for runs whose text is too long or hides a row
 */
export function buildPrompt(
  tokenizer: Tokenizer,
  rendered: RenderedPrompt,
  pictures: readonly (readonly PictureRun[])[],
): Prompt {
  const { text, pictureCount, addBos, repeatsBos, continuesText } = rendered;
  if (pictures.length !== pictureCount)
    throw new TypeError(`runs of ${pictures.length} pictures for a prompt with ${pictureCount}`);
  const { imageToken } = tokenizer;
  let next = 0;
  const expand = (piece: string): string =>
    splitAt(piece, imageToken).reduce((before, after) => before + runsText(pictures[next++]!, imageToken!) + after);
  const pieces = rendered.pieces.map((piece) => (typeof piece === "string" ? expand(piece) : piece));
  const short = tokenizer.encodePrompt(pieces, { addSpecialTokens: addBos, repeatsPrefix: repeatsBos });
  return { text, ...repeatRows(short, pictures, imageToken?.id), continuesText };
}

/** The text around the pictures' placeholders; users' text never counts as a placeholder. */
function splitAt(piece: string | number, imageToken: ImageToken | undefined): string[] {
  return typeof piece === "string" && imageToken ? piece.split(imageToken.inTemplate) : [String(piece)];
}

/** A picture's runs as text, with one image token for each run of rows. */
function runsText(runs: readonly PictureRun[], imageToken: ImageToken): string {
  const texts = runs.map((run) => {
    if (!("text" in run)) return imageToken.text;
    if (run.text.length > MAX_RUN_TEXT)
      reject("picture tags", `${run.text.length} characters between two views, at most ${MAX_RUN_TEXT} are read`);
    return escapeMarks(run.text);
  });
  return texts.join("");
}

/** Repeats each image id as often as its run has rows in the prompt. A run beside it has none, and one id. */
function repeatRows(short: readonly number[], pictures: readonly (readonly PictureRun[])[], imageId?: number) {
  const placed = pictures.map((runs) => runs.flatMap((run) => ("text" in run ? [] : run)));
  const runs = placed.flat();
  const found = short.filter((id) => id === imageId).length;
  if (found !== runs.length)
    reject("picture tags", `the prompt has ${found} places for ${runs.length} runs of picture rows`);
  const length = runs.reduce((sum, run) => sum + tokensOf(run), short.length - runs.length);
  if (!(length <= MAX_ROWS) || runs.some(({ rows }) => !Number.isInteger(rows) || rows < 1))
    throw new RangeError(`a prompt of ${length} rows, expected at most ${MAX_ROWS} and at least one for each view`);

  const ids = new Uint32Array(length);
  const ranges: RowRange[] = [];
  let row = 0;
  for (const id of short) {
    const run = id === imageId ? runs[ranges.length]! : undefined;
    const count = run ? tokensOf(run) : 1;
    if (run) ranges.push({ start: row, count: run.beside ? 0 : count });
    ids.fill(id, row, row + count);
    row += count;
  }
  let next = 0;
  return { ids, pictures: placed.map((own) => own.map(() => ranges[next++]!)) };
}
