/**
 * Which GGUF files of a folder make a model, by their names: the quantisation in a label before ".gguf", shards, and
 * vision files. Names only order the candidates; their headers decide.
 */

const ENDING = /\.gguf$/i;
/** Part i of n, counted from 1. */
const SHARD = /-(\d{5})-of-(\d{5})\.gguf$/i;
const VISION = /mmproj/i;

/** Quantisations of language files, best first, where the caller names none. */
const PREFERRED = ["Q4_K_M", "Q4_0", "Q4_1", "Q4_K_S", "IQ4_NL", "Q5_K_M", "Q5_0", "Q8_0", "Q6_K", "F16", "BF16"];
const PREFERRED_VISION = ["F16", "BF16", "Q8_0", "F32"];

/** At most 1024 parts; the largest models have about 100. */
const MAX_SHARDS = 1024;

export function isGguf(name: string): boolean {
  return ENDING.test(name);
}

/** Position of a file among the parts of a model: undefined for a file alone. */
export function shardOf(name: string): { part: number; count: number } | undefined {
  const [, part, count] = SHARD.exec(name) ?? [];
  return part === undefined ? undefined : { part: Number(part), count: Number(count) };
}

/** Name of another part of the same model. */
export function shardName(name: string, part: number, count: number): string {
  const number = (value: number) => String(value).padStart(5, "0");
  return name.replace(SHARD, `-${number(part)}-of-${number(count)}.gguf`);
}

/** Names of all parts, the first first. A name that counts too many parts stands for itself. */
export function shardNames(name: string): string[] {
  const { count } = shardOf(name) ?? { count: 1 };
  if (count <= 1 || count > MAX_SHARDS) return [name];
  return Array.from({ length: count }, (_, i) => shardName(name, i + 1, count));
}

/** A model in a folder: one file, or the first of its parts. */
export interface Variant {
  /** The quantisation as the name says it, such as "Q4_K_M"; the whole name where it says none. */
  readonly label: string;
  readonly file: string;
}

/** The name before the ending and the part's number. */
function stem(name: string): string {
  return name.replace(SHARD, "").replace(ENDING, "");
}

/** The last word of the name that looks like a quantisation. */
const LABEL = /(?:^|[-._])((?:i1-|UD-)?(?:I?Q\d+(?:_[A-Z\d]+)*|T?Q\d_\d|B?F(?:P)?\d{2}|MXFP4(?:_MOE)?))$/i;

function labelOf(name: string): string {
  return LABEL.exec(stem(name))?.[1]?.toUpperCase().replace(/^FP/, "F") ?? stem(name);
}

/**
 * Files whose names do not say that they are the vision half, each once with all its parts, in the order of preference.
 */
export function languageVariants(names: readonly string[]): Variant[] {
  return variants(
    names.filter((name) => !VISION.test(name)),
    PREFERRED,
  );
}

/** Files that may be the vision half: those whose names say so. */
export function visionVariants(names: readonly string[]): Variant[] {
  return variants(
    names.filter((name) => VISION.test(name)),
    PREFERRED_VISION,
  );
}

/** True if a quantisation is one that is read without being named. */
export function isPreferred({ label }: Variant): boolean {
  return PREFERRED.includes(label);
}

function variants(names: readonly string[], preferred: readonly string[]): Variant[] {
  const firsts = names.filter((name) => isGguf(name) && (shardOf(name)?.part ?? 1) === 1);
  const all = firsts.map((file) => ({ label: labelOf(file), file }));
  const rank = ({ label }: Variant) => (preferred.includes(label) ? preferred.indexOf(label) : preferred.length);
  return all.sort((a, b) => rank(a) - rank(b) || (a.file < b.file ? -1 : 1));
}

/** The variants that a caller's choice names: a file, or the end of the name before ".gguf"; case is ignored. */
export function chosen(all: readonly Variant[], choice: string): Variant[] {
  const wanted = choice.toLowerCase();
  if (isGguf(choice)) {
    const first = (shardNames(choice)[0] ?? choice).toLowerCase();
    return all.filter(({ file }) => file.toLowerCase() === first);
  }
  const exact = all.filter(({ label }) => label.toLowerCase() === wanted);
  if (exact.length > 0) return exact;
  return all.filter(({ file }) => {
    const text = stem(file).toLowerCase();
    return text.endsWith(wanted) && /^$|[-._]$/.test(text.slice(0, text.length - wanted.length));
  });
}

/** Names under which a server may have the vision half of a file, where its files are not listed. */
export function guessedVisionFiles(file: string): string[] {
  const base = stem(file).replace(LABEL, "");
  return [
    "mmproj-F16.gguf",
    "mmproj-BF16.gguf",
    "mmproj-model-f16.gguf",
    `mmproj-${base}-f16.gguf`,
    `mmproj-${base}-F16.gguf`,
  ];
}

/** A choice of a language file, and after a comma of a vision file. */
export function choiceParts(choice: string | undefined): [language: string | undefined, vision: string | undefined] {
  const [language, vision] = choice?.split(",") ?? [];
  return [language || undefined, vision || undefined];
}

/**
 * Files that may be the vision half of a language file, best first: those that the caller chose, or all whose names do
 * not say that they are of another model in the folder.
 */
export function visionFiles(names: readonly string[], choice: string | undefined, language: string): string[] {
  const all = visionVariants(names);
  if (choice !== undefined) return chosen(all, choice).map(({ file }) => file);
  const own = modelOf(language);
  const languages = languageVariants(names).map(({ file }) => modelOf(file));
  const rank = (model: string) => {
    if (own.startsWith(model)) return model.length;
    return languages.some((other) => other.startsWith(model)) ? undefined : -1;
  };
  return all
    .flatMap(({ file }) => {
      const points = rank(modelOf(file));
      return points === undefined ? [] : [{ file, points }];
    })
    .sort((a, b) => b.points - a.points)
    .map(({ file }) => file);
}

/** The model's name in that of a file; "" where it says only what kind of file it is. */
function modelOf(file: string): string {
  const words = stem(file).replace(/^.*\//, "").replace(LABEL, "").split(/[-._]/);
  return words
    .filter((word) => !/^(?:mmproj|model|)$/i.test(word))
    .join("-")
    .toLowerCase();
}
