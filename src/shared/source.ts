/**
 * Sources of models and addresses in one spelling, for every room that takes them from a user. Pure, apart from the
 * page's address.
 */

/** A model's page on the Hugging Face hub, with or without a scheme, a revision, and whatever part of it was open. */
const HUB_PAGE =
  /^(?:https?:\/\/)?(?:www\.)?(?:huggingface\.co|hf\.co)\/([\w.-]+)\/([\w.-]+)(?:\/(?:tree|blob|resolve)\/([^/?#]+))?(?:[/?#].*)?$/i;

/** A file that is a whole model, at the end of an address. */
const MODEL_FILE = /\/([^/?#]+\.gguf)(?:[?#].*)?$/i;

/** First parts of other pages there. */
const OTHER_PAGES = ["api", "blog", "collections", "datasets", "docs", "organizations", "papers", "spaces"];

/**
 * The source as the engine names it. A model of the hub is given by name, with "hf:" or by its page's address. It
 * becomes "hf:owner/name" or "hf:owner/name@revision", followed by ":variant" if one was named. An address relative to
 * the page, which begins with a slash or dots, becomes absolute. Any other text is only trimmed.
 */
export function sourceName(source: string): string {
  const text = source.trim();
  const [, owner, name, revision = "main"] = HUB_PAGE.exec(text) ?? [];
  if (owner && name && !OTHER_PAGES.includes(owner.toLowerCase()))
    return `hf:${owner}/${name}${revision === "main" ? "" : `@${decoded(revision)}`}${fileText(text)}`;
  if (/^\.{0,2}\//.test(text)) return absoluteAddress(text);
  return /^[\w.-]+\/[\w.-]+(@[^\s:]+)?(:[\w.,+-]+)?$/.test(text) ? `hf:${text}` : text;
}

/** ":file" for an address of a file that is a whole model. */
function fileText(address: string): string {
  const file = MODEL_FILE.exec(address)?.[1];
  return file === undefined ? "" : `:${decoded(file)}`;
}

/**
 * Takes the file or the variant off the end of a source, in the engine's spelling: "hf:owner/name:Q4_K_M", or the
 * address of a file that is a whole model.
 *
 * @returns the folder's source, and the chosen file or variant in it
 */
export function splitChoice(source: string): { folder: string; choice: string | undefined } {
  if (source.startsWith("hf:")) {
    const at = source.indexOf(":", 3);
    return at < 0
      ? { folder: source, choice: undefined }
      : { folder: source.slice(0, at), choice: source.slice(at + 1) || undefined };
  }
  const file = /^https?:/i.test(source) ? MODEL_FILE.exec(source)?.[1] : undefined;
  if (file === undefined) return { folder: source, choice: undefined };
  const query = /\?[^#]*/.exec(source)?.[0] ?? "";
  const end = source.search(/[?#]|$/);
  return { folder: source.slice(0, end - file.length) + query, choice: decoded(file) };
}

/** An address as one that holds anywhere; relative ones are relative to the page, or worker, as for `fetch`. */
export function absoluteAddress(address: string): string {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  return URL.canParse(address, base) ? new URL(address, base).href : address;
}

/** A revision may contain slashes, which its page's address encodes. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
