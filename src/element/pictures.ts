/** Pictures of a conversation: the input of the engine, and the thumbnail on the page. */
import type { ImageInput } from "../api.ts";
import { FoveaError } from "../errors.ts";
import { measurePicture } from "../image/measure.ts";

/** A picture of a question. */
export interface ChatPicture {
  readonly image: ImageInput;
  /** For screen readers and messages. */
  readonly name: string;
  /** Its thumbnail: one node, which moves from the composer to the transcript. */
  readonly view: HTMLImageElement | HTMLCanvasElement;
}

/** Longest side of a drawn thumbnail in device pixels: twice what the page shows, for dense screens. */
const THUMBNAIL_SIZE = 320;

/** Wraps a picture. Throws TypeError for any other value. */
export function takePicture(image: ImageInput): ChatPicture {
  const name = nameOf(image);
  const view = viewOf(image);
  view.setAttribute("part", "picture");
  if (view instanceof HTMLImageElement) view.alt = `Picture: ${name}`;
  else {
    view.setAttribute("role", "img");
    view.setAttribute("aria-label", `Picture: ${name}`);
  }
  return { image, name, view };
}

function viewOf(image: ImageInput): ChatPicture["view"] {
  if (!(image instanceof Blob || typeof image === "string" || image instanceof HTMLImageElement))
    return drawThumbnail(image);
  const view = document.createElement("img");
  // A draggable picture could be dropped on the element itself.
  view.draggable = false;
  if (image instanceof Blob) void showFile(view, image);
  else view.src = typeof image === "string" ? image : image.currentSrc || image.src;
  return view;
}

/** Shows a file, unless it is too large to be decoded: the engine refuses such a picture and says why. */
async function showFile(view: HTMLImageElement, file: Blob): Promise<void> {
  try {
    await measurePicture("the picture", file);
  } catch (error) {
    if (error instanceof FoveaError) return;
    throw error;
  }
  const address = URL.createObjectURL(file);
  const free = () => URL.revokeObjectURL(address);
  view.addEventListener("load", free, { once: true });
  view.addEventListener("error", free, { once: true });
  view.src = address;
}

/** Draws the thumbnail now: the caller may later close the bitmap or draw over the canvas. */
function drawThumbnail(image: ImageBitmap | ImageData | HTMLCanvasElement | OffscreenCanvas): HTMLCanvasElement {
  const scale = Math.min(1, THUMBNAIL_SIZE / Math.max(image?.width, image?.height));
  if (!(scale > 0)) throw new TypeError("a picture must be a file, an address, an image, a canvas or pixels");
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.width * scale));
  canvas.height = Math.max(1, Math.round(image.height * scale));
  const source = image instanceof ImageData ? canvasOf(image) : image;
  canvas.getContext("2d")?.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function canvasOf(pixels: ImageData): OffscreenCanvas {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return canvas;
}

function nameOf(image: ImageInput): string {
  const name =
    image instanceof File
      ? image.name
      : image instanceof HTMLImageElement
        ? image.alt || lastPart(image.src)
        : typeof image === "string"
          ? lastPart(image)
          : "";
  return name || "picture";
}

/** The file name of an address, without its query: "cat.png". */
function lastPart(address: string): string {
  if (!URL.canParse(address, document.baseURI)) return "";
  const { protocol, pathname } = new URL(address, document.baseURI);
  return /^https?:$/.test(protocol) ? pathname.split("/").at(-1)! : "";
}
