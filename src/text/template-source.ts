/** Finds the chat template among a model's files. */
import { misplacedFile, START_BYTES } from "../shared/misplaced-file.ts";
import { asArray, asObject, asString, reject, show } from "./json.ts";
import { companion, type TokenizerFiles } from "./special-tokens.ts";

/** The JSON files that may hold a template, in order of precedence; chat_template.jinja precedes them all. */
const JSON_FILES = ["chat_template.json", "processor_config.json", "tokenizer_config.json"] as const;

/**
 * The template's text, and its file for messages; undefined if the files have none.
 *
 * @param name of one among several; default the default template
 * @throws FoveaError `unsupported-model` for several templates of which none is the default
 */
export function findTemplate(files: TokenizerFiles, name?: string): { text: string; where: string } | undefined {
  const jinja = files["chat_template.jinja"];
  if (jinja !== undefined && name === undefined) {
    const misplaced = misplacedFile(jinja.slice(0, START_BYTES));
    if (misplaced) reject("chat_template.jinja", misplaced);
    return { text: jinja, where: "chat_template.jinja" };
  }
  for (const file of JSON_FILES) {
    const value = companion(files, file).chat_template;
    if (value === undefined || value === null) continue;
    const where = `${file}: chat_template`;
    if (name === undefined) return { text: typeof value === "string" ? value : defaultTemplate(value, where), where };
    const named = typeof value === "string" ? undefined : namedTemplates(value, where).find(([own]) => own === name);
    if (named) return { text: asString(named[1], `${where}: template`), where: `${where} ${name}` };
  }
  return undefined;
}

/** Returns the template called "default", or the only one. */
function defaultTemplate(value: unknown, where: string): string {
  const named = namedTemplates(value, where);
  const entry = named.find(([name]) => name === "default") ?? (named.length === 1 ? named[0] : undefined);
  if (!entry) reject(where, `none of the templates is called "default": ${show(named.map(([name]) => name))}`);
  return asString(entry[1], `${where}: template`);
}

/** Names and texts of several templates. They come as a list of entries or as an object by name. */
function namedTemplates(value: unknown, where: string): (readonly [unknown, unknown])[] {
  if (!Array.isArray(value)) return Object.entries(asObject(value, where));
  return asArray(value, where).map((entry, i) => {
    const { name, template } = asObject(entry, `${where}[${i}]`);
    return [name, template] as const;
  });
}
