/** Pages of PDFs that the test makes: which, how large, and what is said of files that are none. */
import { afterEach, expect, test, vi } from "vitest";
import { pdfPages } from "../../src/pdf/pdf-pages.ts";
import { makePdf, pixelOf } from "../support/pdf.ts";

const RED = { colour: [1, 0, 0] } as const;
const GREEN = { colour: [0, 1, 0] } as const;
const BLUE = { colour: [0, 0, 1] } as const;

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("the first page, 2048 pixels wide, unless told otherwise", async () => {
  const found = await pdfPages(makePdf([RED, GREEN]));
  expect(found).toEqual([{ image: expect.any(File), page: 1, pages: 2, problems: "" }]);
  const { image } = found[0]!;
  expect([image.name, image.type]).toEqual(["paper.pdf page 1.png", "image/png"]);
  expect(await pixelOf(image)).toEqual({ width: 2048, height: 1024, colour: [255, 0, 0] });
});

test("pages by their numbers, in the order written", async () => {
  const pdf = makePdf([RED, GREEN, BLUE]);
  for (const pages of ["3, 1-2", [3, 1, 2]]) {
    const found = await pdfPages(pdf, { pages, maxSide: 100 });
    expect(found.map(({ page }) => page)).toEqual([3, 1, 2]);
    const colours = await Promise.all(found.map(async ({ image }) => (await pixelOf(image)).colour));
    expect(colours).toEqual([
      [0, 0, 255],
      [255, 0, 0],
      [0, 255, 0],
    ]);
  }
  await expect(pdfPages(pdf, { pages: "4" })).rejects.toThrow(
    new RangeError("page 4 is not in this PDF, whose pages are 1 to 3"),
  );
});

test("text is drawn, with a font of this machine", async () => {
  const content = "0 0 0 rg BT /F1 90 Tf 10 20 Td (H) Tj ET";
  const [page] = await pdfPages(makePdf([{ colour: [1, 1, 1], content, box: [100, 100] }]), { maxSide: 400 });
  const bitmap = await createImageBitmap(page!.image);
  const context = new OffscreenCanvas(400, 400).getContext("2d")!;
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, 400, 400);
  const dark = data.filter((value, i) => i % 4 === 0 && value < 128).length;
  expect(dark).toBeGreaterThan(4000);
  expect(page!.problems).toBe("");
});

test("an address is read too", async () => {
  const address = URL.createObjectURL(makePdf([BLUE]));
  const [page] = await pdfPages(address, { maxSide: 64 });
  expect((await pixelOf(page!.image)).colour).toEqual([0, 0, 255]);
  await expect(pdfPages("/no-such.pdf")).rejects.toMatchObject({ code: "download-failed" });
});

test("tells of pictures that it cannot draw, with their page only", async () => {
  const picture =
    "<< /Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /JPXDecode /Length 4 >>\nstream\njunk\nendstream";
  const page = { colour: [1, 1, 0], content: "q 50 0 0 50 20 20 cm /X100 Do Q" } as const;
  const [found, next] = await pdfPages(makePdf([page, RED], [picture]), { pages: "1, 2", maxSide: 100 });
  expect(found!.problems).toMatch(/image|JPX/i);
  expect((await pixelOf(found!.image)).colour).toEqual([255, 255, 0]);
  expect(next!.problems).toBe("");
});

test.each([
  [new File([], "empty.pdf"), "empty.pdf is empty (0 bytes); pick the file again"],
  [new File(["no PDF"], "odd.pdf"), "odd.pdf is damaged, or is no PDF (Invalid PDF structure.)"],
  [makePdf([]), /^paper\.pdf is damaged, or is no PDF/],
  [makePdf([{ ...RED, box: [1, 1000] }]), "paper.pdf has a page that is no picture (page 1 is 1 x 1000 points)"],
])("%o: a sentence says why not", async (file, message) => {
  await expect(pdfPages(file)).rejects.toMatchObject({
    code: "bad-image",
    message: typeof message === "string" ? message : expect.stringMatching(message),
  });
});

test("a PDF that never ends is given up, and its worker ended", async () => {
  const terminate = vi.spyOn(Worker.prototype, "terminate");
  // A form that draws itself, 2 ^ 20 times.
  const forms = Array.from({ length: 20 }, (_, i) => {
    const stream = i === 19 ? "0 0 1 1 re f" : `/X${101 + i} Do /X${101 + i} Do`;
    const resources = i === 19 ? "" : `/Resources << /XObject << /X${101 + i} ${101 + i} 0 R >> >>`;
    return `<< /Type /XObject /Subtype /Form /BBox [0 0 1 1] ${resources} /Length ${stream.length} >>\nstream\n${stream}\nendstream`;
  });
  const pdf = makePdf([{ ...RED, content: "/X100 Do" }], forms);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 1000);
  await expect(pdfPages(pdf, { signal: stop.signal })).rejects.toMatchObject({ code: "aborted" });
  expect(terminate).toHaveBeenCalledTimes(1);
});

test("wrong arguments", async () => {
  await expect(pdfPages(3 as unknown as Blob)).rejects.toThrow(TypeError);
  await expect(pdfPages(makePdf([RED]), { maxSide: 10 })).rejects.toThrow(RangeError);
  await expect(pdfPages(makePdf([RED]), { page: 1 } as object)).rejects.toThrow(TypeError);
});
