/** Small JSON files of models for tests: changed copies, and the message of what is refused. */
import { expect } from "vitest";
import { FoveaError, type FoveaErrorCode } from "../../src/errors.ts";
import { describeModel } from "./describe-model.ts";

/** A copy of `json` with fields set or, by undefined, removed; a path like "text_config.hidden_size" goes inside. */
export function having(json: object, changes: Record<string, unknown>): object {
  const copy = structuredClone(json) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const names = path.split(".");
    const last = names.pop()!;
    let target = copy;
    for (const name of names) target = target[name] as Record<string, unknown>;
    if (value === undefined) delete target[last];
    else target[last] = value;
  }
  return copy;
}

/** The message of the FoveaError that `run` throws. */
export function refusalOf(run: () => unknown, code: FoveaErrorCode = "unsupported-model"): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(FoveaError);
    expect((error as FoveaError).code).toBe(code);
    return (error as FoveaError).message;
  }
  throw new Error("not refused");
}

/** The message for a config.json that is refused. */
export function configRefusal(config: unknown): string {
  return refusalOf(() => describeModel({ "config.json": config }));
}
