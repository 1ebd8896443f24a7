/** The local files of a benchmark: a folder to search, or one file in it. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { groupBy } from "../group.ts";
import type { BenchmarkPicture } from "./benchmark.ts";

/** Bytes at each end of a picture that identify it. */
const HASHED_BYTES = 4096;

/** Finds the files and pictures of a benchmark by patterns and names. */
export class DataFolder {
  /** The folder to search. */
  readonly path: string;
  /** The file that `--data` names, if it names one. */
  readonly file: string | undefined;
  /** The folder to search for pictures. */
  readonly #pictureFolder: string;
  readonly #listings = new Map<string, string[]>();
  #pictures: Map<string, string[]> | undefined;

  /** Throws an Error of one line if the path or the folder of pictures does not exist. */
  constructor(path: string, images?: string) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) throw new Error(`--data ${path}: no such file or folder; pass the benchmark's folder`);
    const whole = resolve(path);
    this.file = found.isFile() ? whole : undefined;
    this.path = found.isFile() ? dirname(whole) : whole;
    if (images !== undefined && !statSync(images, { throwIfNoEntry: false })?.isDirectory())
      throw new Error(`--images ${images}: no such folder; pass the folder of the pictures`);
    this.#pictureFolder = images === undefined ? this.path : resolve(images);
  }

  /** Paths of all files below the folder, sorted; only the named one if `--data` is a file. */
  files(pattern: RegExp): string[] {
    if (this.file !== undefined) return pattern.test(this.name(this.file)) ? [this.file] : [];
    return this.#below(this.path).filter((file) => pattern.test(this.name(file)));
  }

  /**
   * The file that `--data` names, or else the only one that matches a pattern. Patterns are tried in order. Throws an Error
   * of one line for none and for several. @param what for the message
   */
  one(patterns: readonly RegExp[], what: string): string {
    for (const pattern of patterns) {
      if (this.file !== undefined && pattern.test(this.name(this.file))) return this.file;
      const [file, ...others] = this.#below(this.path).filter((path) => pattern.test(this.name(path)));
      if (others.length > 0)
        throw new Error(
          `${this.path}: ${others.length + 1} files could be the ${what}; pass one as --data, such as ${file}`,
        );
      if (file !== undefined) return file;
    }
    throw new Error(`${this.path}: no ${what} below this folder; pass its path as --data`);
  }

  /** Path relative to the folder, with slashes. */
  name(file: string): string {
    return relative(this.path, file).split(sep).join("/");
  }

  /**
   * A picture by any of its names: a path in the folder, or a file's name anywhere below it. Throws an Error of one line if
   * it is missing, or several have the name. @param at place of the question
   */
  picture(names: readonly string[], at: string): BenchmarkPicture {
    const found = names.map((name) => this.#direct(name)).find((path) => path !== undefined) ?? this.#named(names, at);
    if (found !== undefined) return pictureFile(found);
    throw new Error(
      `${at}: the picture ${names[0]} is not below ${this.#pictureFolder}; add it, or pass its folder as --images`,
    );
  }

  #direct(name: string): string | undefined {
    const path = resolve(this.#pictureFolder, name);
    const isInside = path.startsWith(this.#pictureFolder + sep);
    return isInside && statSync(path, { throwIfNoEntry: false })?.isFile() ? path : undefined;
  }

  #named(names: readonly string[], at: string): string | undefined {
    this.#pictures ??= groupBy(this.#below(this.#pictureFolder), (file) => basename(file));
    const [found, other] = names.flatMap((name) => this.#pictures?.get(name) ?? []);
    if (other !== undefined)
      throw new Error(`${at}: ${found} and ${other} could be the picture; pass the folder of one as --images`);
    return found;
  }

  #below(folder: string): string[] {
    const known = this.#listings.get(folder);
    if (known) return known;
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    // The hub's cache holds links to files.
    const files = entries
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
    this.#listings.set(folder, files.sort());
    return files;
  }
}

/** A picture in a file of its own, identified by its name, size and ends. */
export function pictureFile(path: string): BenchmarkPicture {
  const { size } = statSync(path);
  const hash = createHash("sha256").update(`${basename(path)} ${size}\0`);
  const file = openSync(path, "r");
  try {
    const bytes = new Uint8Array(HASHED_BYTES);
    for (const start of [0, Math.max(0, size - HASHED_BYTES)])
      hash.update(bytes.subarray(0, readSync(file, bytes, 0, HASHED_BYTES, start)));
  } finally {
    closeSync(file);
  }
  const read = () =>
    readFile(path).catch((error: NodeJS.ErrnoException) => {
      throw new Error(`${path}: cannot read this picture (${error.code}); put it back and run the same command again`);
    });
  return { file: basename(path), hash: hash.digest("hex"), read };
}

/** Throws an Error of one line for text that is not JSON. */
export function readJson(path: string): unknown {
  return parse(readText(path), path);
}

/** Each line of a JSON lines file with its place. Throws an Error of one line for a line that is not JSON. */
export function readJsonLines(path: string): { value: unknown; at: string }[] {
  return readText(path)
    .split("\n")
    .map((line, i) => ({ line: line.trim(), at: `${path}:${i + 1}` }))
    .filter(({ line }) => line !== "")
    .map(({ line, at }) => ({ value: parse(line, at), at }));
}

/** Throws an Error of one line for a file that does not fit into a string. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}

function parse(text: string, at: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    throw new Error(`${at}: this is not JSON (${reason}); download the file again, or fix it there`);
  }
}
