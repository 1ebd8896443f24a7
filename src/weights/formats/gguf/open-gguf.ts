/**
 * Opens a model in GGUF files: makes of them the files and tensors that a Hugging Face checkpoint has. The format's value
 * in gguf-format.ts loads this code with the first such model.
 */
import { FoveaError } from "../../../errors.ts";
import { quoted } from "../../../shared/json.ts";
import { type ByteSource, memorySource, type ReadOptions } from "../../byte-source.ts";
import type { Checkpoint } from "../../checkpoint.ts";
import { type ModelFolder, makeFolder } from "../../folder.ts";
import type { OpenedModel, OpenOptions } from "../format.ts";
import { type GgufHeader, readGguf } from "./container.ts";
import { storedTensor } from "./encodings.ts";
import { type Fitting, fittingFirst } from "./fitting.ts";
import { badGguf, unsupportedGguf } from "./header-reader.ts";
import { Keys } from "./keys.ts";
import { ALONE, architectureOf, describeLanguage, languageNameInFile, nameLanguageTensors } from "./language.ts";
import { readRopeFactors } from "./rope-factors.ts";
import { type GgufFile, openShards } from "./shards.ts";
import { describeTokenizer, type LanguageFiles } from "./tokenizer.ts";
import {
  choiceParts,
  chosen,
  guessedVisionFiles,
  isGguf,
  languageVariants,
  shardNames,
  type Variant,
  visionFiles,
  visionVariants,
} from "./variants.ts";
import { describeVision, nameVisionTensors, VISION_ARCHITECTURE, type VisionDescription } from "./vision.ts";

/** A file whose header is read. */
interface Opened {
  source: ByteSource;
  header: GgufHeader;
}

/** Opens the model of a folder with GGUF files. Throws as `WeightFormat.open`. */
export async function openGguf(folder: ModelFolder, options: OpenOptions): Promise<OpenedModel> {
  const names = await folder.names(options);
  const [choice, chosenVision] = choiceParts(folder.choice);
  const { language, notes } = await openLanguage(folder, names, choice, options);
  const file = await openShards(folder, language.source, language.header, options);
  const own = file.header.file;
  const files =
    names || chosenVision ? visionFiles(names ?? [chosenVision!], chosenVision, own) : guessedVisionFiles(own);
  const text = describeLanguage(file.header, file.tensors, await readRopeFactors(file, options));
  const { vision, misfits } = await openVision(folder, files, file.header, text, options);
  if (chosenVision !== undefined && !vision)
    throw misfits.length > 0
      ? new FoveaError("bad-weights", `${misfits[0]!.file}: ${misfits[0]!.reason}; name the vision file of this model`)
      : badGguf(folder.location, `no vision file is called or labelled ${quoted(chosenVision)}`);
  if (!vision)
    for (const { file, reason } of misfits) notes.push(`${file} is left out, so pictures cannot be read: ${reason}`);
  const variants = languageVariants(names ?? [file.header.file]).map(({ label, file }) => ({
    name: label,
    files: shardNames(file),
  }));
  return { ...describe(folder, file, text, vision, notes), variants };
}

/** The language file: the caller's, or the first by preference whose header says that it is one. */
async function openLanguage(
  folder: ModelFolder,
  names: readonly string[] | undefined,
  choice: string | undefined,
  options: OpenOptions,
): Promise<{ language: Opened; notes: string[] }> {
  const all: readonly Variant[] = names ? languageVariants(names) : [{ label: choice!, file: shardNames(choice!)[0]! }];
  const { candidates, reason }: Fitting =
    choice === undefined ? await fittingFirst(folder, all, options) : { candidates: chosen(all, choice) };
  if (choice !== undefined && candidates.length === 0 && !visionVariants([choice]).length)
    throw badGguf(
      folder.location,
      `no GGUF file is called or labelled ${quoted(choice)}; there are ${
        all
          .map(({ label }) => label)
          .slice(0, 20)
          .join(", ") || "none"
      }`,
    );
  for (const { file, label } of candidates) {
    const opened = await openOne(folder, file, options);
    if (!opened) throw badGguf(file, `no such file in ${folder.location}`);
    if (isVision(opened.header)) continue;
    architectureOf(opened.header);
    const notes =
      choice === undefined && candidates.length > 1
        ? [
            `${folder.location} has ${candidates.length} quantisations; ${label} (${file}) was chosen${reason === undefined ? "" : `: ${reason}`}. Name another one after a colon, or as variant`,
          ]
        : [];
    return { language: opened, notes };
  }
  throw unsupportedGguf(
    candidates[0]?.file ?? names?.find(isGguf) ?? folder.location,
    "only the vision half of a model is here; put the language file beside it",
  );
}

