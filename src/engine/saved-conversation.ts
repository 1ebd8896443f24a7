/**
 * Saves the last conversation to disk and restores it: rows of its KV cache, their attention to pictures, and its
 * encoded pictures. All bytes pass through one staging buffer, piece by piece.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import { Readback } from "../gpu/readback.ts";
import { type Tensor, tensorByteLength, view } from "../gpu/tensor.ts";
import type { MarkValues } from "../model/decoder/cache-marks.ts";
import type { EncodedPicture } from "../model/encoder/encoded-picture.ts";
import { isJsonObject } from "../shared/json.ts";
import type { RestoredConversation, StoredConversation } from "../shared/stored-conversation.ts";
import { digestSha256, hexOf } from "../weights/hash.ts";
import { canSave, openSaved, PIECE_BYTES, type SavedRows, writeSaved } from "../weights/saved-rows.ts";
import { storageReport } from "../weights/storage.ts";
import type { StoredRows } from "./conversation.ts";
import type { Engine, TextModel } from "./engine.ts";
import { isLasting } from "./image-cache.ts";
import { packTensors, unpackTensors } from "./packed-tensors.ts";

/** The header of a saved conversation, without the hashes. */
interface Content {
  /** Fingerprint of the model, its arithmetic and the GPU: otherwise rows have other values. */
  fingerprint: string;
  rows: StoredRows;
  marks: MarkValues;
  /** For each layer the length of its rows' attention to pictures. */
  paid: (number | null)[];
  pictures: { source: string; picture: unknown }[];
}

/**
 * Saves the rows of the last answer's conversation; returns undefined if there are none. Throws FoveaError
 * `out-of-memory` if the disk is full, `unsupported-model`, `aborted`, `device-lost`.
 */
export async function saveConversation(
  engine: Engine,
  name: string,
  signal: AbortSignal | undefined,
): Promise<StoredConversation | undefined> {
  const { conversation } = needText(engine);
  const live = conversation.live();
  if (!live) return undefined;
  if (!(await canSave()))
    throw new FoveaError(
      "out-of-memory",
      "this browser has no private file system here, so no conversation can be saved",
    );
  const tensors: Tensor[] = [...live.layers, ...live.paid.filter((list) => list !== undefined)];
  const rows = { ...live.rows, runs: live.rows.runs.map((run) => ({ ...run, source: lasting(run.source) ?? null })) };
  const sources = new Set(rows.runs.flatMap(({ source }) => source ?? []));
  const pictures = [...sources].flatMap((source) => {
    const picture = engine.images.get(source);
    if (!picture) return [];
    const { arena: _, ...rest } = picture;
    return { source, picture: packTensors(rest, tensors) };
  });
  const fingerprint = await fingerprintOf(engine);
  const paid = live.paid.map((list) => list?.shape[0] ?? null);
  const content = { fingerprint, rows, marks: live.marks.values, paid, pictures };
  const bytes = tensors.reduce((sum, tensor) => sum + tensorByteLength(tensor), 0);
  const { freeBytes } = await storageReport();
  if (freeBytes !== undefined && bytes > freeBytes) throw noRoom(bytes, freeBytes);
  try {
    const tokens = live.marks.length;
    return await writeSaved({ name, tokens }, content, readPieces(engine, tensors, signal), signal);
  } catch (error) {
    if (error instanceof DOMException) throw noRoom(bytes, freeBytes, error);
    throw error;
  }
}

function noRoom(bytes: number, freeBytes: number | undefined, cause?: unknown): FoveaError {
  const free = freeBytes === undefined ? "" : `; ${freeBytes} are free`;
  const text = `no room on disk for the ${bytes} bytes of this conversation${free}: delete one with deleteStoredConversation, or a model with deleteStoredModel`;
  return new FoveaError("out-of-memory", text, { cause });
}

/** The bytes of tensors, through one staging buffer. */
async function* readPieces({ gpu }: Engine, tensors: readonly Tensor[], signal: AbortSignal | undefined) {
  const readback = new Readback(gpu, PIECE_BYTES);
  try {
    for (const tensor of tensors)
      for (const piece of piecesOf(tensor)) {
        throwIfAborted(signal, "the saving of a conversation");
        gpu.submit("save rows", (pass) => readback.record(pass, piece));
        yield new Uint8Array(await readback.read());
      }
  } finally {
    readback.dispose();
  }
}

/** Parts of a tensor, each of at most PIECE_BYTES. */
function* piecesOf(tensor: Tensor): Iterable<Tensor> {
  const elements = tensorByteLength(tensor) / 4;
  const words = view({ ...tensor, type: "u32" }, [elements]);
  for (let at = 0; at < elements; at += PIECE_BYTES / 4)
    yield view(words, [Math.min(PIECE_BYTES / 4, elements - at)], at);
}

/**
 * Loads the rows of a saved conversation into the KV cache. Throws FoveaError `unsupported-model`, `aborted`,
 * `device-lost`. For damaged files, or files of another model, it returns a `problem`, and the conversation runs again.
 */
