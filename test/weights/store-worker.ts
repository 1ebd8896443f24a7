/** Loads a folder in a worker, where files on disk are written in place; answers with how many bytes were read. */
import { withModel } from "../../src/weights/open-model.ts";

addEventListener("message", async ({ data }: MessageEvent<{ url: string; names: string[] }>) => {
  try {
    const bytes = await withModel(data.url, {}, async (folder) => {
      let sum = 0;
      for (const name of data.names) {
        const file = (await folder.open(name))!;
        sum += (await file.read(0, file.byteLength)).length;
        await file.finish?.();
      }
      return sum;
    });
    postMessage({ bytes });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
