/** Names of modules in a config: whole names, or regular expressions that match from the start of a name. */
import { LinearPattern } from "../../../shared/linear-pattern.ts";
import type { PackingConfig } from "./config.ts";

/** Longer names are in no published file, and the search takes memory for each character. */
const MAX_NAME_LENGTH = 1024;

/**
 * The name of a module without the wrappers around the language model, and with one word for the image encoder. The names
 * that transformers, mlx-lm and mlx-vlm give to one module become equal.
 */
export function moduleKey(name: string): string {
  return name.replace(/^(?:(?:model|language_model)\.)+/, "").replace(/^visual\./, "vision_tower.");
}

/**
 * A test for names as Python's `re.match` makes it. The search takes time linear in the name, whatever the expression.
 *
 * @param field of `config` that holds the expression, for the message
 * @throws FoveaError `unsupported-model` for an expression that cannot be read
 */
export function nameTest(config: PackingConfig, field: string, expression: string): (name: string) => boolean {
  let pattern: LinearPattern;
  try {
    pattern = new LinearPattern(expression);
  } catch {
    throw config.unsupported(field, "regular expressions without backreferences");
  }
  return (name) => {
    if (name.length > MAX_NAME_LENGTH) return false;
    const first = pattern.matches(name).next();
    return !first.done && first.value.start === 0;
  };
}
