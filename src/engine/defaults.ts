/**
 * Defaults of requests: the compression and inhibition that a model's publisher recommends, in fovea.json of its folder
 * or in weights-manifest.json. Without them a model keeps all of its tokens and plain attention.
 */
import type { Compression, Inhibition } from "../api.ts";
import { FoveaError } from "../errors.ts";
import { planModelViews } from "../model/encoder/row-planner.ts";
import { planInhibition } from "../model/inhibition/plan.ts";
import { isJsonObject, quoted } from "../shared/json.ts";
import { DEFAULTS_FILE } from "../shared/model-files.ts";
import type { EncoderSpec, ModelSpec } from "../spec/model-spec.ts";
import type { Grid, PictureSpec } from "../spec/picture-spec.ts";
import type { ReadOptions } from "../weights/byte-source.ts";
import type { ModelFolder } from "../weights/folder.ts";

export interface RequestDefaults {
  compression: Compression;
  inhibition: Inhibition;
}

const NOTHING: RequestDefaults = { compression: { method: "none" }, inhibition: { maxRatio: 0 } };

/**
 * Reads and checks the defaults of a model.
 *
 * @param known those of the manifest's entry, which take precedence
 * @throws FoveaError `unsupported-model` naming the file, the field and the fault
 */
export async function readDefaults(
  folder: ModelFolder,
  spec: ModelSpec,
  known: unknown,
  options: ReadOptions & { warn?: ((message: string) => void) | undefined },
): Promise<RequestDefaults> {
  if (known !== undefined) return parseDefaults(known, "weights-manifest.json: defaults", spec);
  const json = await folder.json(DEFAULTS_FILE, options);
  if (json === undefined) return NOTHING;
  if (!isJsonObject(json)) throw bad(DEFAULTS_FILE, "it is no object");
  const unknown = Object.keys(json).find((name) => name !== "defaults");
  if (unknown !== undefined)
    options.warn?.(`${DEFAULTS_FILE}: ${quoted(unknown)} is ignored; the only field is "defaults".`);
  return parseDefaults(json.defaults ?? {}, `${DEFAULTS_FILE}: defaults`, spec);
}

function parseDefaults(value: unknown, where: string, spec: ModelSpec): RequestDefaults {
  const { encoder, pictures, decoder, connector } = spec;
  if (!isJsonObject(value)) throw bad(where, "it is no object");
  const unknown = Object.keys(value).find((name) => name !== "compression" && name !== "inhibition");
  if (unknown !== undefined) throw bad(where, `${quoted(unknown)} is not known; there are compression and inhibition`);
  const { compression, inhibition } = { ...NOTHING, ...(value as Partial<RequestDefaults>) };
  const grids = encoder ? mostGrids(encoder, pictures) : [];
  if (encoder) check(`${where}.compression`, () => planModelViews({ encoder, connector }, compression, grids));
  if (decoder) check(`${where}.inhibition`, () => planInhibition(inhibition, decoder.layers));
  return {
    compression: encoder ? compression : NOTHING.compression,
    inhibition: decoder ? inhibition : NOTHING.inhibition,
  };
}

/** Grids of the views of the costliest picture: a compression valid for it is valid for pictures with fewer views. */
function mostGrids(encoder: EncoderSpec, pictures: PictureSpec | undefined): Grid[] {
  // A usual grid, for a model that reads pictures of any size.
  if (pictures?.shaped) return [encoder.positions.grid];
  const { width, height } = pictures?.largest ?? { width: 1, height: 1 };
  const views = pictures?.plan(width, height, {}).views ?? [];
  return views.map(({ grid }) => grid);
}

function check(where: string, plan: () => unknown): void {
  try {
    plan();
  } catch (cause) {
    throw bad(where, cause instanceof Error ? cause.message : String(cause));
  }
}

function bad(where: string, problem: string): FoveaError {
  return new FoveaError("unsupported-model", `${where}: ${problem}; fix the file, or load the model without it`);
}
