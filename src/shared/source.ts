/** Sources of models and addresses in one spelling, for every room that takes them from a user. Pure, apart from the page's address. */

/** A model's page on the Hugging Face hub, with or without a scheme, a revision, and whatever part of it was open. */
const HUB_PAGE =
  /^(?:https?:\/\/)?(?:www\.)?(?:huggingface\.co|hf\.co)\/([\w.-]+)\/([\w.-]+)(?:\/(?:tree|blob|resolve)\/([^/?#]+))?(?:[/?#].*)?$/i;

/** First parts of other pages there. */
const OTHER_PAGES = ["api", "blog", "collections", "datasets", "docs", "organizations", "papers", "spaces"];

/**
 * The source as the engine names it: "hf:owner/name" or "hf:owner/name@revision" for a model of the hub, whether its name,
 * "hf:" before it or the address of its page was given; an absolute address for one relative to the page, which begins with
 * a slash or dots. Any other text is unchanged, but trimmed.
 */
export function sourceName(source: string): string {
  const text = source.trim();
  const [, owner, name, revision = "main"] = HUB_PAGE.exec(text) ?? [];
  if (owner && name && !OTHER_PAGES.includes(owner.toLowerCase()))
    return `hf:${owner}/${name}${revision === "main" ? "" : `@${decoded(revision)}`}`;
  if (/^\.{0,2}\//.test(text)) return absoluteAddress(text);
  return /^[\w.-]+\/[\w.-]+(@\S+)?$/.test(text) ? `hf:${text}` : text;
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
