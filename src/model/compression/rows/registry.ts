/** All methods that keep some of the connector's rows, by name. */
import type { RowMethodName } from "../../../shared/reduction.ts";
import { diverse } from "./diverse.ts";
import type { RowMethod } from "./row-method.ts";
import { uniform } from "./uniform.ts";

export const ROW_METHODS: Readonly<Record<RowMethodName, RowMethod>> = { diverse, uniform };

/** True if a compression or a plan is of such a method. */
export function isRowMethod<T extends { method: string }>(one: T): one is Extract<T, { method: RowMethodName }> {
  return Object.hasOwn(ROW_METHODS, one.method);
}
