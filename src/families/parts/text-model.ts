/** A decoder without pictures. */
import type { ModelSpec } from "../../spec/model-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { type DecoderKind, readDecoder } from "./decoder-config.ts";
import { ALONE, decoderTensors, isComputed } from "./decoder-tensors.ts";

/** Describes a text model by its config.json. Throws FoveaError `unsupported-model`. */
export function describeText(family: string, fields: ConfigFields, kind: DecoderKind): ModelSpec {
  const { decoder, tied, files } = readDecoder(fields, kind);
  return {
    family,
    connector: [],
    decoder,
    tensors: decoderTensors(decoder, ALONE, tied ? "tied" : "own", files),
    ignores: isComputed,
  };
}
