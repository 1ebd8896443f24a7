/** Finds the chat template among a model's files. */
import { misplacedFile, START_BYTES } from "../shared/misplaced-file.ts";
import { asArray, asObject, asString, reject, show } from "./json.ts";
import { companion, type TokenizerFiles } from "./special-tokens.ts";

/** The JSON files that may hold a template, in order of precedence; chat_template.jinja precedes them all. */
const JSON_FILES = ["chat_template.json", "processor_config.json", "tokenizer_config.json"] as const;

/**
 * The template's text, and its file for messages; undefined where the files hold none.
 *
 * @throws FoveaError `unsupported-model` for several templates of which none is the default
 */
export function findTemplate(files: TokenizerFiles): { text: string; where: string } | undefined {
  const jinja = files["chat_template.jinja"];
  if (jinja !== undefined) {
    const misplaced = misplacedFile(jinja.slice(0, START_BYTES));
    if (misplaced) reject("chat_template.jinja", misplaced);
    return { text: jinja, where: "chat_template.jinja" };
  }
  for (const name of JSON_FILES) {
    const value = companion(files, name).chat_template;
    if (value === undefined || value === null) continue;
    const where = `${name}: chat_template`;
    return { text: typeof value === "string" ? value : defaultTemplate(value, where), where };
  }
  return undefined;
}

/** Returns the template called "default", or the only one. They come as a list of entries or as an object by name. */
function defaultTemplate(value: unknown, where: string): string {
  const named = Array.isArray(value)
    ? asArray(value, where).map((entry, i) => {
        const { name, template } = asObject(entry, `${where}[${i}]`);
        return [name, template] as const;
      })
    : Object.entries(asObject(value, where));
  const entry = named.find(([name]) => name === "default") ?? (named.length === 1 ? named[0] : undefined);
  if (!entry) reject(where, `none of the templates is called "default": ${show(named.map(([name]) => name))}`);
  return asString(entry[1], `${where}: template`);
}
