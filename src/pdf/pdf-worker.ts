/**
 * The script that reads PDFs: draws pages with all of pdf.js in this worker, its parser and its painter. Nothing of a PDF
 * runs or is fetched: no scripts, no forms of XFA, no fonts or tables from addresses.
 */
// Must come before the painter, which looks for the parser in a global variable and would start one more worker without
// it.
import "pdfjs-dist/legacy/build/pdf.worker.mjs";
import { getDocument, type PDFDocumentProxy } from "pdfjs-dist/legacy/build/pdf.mjs";
import { MAX_ASPECT_RATIO, MAX_PIXELS } from "../image/limits.ts";
import type { FromPdf, PdfFailure, ToPdf } from "./protocol.ts";

/** The needed part of a worker's global scope. */
interface Scope {
  fonts?: FontFaceSet;
  postMessage(message: FromPdf): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToPdf>) => void): void;
}

const scope = globalThis as unknown as Scope;
let pdf: PDFDocumentProxy | undefined;
/** Parts that the library could not draw. It reports them on the console only. */
let problems: string[] = [];
console.log = (...parts: unknown[]) => {
  const text = parts.join(" ").replace(/^Warning: /, "");
  if (problems.length < 3 && /image|font|JPX|JBIG2|pattern|stream|operator/i.test(text))
    problems.push(text.slice(0, 80));
};
console.warn = console.log;

scope.addEventListener("message", ({ data }) => {
  if (data.type === "open") void answer(open(data.bytes));
  else if (data.type === "draw") void answer(draw(data.page, data.maxSide));
});

scope.postMessage({ type: "started" });

async function answer(work: Promise<FromPdf>): Promise<void> {
  scope.postMessage(await work.catch(failureOf));
}

function failureOf(error: unknown): FromPdf {
  const { name = "", message = String(error) } = error as Partial<Error>;
  const failure: PdfFailure = name === "PasswordException" ? "password" : "damaged";
  return { type: "failed", failure, reason: failure === "password" ? "" : message };
}

async function open(bytes: ArrayBuffer): Promise<FromPdf> {
  pdf = await getDocument({
    data: new Uint8Array(bytes),
    isEvalSupported: false,
    enableXfa: false,
    // A larger picture of a page is left out.
    maxImageSize: MAX_PIXELS,
    useWorkerFetch: false,
    // A worker has no document, but it has fonts.
    ownerDocument: { fonts: scope.fonts } as unknown as HTMLDocument,
    CanvasFactory: WorkerCanvases,
    FilterFactory: NoFilters,
    BinaryDataFactory: Decoders,
    wasmUrl: "./",
  }).promise;
  if (pdf.numPages === 0) return { type: "failed", failure: "damaged", reason: "it has no pages" };
  return { type: "opened", pages: pdf.numPages };
}

async function draw(number: number, maxSide: number): Promise<FromPdf> {
  problems = [];
  const page = await pdf!.getPage(number);
  const { width, height } = page.getViewport({ scale: 1 });
  const [short, long] = width < height ? [width, height] : [height, width];
  if (!(short > 0 && long <= short * MAX_ASPECT_RATIO))
    return { type: "failed", failure: "shape", reason: `page ${number} is ${width} x ${height} points` };
  const viewport = page.getViewport({ scale: maxSide / long });
  const canvas = new OffscreenCanvas(Math.round(viewport.width) || 1, Math.round(viewport.height) || 1);
  const context = canvas.getContext("2d", { alpha: false })!;
  await page.render({
    canvas: null,
    canvasContext: context as unknown as CanvasRenderingContext2D,
    viewport,
    // As printed: display waits for animation frames of a window.
    intent: "print",
  }).promise;
  const image = await canvas.convertToBlob({ type: "image/png" });
  page.cleanup();
  return { type: "drawn", image, problems: problems.join("; ") };
}

interface CanvasEntry {
  canvas: OffscreenCanvas | null;
  context: OffscreenCanvasRenderingContext2D | null;
}

/** Canvases without a document. */
class WorkerCanvases {
  create(width: number, height: number): CanvasEntry {
    if (!(width > 0 && height > 0)) throw new RangeError("a canvas needs a size");
    const canvas = new OffscreenCanvas(width, height);
    return { canvas, context: canvas.getContext("2d") };
  }

  reset({ canvas }: CanvasEntry, width: number, height: number): void {
    Object.assign(canvas!, { width, height });
  }

  destroy(entry: CanvasEntry): void {
    Object.assign(entry.canvas!, { width: 0, height: 0 });
    entry.canvas = null;
    entry.context = null;
  }
}

/** SVG's filters need a document. Without them a soft mask by brightness is drawn as one by opacity. */
class NoFilters {
  addFilter = () => "none";
  addHCMFilter = () => "none";
  addAlphaFilter = () => "none";
  addLuminosityFilter = () => "none";
  addHighlightHCMFilter = () => "none";
  destroy(): void {}
}

/** Decoders of scanned pages, each in a script that loads with the first page that needs it. */
const DECODERS: Readonly<Record<string, () => Promise<{ default: string }>>> = {
  "openjpeg.wasm": () => import("pdfjs-dist/wasm/openjpeg.wasm?url&inline"),
  "jbig2.wasm": () => import("pdfjs-dist/wasm/jbig2.wasm?url&inline"),
};

/** Gives the library the bytes of its decoders. It fetches nothing. */
class Decoders {
  readonly fetch = async ({ filename }: { filename: string }): Promise<Uint8Array> => {
    const load = DECODERS[filename];
    if (!load) throw new Error(`${filename} is not part of this reader`);
    const { default: address } = await load();
    return Uint8Array.from(atob(address.slice(address.indexOf(",") + 1)), (char) => char.charCodeAt(0));
  };
}
