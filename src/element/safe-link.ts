/** Safe links in a model's answer: which addresses may become links, and how. Only a click opens one. */

/**
 * The address of a link; undefined for unsafe ones. Scripts, data and files are unsafe. So are addresses relative to the
 * page: the model cannot know them, and they may have effects. Addresses with a user name can imitate another host.
 */
export function safeAddress(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return undefined;
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  if (url.protocol !== "mailto:") return undefined;
  // The rest of such an address fills in the mail, including copies to others.
  url.search = "";
  url.hash = "";
  return url;
}

/**
 * A link that opens in a new tab and reveals nothing about this page. Its target follows the label, unless the label is
 * the target: a label may lie.
 */
export function makeLink(url: URL, label: Node[]): Node {
  const link = document.createElement("a");
  link.href = url.href;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  link.referrerPolicy = "no-referrer";
  link.title = url.href;
  link.dir = "auto";
  link.append(...label);
  const target = url.host || url.pathname;
  const said = link.textContent?.trim().toLowerCase() ?? "";
  if (said === "") link.append(target);
  else if (!sayingOnly(url, target).includes(said)) {
    const place = document.createElement("small");
    place.textContent = ` (${target})`;
    link.append(place);
  }
  return link;
}

/** Labels that consist of the link's target. */
function sayingOnly({ href }: URL, target: string): string[] {
  const whole = href.toLowerCase();
  const short = whole.replace(/^(https?:\/\/|mailto:)/, "");
  return [target, whole, short, whole.replace(/\/$/, ""), short.replace(/\/$/, "")];
}
