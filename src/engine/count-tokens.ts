/** Counts the tokens of a conversation: renders its text and plans its pictures. Nothing runs on the GPU. */
import type { CountTokensOptions, Message, TokenCount } from "../api.ts";
import { FoveaError, throwIfAborted } from "../errors.ts";
import { checkDocuments } from "../shared/documents.ts";
import { buildPrompt } from "../text/prompt.ts";
import { checkKnownIds, needLanguage, type PreparedConversation, prepareConversation } from "./conversation-prompt.ts";
import type { Engine } from "./engine.ts";
import { checkBudget, needPictures, planPicture, readsAsSeveral } from "./pictures.ts";

/** Renders a conversation and starts to fetch its pictures. The caller closes them. Throws as `Fovea.countTokens`. */
export async function prepareCount(
  engine: Engine,
  messages: readonly Message[],
  { tools: given, documents, signal }: Pick<CountTokensOptions, "tools" | "documents" | "signal">,
): Promise<PreparedConversation> {
  if (!engine.text)
    throw new FoveaError("unsupported-model", "this model has no decoder, so a conversation has no tokens in it");
  const tools =
    given === undefined ? undefined : (await import("../shared/check-tools.ts")).checkTools(given, undefined).tools;
  return prepareConversation(engine, messages, { signal, tools, documents: checkDocuments(documents) });
}

/**
 * Counts the tokens of a prepared conversation. Throws as `Fovea.countTokens`.
 *
 * @param prepared of `messages`; the caller closes its pictures
 */
export async function countTokens(
  engine: Engine,
  { rendered, pictures: inputs }: PreparedConversation,
  { compression = engine.defaults.compression, pictures: budget = {}, signal }: CountTokensOptions,
): Promise<TokenCount> {
  checkBudget(budget);
  const several = readsAsSeveral(engine, inputs.all.length);
  const planned = [];
  for (const input of inputs.all) {
    throwIfAborted(signal, "the counting of tokens");
    const { encoder, pictures } = needPictures(engine);
    const picture = await input.take(signal);
    try {
      const plan = planPicture(pictures, picture, { budget: input.budgetUnder(budget), several });
      const { rows, isExact } = encoder.rows.plannedRows(plan, compression);
      const runs = pictures.runs(plan, rows);
      // Rows beside the prompt are none of its tokens.
      const tokens = runs.reduce((sum, run) => ("text" in run || run.beside ? sum : sum + run.rows), 0);
      planned.push({ runs, tokens, isExact });
    } finally {
      picture.close();
    }
  }
  const { ids } = buildPrompt(
    needLanguage(engine).tokenizer,
    rendered,
    planned.map(({ runs }) => runs),
  );
  checkKnownIds(ids, engine.spec);
  const pictures = planned.map(({ tokens }) => tokens);
  return {
    promptTokens: ids.length,
    imageTokens: pictures.reduce((sum, tokens) => sum + tokens, 0),
    pictures,
    isExact: planned.every(({ isExact }) => isExact),
    contextLength: engine.text?.contextLength ?? 0,
  };
}
