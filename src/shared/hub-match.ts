/** Results of a search on a hub. Types only. */

export interface HubMatch {
  /** As `Fovea.load` takes it: "hf:owner/name". */
  source: string;
  /** As the hub counts them. */
  downloads: number;
  /** True if a licence must be accepted first, and a token given. */
  gated: boolean;
}

export interface HubSearchOptions {
  /** As for `Fovea.load`. */
  hubUrl?: string;
  /** As for `Fovea.load`: finds private models too. */
  hubToken?: string;
  /** Models that the hub is asked for, of which those that cannot be loaded are left out: 1 to 100, default 50. */
  limit?: number;
  signal?: AbortSignal;
}
