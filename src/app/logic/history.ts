/** Keeps the last conversation, its model and the settings over a reload, in the browser's database. */
import { del, get, set } from "idb-keyval";
import type { ImageInput } from "../../api.ts";
import type { ChatTurn } from "../../element/fovea-chat.ts";
import { isRunning } from "../../element/turns.ts";
import { FoveaError, type FoveaErrorCode } from "../../errors.ts";
import { PLAIN_SETTINGS, type Settings } from "./settings.ts";

const KEY = "fovea-page-1";
/** The record of one word's gaze is many numbers; a longer one is not kept. */
const MAX_ATTENTION = 2 ** 20;

type KeptTurn = Omit<ChatTurn, "id" | "pictures"> & { pictures: readonly { image: ImageInput }[] };

export interface Kept {
  /** The element's `model`. */
  model: string;
  settings: Settings;
  /** The model's own. Settings that differ from them were chosen. */
  defaults: Settings;
  turns: readonly KeptTurn[];
}

/**
 * Keeps finished answers, and pictures that are files or addresses. Never throws: a private window keeps nothing.
 */
export async function keep({
  model,
  settings,
  defaults,
  turns,
}: Omit<Kept, "turns"> & { turns: readonly ChatTurn[] }): Promise<void> {
  const kept = turns.map(({ question, pictures, answers, shown, leftOut }) => ({
    question,
    pictures: pictures
      .filter(({ image }) => image instanceof Blob || typeof image === "string")
      .map(({ image }) => ({ image })),
    answers: answers
      .filter((one) => !isRunning(one))
      .map(({ error, attention, ...answer }) => ({
        ...answer,
        ...(error !== undefined && { error: keptError(error) }),
        ...(attention && attentionSize(attention) <= MAX_ATTENTION && { attention }),
      })),
    shown,
    ...(leftOut && { leftOut }),
  }));
  await set(KEY, { model, settings, defaults, turns: kept }).catch(() => {});
}

/** The database would make plain errors of ours. */
function keptError(error: unknown): { message: string; code?: FoveaErrorCode } {
  if (error instanceof FoveaError) return { message: error.message, code: error.code };
  return { message: error instanceof Error ? error.message : String(error) };
}

function revived({ answers, ...turn }: KeptTurn): KeptTurn {
  const withErrors = answers.map((answer) => {
    const { message, code } = (answer.error ?? {}) as Partial<ReturnType<typeof keptError>>;
    if (message === undefined) return answer;
    return { ...answer, error: code ? new FoveaError(code, message) : new Error(message) };
  });
  return { ...turn, answers: withErrors };
}

function attentionSize({ layers }: NonNullable<ChatTurn["answers"][number]["attention"]>): number {
  return layers.reduce((sum, { focus }) => sum + focus.data.length, 0);
}

/** The kept conversation; undefined if there is none, or none of this form. */
export async function kept(): Promise<Kept | undefined> {
  try {
    const found = (await get(KEY)) as Kept | undefined;
    if (typeof found?.model !== "string" || !Array.isArray(found.turns)) return undefined;
    // An older page may have had fewer settings.
    return {
      ...found,
      turns: found.turns.map(revived),
      settings: { ...PLAIN_SETTINGS, ...found.settings },
      defaults: { ...PLAIN_SETTINGS, ...found.defaults },
    };
  } catch {
    return undefined;
  }
}

export async function forgetKept(): Promise<void> {
  await del(KEY).catch(() => {});
}
