/** Messages between `pdfPages` and the script that reads PDFs. */

/** Opens a PDF. Its bytes are transferred. */
export interface OpenPdf {
  type: "open";
  bytes: ArrayBuffer;
}

/** Draws a page of the open PDF. */
export interface DrawPage {
  type: "draw";
  /** From 1. */
  page: number;
  /** The picture's longest side in pixels. */
  maxSide: number;
}

export type ToPdf = OpenPdf | DrawPage;

/** Why a PDF could not be read. */
export type PdfFailure = "password" | "damaged" | "shape";

export type FromPdf =
  /** The script is loaded. Sent once, unasked. */
  | { type: "started" }
  /** The PDF is open. */
  | { type: "opened"; pages: number }
  /** A page as a PNG; `problems` tells what of it could not be drawn, "" for nothing. */
  | { type: "drawn"; image: Blob; problems: string }
  | { type: "failed"; failure: PdfFailure; reason: string };
