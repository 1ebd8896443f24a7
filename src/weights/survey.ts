/**
 * Surveys a model before a large download: its files, their lengths, and their stored bytes. Small files and headers can
 * be read through it. It stores nothing, and verifies only files from disk.
 */
import type { ByteSource, ReadOptions } from "./byte-source.ts";
import { CachingSource } from "./caching-source.ts";
import { type ModelFolder, makeFolder, openFolder } from "./folder.ts";
import { type ModelSource, nobodyAnswers, type OpenModelOptions, PART_BYTES, unreachable } from "./open-model.ts";
import { type PublishedModel, publishedModel } from "./published-model.ts";
import { StoredView } from "./store.ts";
import { sameFile } from "./stored-file.ts";

export interface SurveyedFile {
  name: string;
  bytes: number;
  /** Stored bytes of the same version. */
  storedBytes: number;
}

interface Found extends SurveyedFile {
  open(options: ReadOptions): Promise<ByteSource>;
}

export interface ModelSurvey {
  /** As passed by the caller, without secrets. */
  readonly source: string;
  readonly folder: ModelFolder;
  /** Looks for a file without reading it. Throws like `ModelFolder.open`. */
  lookFor(name: string, options: ReadOptions): Promise<void>;
  /** Length of a file without reading it; undefined if there is none. Throws like `ModelFolder.open`. */
  lengthOf(name: string, options: ReadOptions): Promise<number | undefined>;
  /** The existing files that were opened or looked for. */
  files(): SurveyedFile[];
}

/** Fetches nothing yet. Throws TypeError for a source that is not a model. */
export function surveyModel(source: ModelSource, options: OpenModelOptions): ModelSurvey {
  const files = new Map<string, SurveyedFile>();
  const isRemote = typeof source === "string" || source instanceof URL;
  const remote = isRemote ? publishedModel(source, options) : undefined;
  const places = remote ? remotePlaces(remote, options) : givenPlaces(source as Exclude<ModelSource, string | URL>);
  const find = async (name: string, options: ReadOptions) => {
    const found = await places.find(name, options);
    if (found) files.set(name, { name, bytes: found.bytes, storedBytes: found.storedBytes });
    return found;
  };
  const location = remote?.location ?? "the given files";
  return {
    source: remote?.key.source ?? location,
    folder: makeFolder(location, async (name, options = {}) => (await find(name, options))?.open(options), {
      names: places.names,
      choice: remote ? remote.choice : options.variant,
      async sizeOf(name, options = {}) {
        const found = await places.find(name, options);
        return found && { bytes: found.bytes, missingBytes: found.bytes - found.storedBytes };
      },
    }),
    async lookFor(name, options) {
      await find(name, options);
    },
    lengthOf: async (name, options) => (await places.find(name, options))?.bytes,
    files: () => [...files.values()],
  };
}

/** The places of a model's files. */
interface Places extends Pick<ModelFolder, "names"> {
  find(name: string, options: ReadOptions): Promise<Found | undefined>;
}

function givenPlaces(source: Exclude<ModelSource, string | URL>): Places {
  const folder = openFolder(source);
  const find: Places["find"] = async (name, options) => {
    const file = await folder.open(name, options);
    // Files in memory need no download.
    return file && { name, bytes: file.byteLength, storedBytes: file.byteLength, open: async () => file };
  };
  return { find, names: (options) => folder.names(options) };
}

function remotePlaces(remote: PublishedModel, { cache, partBytes = PART_BYTES }: OpenModelOptions): Places {
  const view = remote.findStored
    ? remote.findStored().then((key) => key && StoredView.open(key))
    : cache === "none"
      ? undefined
      : StoredView.open(remote.key);
  const names: Places["names"] = async ({ signal } = {}) => {
    try {
      return await remote.names?.({ signal });
    } catch (error) {
      if (!nobodyAnswers(error) || !(await (await view)?.isComplete())) throw error;
      return (await view)?.names();
    }
  };
  const find: Places["find"] = async (name, { signal }) => {
    const stored = await (await view)?.find(name);
    try {
      const file = await remote.find(name, { signal });
      if (!file) return undefined;
      const { byteLength: bytes, digest, validator } = file;
      const isSame = stored && sameFile(stored.identity, { name, byteLength: bytes, partBytes, digest, validator });
      if (!isSame) return { name, bytes, storedBytes: 0, open: file.open };
      const { storedBytes, identity, isComplete } = stored;
      const fromDisk = async () => new CachingSource(identity, { openRemote: file.open, stored });
      return { name, bytes, storedBytes, open: isComplete ? fromDisk : file.open };
    } catch (error) {
      if (!nobodyAnswers(error) || !(await (await view)?.isComplete())) throw error;
      if (!stored?.isComplete) return undefined;
      const open = async () => new CachingSource(stored.identity, { openRemote: unreachable(name, remote), stored });
      return { name, bytes: stored.identity.byteLength, storedBytes: stored.storedBytes, open };
    }
  };
  return { find, names };
}
