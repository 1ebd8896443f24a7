/**
 * Fovea against transformers.js: questions about text and pictures, from the caller's picture to the last token, with
 * random weights in the shape of SmolVLM-256M. Both must choose the same tokens before anything is timed. The
 * checkpoint and its ONNX graphs come from bench/peers/export_smolvlm.py. Browser only.
 */
import type { Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import {
  type Answered,
  type Answering,
  type Device,
  loadTransformers,
  type Question,
  TransformersJs,
} from "../peers/transformers-js.ts";
import { drawnPicture } from "./drawn-picture.ts";
import { median, nmse } from "./measure.ts";
import type { Part, PartContext } from "./part.ts";
import type { SizeName } from "./result.ts";
import { type Compared, DEVICES, KINDS, type Kind, type Rounds, rowsOf, TOKENS } from "./smolvlm-rows.ts";

/** Makes the folder; the file's header lists the packages it needs. */
export const EXPORT_COMMAND = "python3 bench/peers/export_smolvlm.py";

/** Positions in Fovea's KV cache. */
const CONTEXT = 1024;
/** The side is the export's `LONGEST_EDGE`: tiles of such a picture are cut from it without scaling. */
const SQUARES = { side: 1024, count: 200, width: 120, step: [197, 353] } as const;
const TEXT_LENGTH = 200;
/** Measured below 1e-9. Different weights or positions give 1e-2 and more. */
const NMSE_SAME = 1e-6;
/** A peer that takes longer to its first token is not asked again; if one view takes longer, it does not run five. */
const SLOW_MS = 60_000;
const ROUNDS: Record<SizeName, number> = { tiny: 1, small: 2, large: 10 };

export const compareSmolvlm: Part = async (context) => {
  const { gpu, smolvlmFolder, progress, miss } = context;
  if (smolvlmFolder === undefined) {
    miss({ what: "all figures", reason: `no checkpoint yet; run ${EXPORT_COMMAND}` });
    return [];
  }
  progress("compare-smolvlm: loading Fovea");
  const start = performance.now();
  const fovea = await Fovea.load(smolvlmFolder, {
    ...{ device: gpu.device as never, cache: "none", maxContext: CONTEXT },
    ...{ weights: "f32", precision: "f32" },
  });
  const own = new FoveaAnswers(fovea, performance.now() - start);
  try {
    const questions = new Questions();
    const first = await own.ask(await questions.next("view"), TOKENS);
    const compared: Compared[] = [];
    // One peer at a time: idle WebAssembly threads may keep spinning while others run.
    for (const device of Object.keys(DEVICES) as Device[])
      compared.push(await compareWith(device, own, questions, context));
    const name = `transformers.js ${(await loadTransformers()).env.version}`;
    const { figures, missing } = rowsOf({
      name,
      depth: await depthOf(smolvlmFolder),
      loadMs: own.loadMs,
      first,
      compared,
    });
    for (const each of missing) miss(each);
    return figures;
  } finally {
    fovea.dispose();
  }
};

/** Fovea as one of both engines. */
class FoveaAnswers implements Answering {
  readonly loadMs: number;
  readonly fovea: Fovea;

  constructor(fovea: Fovea, loadMs: number) {
    this.fovea = fovea;
    this.loadMs = loadMs;
  }

  async ask({ text, picture, tiles = false }: Question, tokens: number): Promise<Answered> {
    const part = { type: "text", text } as const;
    const content: Message["content"] = picture ? [{ type: "image", image: picture }, part] : [part];
    const pictures = tiles ? {} : { maxTiles: 1 };
    const answer = this.fovea.generate({ messages: [{ role: "user", content }], pictures, maxTokens: tokens });
    await answer.text();
    const { promptTokens, newTokens, timeToFirstTokenMs, totalMs } = answer.stats!;
    return { promptTokens, newTokens, firstMs: timeToFirstTokenMs, totalMs };
  }

  async dispose(): Promise<void> {
    this.fovea.dispose();
  }
}

async function compareWith(
  device: Device,
  own: FoveaAnswers,
  questions: Questions,
  { size, smolvlmFolder, progress }: PartContext,
): Promise<Compared> {
  const name = `transformers.js on ${DEVICES[device]}`;
  const compared: Compared = { device, rounds: {}, reasons: {} };
  let peer: TransformersJs | undefined;
  let kind: Kind = KINDS[0];
  try {
    progress(`${name}: load`);
    peer = await TransformersJs.open(new URL(smolvlmFolder!).pathname.replace(/^\/|\/$/g, ""), device);
    compared.loadMs = peer.loadMs;
    for (kind of KINDS) {
      const viewMs = compared.rounds.view && median(compared.rounds.view.peer.map(({ firstMs }) => firstMs));
      if (kind === "views" && viewMs !== undefined && viewMs > SLOW_MS) {
        compared.reasons.views = `not run: one view took ${(viewMs / 1000).toFixed(0)} s`;
        continue;
      }
      progress(`${name}, ${kind}: do both choose the same tokens?`);
      const { answered, error } = await sameTokens(peer, own.fovea, await questions.next(kind), progress);
      compared.first ??= answered;
      compared.error = Math.max(error, compared.error ?? 0);
      // Not counted: compiles what this kind needs.
      await own.ask(await questions.next(kind), TOKENS);
      const isFirst = answered.firstMs > SLOW_MS;
      const rounds: Rounds = isFirst ? { fovea: [], peer: [answered], isFirst } : { fovea: [], peer: [] };
      for (let round = 0; round < (isFirst ? 1 : ROUNDS[size]); round++) {
        progress(`${name}, ${kind}: round ${round + 1}`);
        const question = await questions.next(kind);
        rounds.fovea.push(await own.ask(question, TOKENS));
        if (!isFirst) rounds.peer.push(await peer.ask(question, TOKENS));
      }
      compared.rounds[kind] = rounds;
    }
  } catch (error) {
    // A peer that does not run here is a result, too.
    const reason = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    for (const each of KINDS)
      if (!compared.rounds[each]) compared.reasons[each] ??= each === kind ? reason : `not run after: ${reason}`;
  } finally {
    await peer?.dispose();
  }
  return compared;
}

/** Runs the peer's own pixels and ids in both engines. Throws an Error if tokens or logits differ. */
async function sameTokens(peer: TransformersJs, fovea: Fovea, question: Question, progress: (what: string) => void) {
  const traced = await peer.trace(question, TOKENS);
  progress(`first token after ${traced.firstMs.toFixed(0)} ms, all after ${traced.totalMs.toFixed(0)} ms`);
  const { ids, pixels, greedy, logits } = traced;
  const imageId = ids.find((id, i) => pixels.length > 0 && id === ids[i + 1] && id === ids[i + 2]);
  // One id stands for a view.
  const inputIds = ids.filter((id, i) => id !== imageId || ids[i - 1] !== imageId);
  const pictures = pixels.length > 0 ? { pixelValues: pixels } : {};
  const own = await fovea.inspect({ inputIds, ...pictures, greedySteps: TOKENS });
  const { data, cols } = own.logits;
  const error = nmse(logits, data.subarray(data.length - cols) as Float32Array);
  if (own.greedy.join() !== greedy.join() || !(error <= NMSE_SAME))
    throw new Error(`different results: NMSE of logits ${error.toExponential(1)}, tokens ${greedy} for ${own.greedy}`);
  return { answered: traced, error };
}

/** Makes questions. Each has a text and a picture of its own, so that nothing is reused. */
class Questions {
  #made = 0;

  async next(kind: Kind): Promise<Question> {
    const number = ++this.#made;
    const text = `${number}: what is here?`;
    if (kind === "text") return { text: text.padEnd(TEXT_LENGTH, " again") };
    return { text, picture: await drawnPicture(number, SQUARES), tiles: kind === "views" };
  }
}

/** The measured part of the model, in words. */
async function depthOf(folder: string): Promise<string> {
  const { vision_config, text_config } = await (await fetch(`${folder}config.json`)).json();
  return `${vision_config.num_hidden_layers} of 12 blocks, ${text_config.num_hidden_layers} of 30 layers, f32`;
}
