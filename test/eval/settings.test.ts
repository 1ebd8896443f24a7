/** The settings by name, what the command line makes of names, and what is asked under them. */
import { availableParallelism } from "node:os";
import { describe, expect, test } from "vitest";
import { parseEvalOptions } from "../../eval/options.mjs";
import { ABLATION_PICTURES, planItems } from "../../eval/plan.ts";
import { PUBLISHED } from "../../eval/published.ts";
import type { Picture, Question, QuestionSet } from "../../eval/set.ts";
import { chooseSettings, PAPER, PLAIN, settingsFor } from "../../eval/settings.ts";
import { planCompression, type ViewPlan } from "../../src/model/compression/plan.ts";
import { planInhibition } from "../../src/model/inhibition/plan.ts";
import { describeModel } from "../support/describe-model.ts";

const all = settingsFor(64);
const vision = {
  model_type: "clip_vision_model",
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 7,
  num_attention_heads: 2,
};
const text = {
  model_type: "llama",
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 4,
  num_attention_heads: 2,
  vocab_size: 9,
};
const { encoder } = describeModel({
  "config.json": {
    model_type: "llava",
    image_token_index: 8,
    vision_config: { ...vision, image_size: 112, patch_size: 14 },
    text_config: text,
  },
});

/** Tokens that a plan leaves of a view of 8 x 8 cells. */
function tokensOf(plan: ViewPlan): number | undefined {
  if (plan.method === "none") return 64;
  if (plan.method === "pool") return Math.ceil(8 / plan.factor) ** 2;
  return plan.method === "vmtc" ? plan.stages.at(-1)!.tokens : plan.tokens;
}

describe("settings", () => {
  test("have names of their own, and those that the report looks for", () => {
    const ids = all.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(all.map(({ title }) => title)).size).toBe(ids.length);
    for (const id of [PLAIN, PAPER, ...Object.keys(PUBLISHED)]) expect(ids).toContain(id);
  });

  test.for(all)("$id is a setting of the engine", ({ id, compression, inhibition }) => {
    const tokens = tokensOf(planCompression(compression, encoder!, [64])[0]!);
    planInhibition(inhibition, [{ kind: "attention" }]);
    const [, share] = /-(50|25|12)(\+|$)/.exec(id) ?? [];
    if (share) expect(tokens).toBe({ 50: 32, 25: 16, 12: 8 }[share]);
    expect(inhibition.maxRatio).toBe(id.includes("+") ? 0.6 : 0);
  });

  test("no two are the same", () => {
    const contents = all.map(({ compression, inhibition, describeFirst }) =>
      JSON.stringify({ compression, inhibition, describeFirst }),
    );
    expect(new Set(contents).size).toBe(all.length);
  });

  test("are chosen by name or by group, in their own order", () => {
    expect(chooseSettings(all, ["vmtc-50", "full"]).map(({ id }) => id)).toEqual(["full", "vmtc-50"]);
    expect(chooseSettings(all, ["main", "full"])).toEqual(all.filter(({ group }) => group === "main"));
    expect(() => chooseSettings(all, ["main", "half"])).toThrow(
      /^--settings: unknown "half"; choose from main, ablation, option, full, /,
    );
  });
});

describe("what is asked", () => {
  const question = (prompt: string): Question => ({
    topic: "what",
    prompt,
    need: [],
    only: "kinds",
    allow: [],
    task: null,
  });
  const picture = (file: string): Picture => ({
    file,
    hash: file,
    things: 1,
    questions: [question("a"), question("b")],
  });
  const set = (name: string, count: number): QuestionSet => ({
    folder: name,
    closed: {},
    pictures: Array.from({ length: count }, (_, i) => picture(`${name}${i}`)),
  });
  const sets = { drawn: set("drawn", 50), byHand: set("hand", 3) };

  test("of main settings everything, of ablations the first pictures", () => {
    const count = (id: string) => planItems(chooseSettings(all, [id]), sets).length;
    expect(count("vmtc-25")).toBe(100);
    expect(count("drop-25+cmai")).toBe(2 * ABLATION_PICTURES);
    expect(count("vmtc-50+raw")).toBe(2 * ABLATION_PICTURES);
    expect(count(PLAIN)).toBe(106);
    expect(count(PAPER)).toBe(106);
  });

  test("picture by picture under one setting after the other", () => {
    const items = planItems(chooseSettings(all, ["full", "full+cmai"]), sets, 2);
    expect(items.map(({ setting, picture, question }) => `${setting.id} ${picture.file} ${question.prompt}`)).toEqual([
      ...["drawn0 a", "drawn0 b", "drawn1 a", "drawn1 b", "hand0 a", "hand0 b", "hand1 a", "hand1 b"].map(
        (one) => `full ${one}`,
      ),
      ...["drawn0 a", "drawn0 b", "drawn1 a", "drawn1 b"].map((one) => `full+cmai ${one}`),
    ]);
  });

  test("in rounds, so that no setting falls behind when a run is cut short", () => {
    const settings = chooseSettings(all, ["full", "full+cmai", "drop-25+cmai"]);
    const items = planItems(settings, sets).filter(({ set }) => set === sets.drawn);
    const first = items.slice(0, 3 * 2 * ABLATION_PICTURES);
    for (const { id } of settings)
      expect(first.filter(({ setting }) => setting.id === id).length).toBe(2 * ABLATION_PICTURES);
    const keys = items.map(({ setting, picture, question }) => `${setting.id} ${picture.file} ${question.prompt}`);
    expect(new Set(keys).size).toBe(100 + 100 + 2 * ABLATION_PICTURES);
    expect(keys.length).toBe(new Set(keys).size);
  });
});

describe("the command line", () => {
  test("has a default for everything", () => {
    expect(parseEvalOptions([])).toEqual({
      model: "fovea-demo",
      weights: "auto",
      settings: ["main", "ablation"],
      browsers: Math.min(4, availableParallelism()),
      limit: undefined,
      out: undefined,
      fresh: false,
      reportOnly: false,
    });
  });

  test("takes all options", () => {
    const line = "--model folder --weights q4 --browsers 3 --limit 3 --out there --fresh"
      .split(" ")
      .concat("--settings", "full, vmtc-50");
    expect(parseEvalOptions(line)).toEqual({
      model: "folder",
      weights: "q4",
      settings: ["full", "vmtc-50"],
      browsers: 3,
      limit: 3,
      out: "there",
      fresh: true,
      reportOnly: false,
    });
    expect(parseEvalOptions(["--report"])).toMatchObject({ reportOnly: true });
    expect(parseEvalOptions(["--limit", "x", "--help"])).toBe("help");
  });

  test.for([
    [["--weights", "q5"], '--weights must be one of auto, f32, f16, q8, q4, got "q5"'],
    [["--browsers", "none"], '--browsers must be a positive integer, got "none"'],
    [["--limit", "0"], '--limit must be a positive integer, got "0"'],
    [["--out", " "], "--out is empty"],
    [["--fresh", "--report"], /^--fresh deletes the answers that --report needs/],
    [["--cells", "3"], /^unknown option --cells; options: --model, --weights, --settings/],
    [["main"], 'unexpected "main"; put each value after its option, as in --settings main'],
  ] as const)("refuses %j", ([args, message]) => {
    expect(() => parseEvalOptions([...args])).toThrow(message);
  });
});