export async function restoreConversation(
  engine: Engine,
  name: string,
  signal: AbortSignal | undefined,
): Promise<RestoredConversation> {
  const { conversation } = needText(engine);
  let saved: SavedRows | undefined;
  const problem = (reason: string) => ({
    tokens: 0,
    problem: `The saved conversation "${name}" is not used and will run again: ${reason}.`,
  });
  try {
    saved = await openSaved(name, signal);
    if (!saved) return { tokens: 0 };
    const own = saved;
    const content = own.content as Content;
    if (!isContent(content)) return problem("its header is damaged");
    if (content.fingerprint !== (await fingerprintOf(engine)))
      return problem("it was saved with another model, arithmetic, GPU or version");
    const tokens = await conversation.load(content, (tensors) => upload(engine, tensors, own, signal));
    try {
      for (const { source, picture } of content.pictures) await loadPicture(engine, source, picture, own, signal);
    } catch (error) {
      // The rows are loaded; a picture is encoded again if necessary.
      if (!(error instanceof RangeError)) throw error;
    }
    return { tokens };
  } catch (error) {
    if (error instanceof RangeError) return problem(error.message);
    throw error;
  } finally {
    saved?.close();
  }
}

async function upload({ gpu }: Engine, tensors: readonly Tensor[], saved: SavedRows, signal: AbortSignal | undefined) {
  for (const tensor of tensors)
    for (const piece of piecesOf(tensor)) {
      throwIfAborted(signal, "the reading of a conversation");
      gpu.upload(piece, await saved.next(tensorByteLength(piece)));
      await gpu.idle();
    }
}

async function loadPicture(
  engine: Engine,
  source: string,
  packed: unknown,
  saved: SavedRows,
  signal: AbortSignal | undefined,
): Promise<void> {
  const arena = engine.gpu.arena.scope();
  try {
    const tensors: Tensor[] = [];
    let bytes = 0;
    const rest = unpackTensors(packed, (shape, type) => {
      bytes += tensorByteLength({ shape, type });
      if (bytes > saved.bytes) throw new RangeError("pictures of more bytes than were saved");
      tensors.push(arena.tensor("a picture from disk", shape, type));
      return tensors.at(-1)!;
    });
    await upload(engine, tensors, saved, signal);
    if (engine.images.has(source)) arena.dispose();
    else engine.images.set(source, { ...(rest as Omit<EncodedPicture, "arena">), arena });
  } catch (error) {
    arena.dispose();
    throw error;
  }
}

function isContent(value: unknown): value is Content {
  if (!isJsonObject(value)) return false;
  const { fingerprint, rows, marks, paid, pictures } = value as Record<keyof Content, unknown>;
  const isCount = (one: unknown) => Number.isSafeInteger(one) && (one as number) >= 0;
  const areCounts = (list: unknown) => Array.isArray(list) && list.every(isCount);
  const isRun = (run: unknown) =>
    isJsonObject(run) &&
    [run.row, run.count, run.first].every(isCount) &&
    (run.source === null || typeof run.source === "string");
  const areRows =
    isJsonObject(rows) &&
    areCounts(rows.ids) &&
    areCounts(rows.places) &&
    isCount(rows.stride) &&
    (rows.places as number[]).length === (rows.ids as number[]).length * (rows.stride as number) &&
    typeof rows.plan === "string" &&
    Array.isArray(rows.runs) &&
    rows.runs.every(isRun);
  const areMarks =
    isJsonObject(marks) &&
    isCount(marks.length) &&
    isCount(marks.longest) &&
    (marks.beside === undefined || isCount(marks.beside));
  const arePaid = Array.isArray(paid) && paid.every((length) => length === null || (isCount(length) && length > 0));
  const arePictures =
    Array.isArray(pictures) && pictures.every((one) => isJsonObject(one) && typeof one.source === "string");
  return typeof fingerprint === "string" && areRows && areMarks && arePaid && arePictures;
}

function lasting(source: string | undefined): string | undefined {
  return source !== undefined && isLasting(source) ? source : undefined;
}

function needText({ text }: Engine): TextModel {
  if (!text) throw new FoveaError("unsupported-model", "this model has no decoder, so there is no conversation");
  return text;
}

const fingerprints = new WeakMap<Engine, Promise<string>>();
/** Hashed bytes of each weight: reading all bytes would take as long as loading. */
const SAMPLE_BYTES = 1024;

/**
 * Hashes everything that the values of rows depend on: a sample of every weight, the model's description, its
 * arithmetic, the GPU.
 */
function fingerprintOf(engine: Engine): Promise<string> {
  const known = fingerprints.get(engine) ?? sampleWeights(engine);
  fingerprints.set(engine, known);
  known.catch(() => fingerprints.delete(engine));
  return known;
}

async function sampleWeights({ gpu, spec, weights, weightType, precision, text }: Engine): Promise<string> {
  const samples = weights.parts().map(({ buffer }): Tensor => {
    const bytes = Math.min(SAMPLE_BYTES, buffer.size);
    const byteOffset = Math.floor((buffer.size - bytes) / 8) * 4;
    return { buffer, byteOffset, shape: [bytes / 4], type: "u32" };
  });
  const readback = new Readback(
    gpu,
    samples.reduce((sum, sample) => sum + tensorByteLength(sample), 0),
  );
  try {
    gpu.submit("sample of the weights", (pass) => {
      for (const sample of samples) readback.record(pass, sample);
    });
    const sample = hexOf(await digestSha256(new Uint8Array(await readback.read())));
    const { family, encoder, connector, decoder } = spec;
    const identity = JSON.stringify([
      sample,
      family,
      encoder,
      connector,
      decoder,
      weightType,
      precision,
      text?.keyValues,
      gpu.adapterName,
    ]);
    return hexOf(await digestSha256(new TextEncoder().encode(identity)));
  } finally {
    readback.dispose();
  }
}
