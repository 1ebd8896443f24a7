/** The page's camera, around a stream of this page's making: when a photo is taken, and what comes of one without pixels. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Camera } from "../../src/app/parts/camera.ts";

if (!customElements.get("app-camera")) customElements.define("app-camera", Camera);

let camera: Camera;
let video: HTMLVideoElement;

beforeEach(async () => {
  const canvas = document.createElement("canvas");
  canvas.getContext("2d")!.fillRect(0, 0, 10, 10);
  vi.spyOn(navigator.mediaDevices, "getUserMedia").mockResolvedValue(canvas.captureStream(0));
  camera = document.body.appendChild(new Camera());
  await camera.updateComplete;
  video = camera.renderRoot.querySelector("video")!;
});
afterEach(() => {
  camera.remove();
  vi.restoreAllMocks();
});

/** Sends an event while the video has this width. Returns the button after the update. */
async function tell(event: "loadeddata" | "resize", width: number): Promise<HTMLButtonElement> {
  Object.defineProperty(video, "videoWidth", { configurable: true, value: width });
  Object.defineProperty(video, "videoHeight", { configurable: true, value: width });
  video.dispatchEvent(new Event(event));
  await camera.updateComplete;
  return camera.renderRoot.querySelector("button")!;
}

function nextPhoto(): Promise<File> {
  return new Promise((resolve) => {
    camera.addEventListener("photograph", (event) => resolve((event as CustomEvent<File>).detail), { once: true });
  });
}

test("gives the photo as a file", async () => {
  expect(camera.renderRoot.querySelector("button")!.disabled).toBe(true);
  const photo = nextPhoto();
  (await tell("loadeddata", 64)).click();
  const file = await photo;
  expect([file.name, file.type]).toEqual(["Photo.jpg", "image/jpeg"]);
  expect(file.size).toBeGreaterThan(0);
});

test("waits for the size, which may come after the press", async () => {
  const photo = nextPhoto();
  (await tell("loadeddata", 0)).click();
  await tell("resize", 64);
  expect((await createImageBitmap(await photo)).width).toBe(64);
});

test("says so when the photo has no pixels", async () => {
  vi.spyOn(HTMLCanvasElement.prototype, "toBlob").mockImplementation((done) => done(null));
  (await tell("loadeddata", 64)).click();
  await vi.waitFor(() => expect(camera.problem).toMatch(/gave no picture/));
});
