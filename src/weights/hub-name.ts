/** Names of models on a hub. Apart from its interface, which is loaded with the first such model. */
import { quoted } from "../shared/json.ts";

export interface HubModel {
  readonly owner: string;
  readonly name: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

/** Parses "hf:owner/name" or "hf:owner/name@revision". Throws TypeError for anything else. */
export function parseHubName(source: string): HubModel {
  const [, owner = "", name = "", revision = "main"] = /^hf:([^/@]+)\/([^/@]+)(?:@(.+))?$/.exec(source) ?? [];
  const isName = (part: string) => /^[\w.-]{1,96}$/.test(part) && !/^\.|\.\./.test(part);
  const isRevision = /^[\w./-]{1,255}$/.test(revision) && !revision.split("/").some((part) => /^\.*$/.test(part));
  if (!isName(owner) || !isName(name) || !isRevision)
    throw new TypeError(`${quoted(source)} is not a hub model; write hf:owner/name or hf:owner/name@revision`);
  return { owner, name, revision };
}