async function openOne(folder: ModelFolder, file: string, options: ReadOptions): Promise<Opened | undefined> {
  const source = await folder.open(file, options);
  return source && { source, header: await readGguf(source, options) };
}

function isVision({ metadata }: GgufHeader): boolean {
  return metadata.string("general.architecture") === VISION_ARCHITECTURE;
}

/** The vision file beside a language file, and what model it makes with it. */
interface Vision extends Opened {
  described: VisionDescription;
}

/** The first of some files that is the vision half of a language file, and before it those that are another's. */
async function openVision(
  folder: ModelFolder,
  files: readonly string[],
  language: GgufHeader,
  text: Readonly<Record<string, unknown>>,
  options: ReadOptions,
): Promise<{ vision?: Vision; misfits: { file: string; reason: string }[] }> {
  const misfits: { file: string; reason: string }[] = [];
  const keys = new Keys(language.metadata, architectureOf(language).name);
  for (const file of files) {
    const opened = await openOne(folder, file, options);
    if (!opened || !isVision(opened.header)) continue;
    const described = describeVision(opened.header, text, keys, (token) => tokenId(language, token));
    if (typeof described !== "string") return { vision: { ...opened, described }, misfits };
    misfits.push({ file: opened.header.file, reason: described });
  }
  return { misfits };
}

function describe(
  folder: ModelFolder,
  file: GgufFile,
  text: Readonly<Record<string, unknown>>,
  vision: Vision | undefined,
  notes: readonly string[],
): OpenedModel {
  const { header, tensors } = file;
  const { described } = vision ?? {};
  const layout = described?.layout;
  const language = nameLanguageTensors(header, tensors.values(), text, layout?.language);
  const seen = vision && described && nameVisionTensors(vision.header, described.layout, described.heads);
  const named = [...language.named, ...(seen?.named ?? [])];
  const unread = [...language.unread, ...(seen?.unread ?? [])];
  const sources = [...file.sources, ...(vision ? [vision.source] : [])];
  const files = new Map(sources.map((source) => [source.name, source]));
  const checkpoint: Checkpoint = {
    tensors: new Map(named.map((tensor) => [tensor.name, storedTensor(tensor)])),
    files,
    nameInFile(name) {
      const own = languageNameInFile(header, layout?.language ?? ALONE, name);
      return own && `${header.file}: ${own}`;
    },
    byteLength: sources.reduce((sum, { byteLength }) => sum + byteLength, 0),
  };
  const descriptions: Record<string, () => unknown> = {
    "config.json": () => described?.config ?? text,
    ...(described && { "preprocessor_config.json": () => described.preprocessor }),
  };
  // Late: a plan does not need the tokens.
  let languageFiles: LanguageFiles | undefined;
  for (const name of ["tokenizer.json", "tokenizer_config.json", "generation_config.json"] as const)
    descriptions[name] = () => {
      languageFiles ??= describeTokenizer(
        header.metadata,
        text.vocab_size as number,
        architectureOf(header).architecture,
      );
      return languageFiles[name];
    };
  return {
    folder: describedFolder(folder, descriptions, described ? PROCESSOR_FILES : []),
    notes: unread.length === 0 ? notes : [...notes, unreadNote(header.file, unread)],
    checkpoint: async () => checkpoint,
  };
}

function unreadNote(file: string, names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return `${file}: tensors that are not read: ${names.slice(0, 3).map(quoted).join(", ")}${more}`;
}

function tokenId({ metadata }: GgufHeader, text: string): number | undefined {
  const id = metadata.strings("tokenizer.ggml.tokens")?.indexOf(text) ?? -1;
  return id < 0 ? undefined : id;
}

/** The publisher's own say more than a vision file does: limits on pixels, and how pictures are cut. */
const PROCESSOR_FILES = ["preprocessor_config.json", "processor_config.json"];

/**
 * A folder of files that are made of metadata, and of the publisher's own defaults.
 *
 * @param own files that the folder's publisher may have put beside the weights, and that win
 */
function describedFolder(
  folder: ModelFolder,
  files: Readonly<Record<string, () => unknown>>,
  own: readonly string[],
): ModelFolder {
  const base = makeFolder(folder.location, async (name, options) => {
    const published = name === "fovea.json" || own.includes(name) ? await folder.open(name, options) : undefined;
    if (published || !Object.hasOwn(files, name)) return published;
    return memorySource(name, new TextEncoder().encode(JSON.stringify(files[name]!())));
  });
  return {
    ...base,
    json: async (name, options) =>
      Object.hasOwn(files, name) && !own.includes(name) ? files[name]!() : base.json(name, options),
  };
}
