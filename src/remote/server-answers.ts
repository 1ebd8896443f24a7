/** Reads the small answers of servers: the list of models, and the number of tokens. */
import type { TokenCount } from "../api.ts";
import { isJsonObject, quoted } from "../shared/json.ts";
import { ServerError } from "./server-error.ts";

/** A model as the server lists it; empty where it does not. */
export interface ListedModel {
  /** Who owns it: of some programs, the program. */
  owner?: string;
  /** Longest conversation, in tokens. */
  contextLength?: number;
  /** A sentence about a model that is not listed. */
  warning?: string;
}

const MAX_MODELS = 10_000;
const SHOWN_MODELS = 5;

/** Finds a model in the list; a list of another form counts as none. */
export function readModels(text: string, model: string): ListedModel {
  const list = parsed(text)?.data;
  if (!Array.isArray(list)) return {};
  const models = list.slice(0, MAX_MODELS).filter(isJsonObject);
  const found = models.find(({ id }) => id === model);
  const { owned_by: owner, max_model_len, meta } = found ?? models[0] ?? {};
  const context = found && (max_model_len ?? (isJsonObject(meta) ? (meta.n_ctx ?? meta.n_ctx_train) : undefined));
  const ids = models.flatMap(({ id }) => (typeof id === "string" ? [quoted(id)] : []));
  const isMissing = !found && ids.length > 0;
  const more = ids.length > SHOWN_MODELS ? ` and ${ids.length - SHOWN_MODELS} more` : "";
  return {
    ...(typeof owner === "string" && { owner }),
    ...(isCount(context) && { contextLength: context }),
    ...(isMissing && {
      warning: `the server does not list the model ${quoted(model)}; it lists ${ids.slice(0, SHOWN_MODELS).join(", ")}${more}`,
    }),
  };
}

/** Throws ServerError for an answer of another form. */
export function readCount(text: string, address: string): TokenCount {
  const { count, max_model_len: context } = parsed(text) ?? {};
  if (!isCount(count)) throw new ServerError(`${address} sent no number of tokens; leave countTokens out`);
  const contextLength = isCount(context) ? context : 0;
  return { promptTokens: count, imageTokens: 0, pictures: [], isExact: true, contextLength };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value < 2 ** 40;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
