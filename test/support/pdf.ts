/** Makes small PDFs, byte by byte: pages of one colour with a line of text. */

export interface PdfPage {
  /** Red, green, blue from 0 to 1. */
  colour: readonly [number, number, number];
  /** Operators after the background. */
  content?: string;
  /** Sides in points. */
  box?: readonly [number, number];
}

/** A PDF of these pages. @param objects more objects, from number 100 on, which pages' content may use as /X100 */
export function makePdf(pages: readonly PdfPage[], objects: readonly string[] = []): File {
  const kids = pages.map((_, i) => `${3 + 2 * i} 0 R`).join(" ");
  const names = objects.map((_, i) => `/X${100 + i} ${100 + i} 0 R`).join(" ");
  const bodies = new Map<number, string>([
    [1, "<< /Type /Catalog /Pages 2 0 R >>"],
    [2, `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`],
  ]);
  pages.forEach(({ colour, content = "", box: [width, height] = [200, 100] }, i) => {
    const stream = `${colour.join(" ")} rg 0 0 ${width} ${height} re f\n${content}`;
    bodies.set(
      3 + 2 * i,
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Contents ${4 + 2 * i} 0 R /Resources << /XObject << ${names} >> /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>`,
    );
    bodies.set(4 + 2 * i, `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`);
  });
  for (const [i, body] of objects.entries()) bodies.set(100 + i, body);
  let text = "%PDF-1.4\n";
  const offsets = new Map<number, number>();
  for (const [number, body] of bodies) {
    offsets.set(number, text.length);
    text += `${number} 0 obj\n${body}\nendobj\n`;
  }
  const start = text.length;
  const entries = [...offsets]
    .map(([number, at]) => `${number} 1\n${String(at).padStart(10, "0")} 00000 n \n`)
    .join("");
  text += `xref\n0 1\n0000000000 65535 f \n${entries}trailer\n<< /Size 200 /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  return new File([bytes], "paper.pdf", { type: "application/pdf" });
}

/** Size of a picture, and the colour of one of its pixels, at shares of its sides. */
export async function pixelOf(image: Blob, x = 0.5, y = 0.1) {
  const bitmap = await createImageBitmap(image);
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d")!;
  context.drawImage(bitmap, 0, 0);
  const at = context.getImageData(Math.floor(x * width), Math.floor(y * height), 1, 1);
  return { width, height, colour: [...at.data.subarray(0, 3)] };
}
