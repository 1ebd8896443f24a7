/** Which addresses of a model's answer may become links, and how such a link is made. A click is the only way to one. */

/**
 * The address of a link, or undefined for what is not to be followed: scripts, data, files, addresses relative to the
 * page (which the model cannot know, and which may do something there), and addresses with a name and password in them
 * (which look like those of another host).
 */
export function safeAddress(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return undefined;
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  if (url.protocol !== "mailto:") return undefined;
  // The rest of such an address writes the letter, with copies to whomever it names.
  url.search = "";
  url.hash = "";
  return url;
}

/**
 * A link that opens in a new tab, which learns nothing of this page. Where it leads stands behind its label, unless the
 * label says just that: a label is a claim.
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

/** Labels that name a link's target and nothing else. */
function sayingOnly({ href }: URL, target: string): string[] {
  const whole = href.toLowerCase();
  const short = whole.replace(/^(https?:\/\/|mailto:)/, "");
  return [target, whole, short, whole.replace(/\/$/, ""), short.replace(/\/$/, "")];
}
