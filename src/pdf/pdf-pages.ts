/**
 * Pages of a PDF as pictures, for models that read pictures. Runs in pages and workers. The script that reads PDFs starts
 * and ends with each call, so a hostile file can neither block the page nor keep its memory.
 */
import { FoveaError, orAborted, orTimedOut, throwIfAborted } from "../errors.ts";
import { fetchPicture } from "../image/fetch-picture.ts";
import { checkEncodedSize } from "../image/limits.ts";
import { fileStem, nameInText, readFile } from "../image/measure.ts";
import { checkFields, kindOf } from "../shared/arguments.ts";
import { checkInteger } from "../shared/assert.ts";
import { parsePages } from "./page-numbers.ts";
import type { FromPdf, PdfFailure, ToPdf } from "./protocol.ts";
import { startPdfWorker } from "./start-worker.ts";

export interface PdfPagesOptions {
  /** Pages, from 1: numbers, or text such as "2-5, 9". At most 64; default 1. */
  pages?: string | readonly number[];
  /** Longest side of a picture in pixels, 64 to 4096; default 2048, at which a printed page is readable. */
  maxSide?: number;
  signal?: AbortSignal;
}

/** A page of a PDF. */
export interface PdfPicture {
  /** A PNG, named after the PDF and the page. */
  image: File;
  /** From 1. */
  page: number;
  /** How many pages the PDF has. */
  pages: number;
  /** Parts of the page that could not be drawn, such as a picture in a damaged format; "" for none. */
  problems: string;
}

/** A page that takes longer has failed. Dense maps took 4 s on a slow machine. */
const PAGE_MS = 60_000;
/** The script has 1.7 MB. */
const START_MS = 180_000;

const REASONS: Readonly<Record<PdfFailure, string>> = {
  password: "is protected by a password; save a copy without one",
  damaged: "is damaged, or is no PDF",
  shape: "has a page that is no picture",
};

/**
 * Pictures of a PDF's pages, drawn by pdf.js in a worker of its own.
 *
 * @param pdf a file, or the address of one
 * @throws FoveaError `bad-image` for a file that is no PDF, is damaged, protected or above 256 MiB, or has a page that
 *   takes over a minute; `download-failed` for an address and where no worker may start; `aborted`. RangeError for
 *   pages that the PDF lacks, TypeError for wrong arguments.
 *
 * @example
 * const [page] = await pdfPages(file, { pages: "3" });
 * const content = [{ type: "image", image: page.image }, { type: "text", text: "What does the table say?" }];
 */
export async function pdfPages(pdf: Blob | string | URL, options: PdfPagesOptions = {}): Promise<PdfPicture[]> {
  checkFields("options", options, ["pages", "maxSide", "signal"]);
  const { pages: wanted = "1", ...others } = options;
  if (typeof wanted !== "string" && !Array.isArray(wanted)) throw new TypeError("pages must be a string or an array");
  const text = typeof wanted === "string" ? wanted : wanted.join(",");
  return chosenPages(pdf, async () => text, others);
}

/**
 * The same for pages that are chosen once the PDF is open. Throws as `pdfPages`.
 *
 * @param choose gets the number of pages, and resolves with those to draw, such as "2-5, 9"; undefined draws none
 */
export async function chosenPages(
  pdf: Blob | string | URL,
  choose: (pages: number) => Promise<string | undefined>,
  { signal, maxSide: side = 2048 }: Omit<PdfPagesOptions, "pages">,
): Promise<PdfPicture[]> {
  const maxSide = checkInteger("maxSide", side, 64, 4096);
  throwIfAborted(signal, "reading of a PDF");
  const { name, blob } = await fileOf(pdf, signal);
  const bytes = await readFile(name, () => blob.arrayBuffer());
  const reader = new Reader(name);
  try {
    const ask = <T extends FromPdf["type"]>(type: T, message?: ToPdf) =>
      orAborted(reader.ask(type, message), signal, "reading of a PDF");
    await ask("started");
    const { pages } = await ask("opened", { type: "open", bytes });
    const chosen = await choose(pages);
    const found: PdfPicture[] = [];
    for (const page of chosen === undefined ? [] : parsePages(chosen, pages)) {
      const { image, problems } = await ask("drawn", { type: "draw", page, maxSide });
      const title = `${fileStem(name, "PDF")}${pages === 1 ? "" : ` page ${page}`}.png`;
      found.push({ image: new File([image], title, { type: "image/png" }), page, pages, problems });
    }
    return found;
  } finally {
    reader.end();
  }
}

async function fileOf(
  pdf: Blob | string | URL,
  signal: AbortSignal | undefined,
): Promise<{ name: string; blob: Blob }> {
  const kind = kindOf(pdf);
  if (kind === "String" || kind === "URL") return fetchPicture(String(pdf), signal);
  if (kind !== "Blob" && kind !== "File")
    throw new TypeError(`pdf must be a Blob, a File or the address of a PDF, got ${kind}`);
  const blob = pdf as Blob & Partial<File>;
  const name = blob.name ? nameInText(blob.name) : "the PDF";
  if (blob.size === 0) throw new FoveaError("bad-image", `${name} is empty (0 bytes); pick the file again`);
  checkEncodedSize(name, blob.size);
  return { name, blob };
}

/** The script that reads one PDF. Ends at the first failure. */
class Reader {
  readonly #name: string;
  readonly #worker: Worker;

  constructor(name: string) {
    this.#name = name;
    try {
      this.#worker = startPdfWorker();
    } catch (cause) {
      throw new FoveaError(
        "download-failed",
        `the script that reads PDFs may not start here (${String(cause)}); allow workers of this page`,
        { cause },
      );
    }
  }

  /** Resolves with the answer of this type. One question at a time. Throws FoveaError, as `pdfPages`. */
  ask<T extends FromPdf["type"]>(type: T, message?: ToPdf): Promise<Extract<FromPdf, { type: T }>> {
    const stalled = () =>
      message
        ? new FoveaError(
            "bad-image",
            `${this.#name}: a page took longer than ${PAGE_MS / 1000} s; print it to a simpler PDF`,
          )
        : notLoaded();
    return orTimedOut(this.#answer(type, message), message ? PAGE_MS : START_MS, stalled);
  }

  #answer<T extends FromPdf["type"]>(type: T, message?: ToPdf): Promise<Extract<FromPdf, { type: T }>> {
    return new Promise((resolve, reject) => {
      const worker = this.#worker;
      const fail = (text: string) => reject(new FoveaError("bad-image", `${this.#name} ${text}`));
      worker.onmessage = ({ data }: MessageEvent<FromPdf>) => {
        // The library sends messages of its own.
        if (data?.type !== type && data?.type !== "failed") return;
        if (data.type === "failed") {
          const { failure, reason } = data;
          fail(`${REASONS[failure]}${reason ? ` (${reason.slice(0, 200)})` : ""}`);
        } else resolve(data as Extract<FromPdf, { type: T }>);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        const reason = event.message ?? "";
        if (reason) fail(`cannot be read (${reason.slice(0, 200)}); print it to a new PDF`);
        else reject(notLoaded());
      };
      if (message) worker.postMessage(message, "bytes" in message ? [message.bytes] : []);
    });
  }

  end(): void {
    this.#worker.terminate();
  }
}

function notLoaded(): FoveaError {
  return new FoveaError(
    "download-failed",
    "the script that reads PDFs did not load; check the connection, then try again",
  );
}
