/** Compares an answer with and without compression and inhibition: the runs, and the verdict in one sentence. */
import type { FoveaModel, GenerationStats, ImageInput, Message, ModelInfo } from "../../api.ts";
import type { ChatTurn } from "../../element/fovea-chat.ts";
import { picturesOf, readTurns, shownAnswer } from "../../element/turns.ts";
import { loadPicture } from "./picture-items.ts";
import { HALF, plainSettings, requestOf, type Settings } from "./settings.ts";
import type { Comparison, Side } from "./state.ts";

/** Tokens of the runs that warm the GPU up. */
const WARM_TOKENS = 2;

/** The two settings to compare: the user's, or half of the tokens where those change nothing, and both off. */
export function comparedSettings(settings: Settings): { label: string; settings: Settings }[] {
  const isPlain = settings.budget >= 1 && settings.inhibition === 0;
  return [
    isPlain
      ? { label: "Half of the tokens", settings: { ...settings, ...HALF } }
      : { label: "Your settings", settings },
    { label: "All tokens, no inhibition", settings: plainSettings(settings) },
  ];
}

/**
 * Asks the last question of `turns` again, twice in each way: the first run compiles and warms up, the second is
 * measured. Both encode their pictures anew: a decoded bitmap is a new picture to the engine's cache.
 *
 * @param onState called with each step, and the result
 */
export async function compare(
  model: FoveaModel,
  turns: readonly ChatTurn[],
  settings: Settings,
  signal: AbortSignal,
  onState: (state: Comparison) => void,
): Promise<void> {
  const both = comparedSettings(settings);
  const sides: Side[] = [];
  try {
    for (const one of both) {
      onState({ state: "running", text: `Warming up: ${one.label.toLowerCase()}`, sides });
      await run(model, turns, { ...one.settings, maxTokens: WARM_TOKENS }, signal);
    }
    for (const { label, settings } of both) {
      onState({ state: "running", text: `Measuring: ${label.toLowerCase()}`, sides: [...sides] });
      sides.push({ label, ...(await run(model, turns, settings, signal)) });
    }
    onState({ state: "done", text: verdict(sides[0]!, sides[1]!), sides });
  } catch (error) {
    onState({ state: "failed", text: error instanceof Error ? error.message : String(error), sides });
  }
}

async function run(model: FoveaModel, turns: readonly ChatTurn[], settings: Settings, signal: AbortSignal) {
  const messages = await messagesOf(turns, model.info);
  const { attention: _, ...request } = requestOf(settings, model.info);
  let text = "";
  let stats: GenerationStats | undefined;
  for await (const event of model.generate({ ...request, messages, signal })) {
    if (event.type === "text") text += event.text;
    if (event.type === "done") stats = event.stats;
  }
  return { text: text.trim(), stats: stats! };
}

/** The conversation up to the last question, with fresh bitmaps. */
async function messagesOf(turns: readonly ChatTurn[], { takesPictures, maxPictures }: ModelInfo): Promise<Message[]> {
  const messages: Message[] = [];
  const last = turns.at(-1)!;
  for (const turn of [...readTurns(turns.slice(0, -1), last, maxPictures), last]) {
    const images = takesPictures ? await Promise.all(picturesOf(turn).map(({ image }) => fresh(image))) : [];
    const content = [
      ...images.map((image) => ({ type: "image" as const, image })),
      { type: "text" as const, text: turn.question },
    ];
    messages.push({ role: "user", content });
    if (turn !== last) messages.push({ role: "assistant", content: shownAnswer(turn).text });
  }
  return messages;
}

async function fresh(image: ImageInput): Promise<ImageInput> {
  if (typeof image !== "string" && !(image instanceof Blob)) return image;
  const shown = await loadPicture(image);
  if (!shown) return image;
  try {
    return await createImageBitmap(shown);
  } finally {
    if (image instanceof Blob) URL.revokeObjectURL(shown.src);
  }
}

/** "Half of the tokens, the same answer, 1.6 x faster to the first word." Says so where there is no gain. */
export function verdict(a: Pick<Side, "text" | "stats">, b: Pick<Side, "text" | "stats">): string {
  const share = a.stats.imageTokensAfter / Math.max(1, b.stats.imageTokensAfter);
  const gain = b.stats.timeToFirstTokenMs / Math.max(1e-3, a.stats.timeToFirstTokenMs);
  const tokens = share === 1 ? "As many tokens" : `${Math.round(100 * share)} % of the tokens`;
  const answer = a.text === b.text ? "the same answer" : "another answer";
  const speed =
    gain >= 1.05
      ? `${gain.toFixed(1)} × faster to the first word`
      : gain <= 1 / 1.05
        ? `${(1 / gain).toFixed(1)} × slower to the first word`
        : "as fast to the first word";
  return `${tokens}, ${answer}, ${speed}.`;
}
