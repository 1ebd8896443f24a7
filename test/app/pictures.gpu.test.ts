/** Files for the page's next question: their bytes decide, and one sentence says why another is none. */
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { App } from "../../src/app/logic/app.ts";
import { Page } from "../../src/app/parts/page.ts";
import { decodeImage } from "../../src/image/decode.ts";

let app: App;
beforeEach(() => {
  app = new App();
});

async function picture(type = "image/png"): Promise<Uint8Array<ArrayBuffer>> {
  const canvas = new OffscreenCanvas(64, 48);
  canvas.getContext("2d")!.fillRect(0, 0, 20, 20);
  return new Uint8Array(await (await canvas.convertToBlob({ type })).arrayBuffer());
}

const names = () => app.store.state.draft.map(({ name, width, height }) => [name, width, height]);

test.for([
  ["photo", ""],
  ["photo.jpg", "image/jpeg"],
  ["photo.txt", "text/plain"],
] as const)("a JPEG called %s, said to be %j, is a picture", async ([name, type]) => {
  await app.pictures.addFiles([new File([await picture("image/jpeg")], name, { type })]);
  expect(names()).toEqual([[name, 64, 48]]);
  expect(app.store.state.notice).toBe("");
});

test.for([
  [
    "an SVG",
    "logo.svg",
    "image/svg+xml",
    "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
    "is SVG, a drawing without pixels",
  ],
  [
    "HEIC",
    "IMG_0001.HEIC",
    "",
    "\0\0\0\x18ftypheic....",
    "is HEIC, which this browser cannot read; save it as JPEG (on an iPhone",
  ],
  ["JSON", "package.json", "application/json", "{}", "is not a picture (2 bytes, said to be application/json)"],
  ["a page", "photo.jpg", "image/jpeg", "<!doctype html>", "is not a picture (15 bytes, HTML)"],
  ["nothing", "empty.png", "image/png", "", "is empty (0 bytes)"],
] as const)("%s is refused in the engine's words", async ([, name, type, content, words]) => {
  const file = new File([content], name, { type });
  await app.pictures.addFiles([file]);
  expect(names()).toEqual([]);
  expect(app.store.state.notice).toContain(`${name} ${words}`);
  await expect(decodeImage(file)).rejects.toThrow(app.store.state.notice.replace(/\.$/, ""));
});

test("a picture that was cut short is refused, the others are added", async () => {
  const bytes = await picture("image/jpeg");
  const cut = new File([bytes.slice(0, bytes.length - 100)], "cut.jpg", { type: "image/jpeg" });
  await app.pictures.addFiles([new File([bytes], "a.jpg"), cut, new File([bytes], "b.jpg")]);
  expect(names()).toEqual([
    ["a.jpg", 64, 48],
    ["b.jpg", 64, 48],
  ]);
  expect(app.store.state.notice).toMatch(
    /^cut\.jpg is a JPEG of 64 x 48 pixels, cut short or damaged .*get it again\.$/,
  );
});

test("an address of a picture brings the picture; another says why not", async () => {
  const drop = async (address: string) => {
    const data = new DataTransfer();
    data.setData("text/uri-list", address);
    await app.pictures.addDropped(data);
  };
  await drop(URL.createObjectURL(new Blob([await picture()], { type: "image/png" })));
  expect(names()).toMatchObject([[expect.any(String), 64, 48]]);
  await drop("http://127.0.0.1:9/cat.png");
  expect(app.store.state.notice).toMatch(/^http:\/\/127\.0\.0\.1:9\/cat\.png could not be fetched/);
  await drop("javascript:alert(1)");
  expect(app.store.state.notice).toMatch(/supported addresses begin with http/);
  expect(names()).toHaveLength(1);
});

test("the page takes drops of addresses, so that the browser does not leave it", async () => {
  if (!customElements.get("app-page")) customElements.define("app-page", Page);
  const page = document.createElement("app-page") as Page;
  page.app = app;
  document.body.append(page);
  onTestFinished(() => page.remove());
  await page.updateComplete;
  const dispatch = (type: string, format: string, text: string) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.setData(format, text);
    const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true, composed: true });
    page.dispatchEvent(event);
    return event.defaultPrevented;
  };
  const address = URL.createObjectURL(new Blob([await picture()], { type: "image/png" }));
  expect(["dragover", "drop"].map((type) => dispatch(type, "text/uri-list", address))).toEqual([true, true]);
  await expect.poll(names).toMatchObject([[expect.any(String), 64, 48]]);
  expect(dispatch("dragover", "text/plain", "words")).toBe(false);
});

test("a name that reads like words of a sentence is quoted", async () => {
  await app.pictures.addFiles([new File(["x"], "my photo.png"), new File(["x"], "photo")]);
  expect(app.store.state.notice).toMatch(/^"my photo\.png" is not a picture .* "photo" is not a picture/);
});

test("a fifth picture is refused", async () => {
  const file = new File([await picture()], "a.png");
  await app.pictures.addFiles([file, file, file, file, file]);
  expect(names()).toHaveLength(4);
  expect(app.store.state.notice).toBe("A question takes at most 4 pictures; remove one first.");
});
