/** Packs a model from any source: a known name, the hub, an address, or files. */
import type { ModelFiles } from "../../api.ts";
import type { FolderSink } from "../../weights/formats/packed/write-safetensors.ts";
import { withModel } from "../../weights/open-model.ts";
import { type PackModelOptions, type PackSummary, packModel } from "./pack-model.ts";

/** Packs a model. Stores nothing except the copy. Throws as `packModel`, and TypeError for an invalid source. */
export function packFrom(
  source: string | URL | ModelFiles,
  to: FolderSink,
  { hubToken, hubUrl, ...options }: PackModelOptions & Record<"hubToken" | "hubUrl", string | undefined>,
): Promise<PackSummary> {
  const opening = { cache: "none" as const, hubToken, hubUrl, signal: options.signal };
  return withModel(source, opening, (folder) => packModel(folder, to, options));
}
