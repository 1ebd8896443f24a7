/** A worker that decodes what it is sent, to see that decoding needs no page. Answers with the sizes or the error. */
import { decodeImage } from "../../src/image/decode.ts";
import type { ImageInput } from "../../src/shared/picture.ts";

self.addEventListener("message", async ({ data }: MessageEvent<ImageInput>) => {
  try {
    const picture = await decodeImage(data);
    self.postMessage([picture.width, picture.height]);
    picture.close();
  } catch (error) {
    self.postMessage(`${(error as Error).name}: ${(error as Error).message}`);
  }
});
