/** Stores the model's info beside its answers, so that a report needs no model. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { ModelInfo } from "../src/api.ts";
import type { ModelSource } from "./model-source.ts";

/** The stored info; undefined if it is of another model, or missing. */
export function readInfo(file: string, model: ModelSource): ModelInfo | undefined {
  if (!existsSync(file)) return undefined;
  const { hash, info } = JSON.parse(readFileSync(file, "utf8")) as { hash: string; info: ModelInfo };
  return hash === model.hash ? info : undefined;
}

/** Writes the model's info and hash to a file. */
export function writeInfo(file: string, model: ModelSource, info: ModelInfo): void {
  writeFileSync(file, JSON.stringify({ hash: model.hash, info }));
}
