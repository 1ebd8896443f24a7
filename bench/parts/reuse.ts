/** Questions that reuse rows: about the same picture, in an earlier conversation, and after a reload. */
import type { Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { deleteStoredConversation } from "../../src/weights/storage.ts";
import { drawnPicture } from "./drawn-picture.ts";
import { median } from "./measure.ts";
import type { Part } from "./part.ts";
import type { Figure, SizeName } from "./result.ts";

const ROUNDS: Record<SizeName, number> = { tiny: 1, small: 5, large: 9 };
const NAME = "benchmark";
const SQUARES = { side: 448, count: 60, width: 60, step: [97, 53] } as const;

function question(text: string, image?: Blob): Message {
  const part = { type: "text", text } as const;
  return { role: "user", content: image ? [{ type: "image", image }, part] : [part] };
}

/** Milliseconds to the first token, and the answer. */
async function ask(fovea: Fovea, messages: Message[]) {
  const answer = fovea.generate({ messages, maxTokens: 16 });
  const text = await answer.text();
  return { text, ms: answer.stats!.timeToFirstTokenMs, reused: answer.stats!.reusedTokens };
}

/** @param folder address of the model */
export const reuseOf =
  (folder: string): Part =>
  async ({ size, progress }) => {
    progress("reuse: later questions of the demo model");
    const times = { first: [] as number[], second: [] as number[], back: [] as number[] };
    const disk = { save: [] as number[], restored: [] as number[], anew: [] as number[] };
    let [tokens, bytes] = [0, 0];
    const fovea = await Fovea.load(folder);
    const reloaded = await Fovea.load(folder, { keptBytes: 0 });
    try {
      // Creates the pipelines and buffers of both.
      for (const engine of [fovea, reloaded])
        await ask(engine, [question("What is it?", await drawnPicture(999, SQUARES))]);
      for (let round = 0; round < ROUNDS[size]; round++) {
        const image = await drawnPicture(round, SQUARES);
        const turns = [question("What is in this picture?", image)];
        const first = await ask(fovea, turns);
        turns.push({ role: "assistant", content: first.text }, question("What color is it?"));
        const second = await ask(fovea, turns);
        await ask(fovea, [question("What is here?", await drawnPicture(round + 500, SQUARES))]);
        turns.push({ role: "assistant", content: second.text }, question("How many are there?"));
        const back = await ask(fovea, turns);
        times.first.push(first.ms);
        times.second.push(second.ms);
        times.back.push(back.ms);

        progress(`reuse: round ${round + 1}, from disk`);
        let start = performance.now();
        const stored = await fovea.saveConversation(NAME);
        disk.save.push(performance.now() - start);
        if (!stored) throw new Error("nothing was saved");
        ({ tokens, bytes } = stored);
        turns.push({ role: "assistant", content: back.text }, question("Why?"));
        start = performance.now();
        await reloaded.restoreConversation(NAME);
        const restored = performance.now() - start;
        const again = await ask(reloaded, turns);
        if (again.reused < tokens / 2) throw new Error(`${again.reused} of ${tokens} rows were used`);
        disk.restored.push(restored + again.ms);
        // A new picture of the same cost.
        const other = [
          question("What is in this picture?", await drawnPicture(round + 700, SQUARES)),
          ...turns.slice(1),
        ];
        disk.anew.push((await ask(reloaded, other)).ms);
      }
    } finally {
      for (const engine of [fovea, reloaded]) engine.dispose();
      await deleteStoredConversation(NAME);
    }
    return figuresOf(times, disk, { tokens, bytes });
  };

function figuresOf(
  times: Record<"first" | "second" | "back", number[]>,
  disk: Record<"save" | "restored" | "anew", number[]>,
  { tokens, bytes }: { tokens: number; bytes: number },
): Figure[] {
  const first = median(times.first);
  const anew = median(disk.anew);
  const share = (id: string, what: string, ms: number, whole: number): Figure => {
    const note = `${ms.toFixed(0)} ms of ${whole.toFixed(0)} ms`;
    return { id, what, value: (100 * ms) / whole, unit: "%", note };
  };
  const second = "second question about a picture, time to first token, share of the first's";
  return [
    { id: "reuse.first", what: "first question about a picture, time to first token", value: first, unit: "ms" },
    share("reuse.second", second, median(times.second), first),
    share("reuse.back", "the same after another conversation", median(times.back), first),
    share("reuse.reload", "reload: restore and first token, share of running anew", median(disk.restored), anew),
    {
      id: "reuse.save",
      what: "save the conversation on disk",
      value: median(disk.save),
      unit: "ms",
      note: `${tokens} rows, ${(bytes / 2 ** 20).toFixed(1)} MiB`,
    },
  ];
}
