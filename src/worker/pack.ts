/**
 * Prepares a caller's arguments for the worker. They are copied, or shared as a Blob, and never transferred. Values of a
 * wrong kind stay as they are, so that the engine reports them.
 */
import type { GenerateRequest, ImageInput, InspectRequest, ModelFiles } from "../api.ts";
import { FoveaError } from "../errors.ts";
import { copyCanvas, decodeElement } from "../image/page-picture.ts";
import { kindOf } from "../shared/arguments.ts";
import { absoluteAddress, sourceName } from "../shared/source.ts";
import type { SentImage, SentMessage, SentPart, SentRequest } from "./protocol.ts";

/** A value to send, and its parts that are ours to transfer. */
export interface Packed<T> {
  value: T;
  transfer: Transferable[];
}

/** Numbers of the callers' bitmaps; see `NumberedBitmap`. */
const bitmapNumbers = new WeakMap<ImageBitmap, number>();
let bitmaps = 0;

/**
 * A checkpoint. Bytes in memory become Blobs, which the browser keeps outside both heaps and may put on disk. A plain
 * copy of a view would copy the view's whole buffer.
 */
export function packSource(source: string | URL | ModelFiles): string | ModelFiles {
  const kind = kindOf(source);
  if (kind === "URL") return String(source);
  // Relative to the page, not to the worker's script.
  if (kind === "String") return sourceName(source as string);
  if (kind !== "Object") return source as string;
  return Object.fromEntries(
    Object.entries(source as ModelFiles).map(([name, bytes]) => [name, isBytes(bytes) ? new Blob([bytes]) : bytes]),
  );
}

function isBytes(value: unknown): value is Uint8Array<ArrayBuffer> | ArrayBuffer {
  const kind = kindOf(value);
  return kind === "ArrayBuffer" || (kind === "Uint8Array" && kindOf((value as Uint8Array).buffer) === "ArrayBuffer");
}

/** A request with its pictures as they are now. Throws FoveaError `bad-image` for a picture without pixels. */
export async function packRequest(request: GenerateRequest): Promise<Packed<SentRequest>> {
  const { signal: _, messages, ...rest } = request;
  const transfer: Transferable[] = [];
  if (!Array.isArray(messages)) return { value: { ...rest, messages }, transfer };
  const pack = async (part: GenerateRequest["messages"][number]["content"][number]): Promise<SentPart> => {
    if (typeof part !== "object" || (part?.type !== "image" && part?.type !== "video")) return part as SentPart;
    if (part.type === "video") {
      const { video } = part;
      const isAddress = ["String", "URL"].includes(kindOf(video));
      return { ...part, video: isAddress ? absolute(String(video)) : (video as Blob) };
    }
    const image = await packImage(part.image);
    transfer.push(...image.transfer);
    return { ...part, image: image.value };
  };
  const packed = messages.map(async (message): Promise<SentMessage> => {
    if (!Array.isArray(message?.content)) return message as SentMessage;
    return { ...message, content: await Promise.all(message.content.map(pack)) };
  });
  return { value: { ...rest, messages: await Promise.all(packed) }, transfer };
}

/** One picture as it is now. Throws like `packRequest`. */
export async function packImage(image: ImageInput): Promise<Packed<SentImage>> {
  const kind = kindOf(image);
  switch (kind) {
    case "String":
      return { value: absolute(image as string), transfer: [] };
    case "HTMLImageElement":
      return ours((await decodeElement(image as HTMLImageElement)).pixels);
    case "HTMLCanvasElement":
    case "OffscreenCanvas":
      return ours((await copyCanvas(kind, image as HTMLCanvasElement | OffscreenCanvas)).pixels);
    case "ImageBitmap":
      return { value: numbered(image as ImageBitmap), transfer: [] };
    default:
      return { value: image as SentImage, transfer: [] };
  }
}

function ours(bitmap: ImageBitmap): Packed<SentImage> {
  return { value: bitmap, transfer: [bitmap] };
}

function numbered(bitmap: ImageBitmap): SentImage {
  // A closed bitmap cannot be sent.
  if (bitmap.width === 0)
    throw new FoveaError("bad-image", "the ImageBitmap is closed or was transferred; pass an open one");
  const number = bitmapNumbers.get(bitmap) ?? bitmaps++;
  bitmapNumbers.set(bitmap, number);
  return { bitmap, number };
}

/**
 * A copy of the settings of a load. Relative addresses become absolute, because the worker would resolve them against
 * its script.
 */
export function packSettings<T extends { modelsUrl?: string; hubUrl?: string }>(settings: T): T {
  const packed = { ...settings };
  for (const name of ["modelsUrl", "hubUrl"] as const)
    if (typeof packed[name] === "string") packed[name] = absoluteAddress(packed[name]);
  return packed;
}

/** An absolute address, for the same reason. One that is absolute stays as it is: a data URL may have megabytes. */
function absolute(address: string): string {
  return address.trim() === "" || URL.canParse(address) ? address : absoluteAddress(address);
}

/** Copies pixels, because they may be views of a larger buffer. */
export function packInspection(request: InspectRequest): Packed<InspectRequest> {
  const { pixelValues } = request;
  if (!Array.isArray(pixelValues)) return { value: request, transfer: [] };
  const transfer: Transferable[] = [];
  const copies = pixelValues.map((values) => {
    if (kindOf(values?.data) !== "Float32Array") return values;
    const data = values.data.slice();
    transfer.push(data.buffer);
    return { ...values, data };
  });
  return { value: { ...request, pixelValues: copies }, transfer };
}
