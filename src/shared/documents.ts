/** Documents that an answer may draw on, for models whose chat template has a place for them. */
import { isJsonObject, shown } from "./json.ts";

export interface TextDocument {
  text: string;
  title?: string;
  /** Further fields that the model's template names. */
  [field: string]: string | undefined;
}

const MAX_DOCUMENTS = 128;
/** All documents together, in characters: half of the longest prompt. */
const MAX_LENGTH = 2 ** 17;

/** The documents of a request; undefined for none. Throws TypeError or RangeError that names field, value and limit. */
export function checkDocuments(documents: unknown): TextDocument[] | undefined {
  if (documents === undefined) return undefined;
  if (!Array.isArray(documents)) throw new TypeError(`documents must be a list, got ${shown(documents)}`);
  if (documents.length > MAX_DOCUMENTS)
    throw new RangeError(`documents must hold at most ${MAX_DOCUMENTS}, got ${documents.length}`);
  let length = 0;
  const checked = Array.from(documents, (entry, i): TextDocument => {
    if (!isJsonObject(entry) || typeof entry.text !== "string")
      throw new TypeError(`documents[${i}] must be an object with a text, got ${shown(entry)}`);
    const fields = Object.entries(entry).filter(([, value]) => value !== undefined);
    for (const [name, value] of fields) {
      if (typeof value !== "string")
        throw new TypeError(`documents[${i}].${name.slice(0, 80)} must be a string, got ${shown(value)}`);
      length += value.length;
    }
    return Object.fromEntries(fields) as TextDocument;
  });
  if (length > MAX_LENGTH)
    throw new RangeError(`documents have ${length} characters, at most ${MAX_LENGTH} are read; leave some out`);
  return checked.length > 0 ? checked : undefined;
}
