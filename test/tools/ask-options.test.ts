/** The command line of `npm run ask`: what it becomes, and what is refused in which words. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { HELP, parseAskOptions } from "../../tools/ask-options.mjs";
import { readManifest } from "../../tools/manifest.mjs";

const folder = mkdtempSync(join(tmpdir(), "fovea-options-"));
const picture = join(folder, "picture.png");
writeFileSync(picture, "");
chmodSync(picture, 0o644);
afterAll(() => rmSync(folder, { recursive: true }));

test("tools come from a file", () => {
  const file = join(folder, "tools.json");
  const tools = [{ type: "function", function: { name: "clock" } }];
  writeFileSync(file, JSON.stringify(tools));
  const line = ["--model", folder, "--prompt", "x", "--tools", file, "--tool-choice"];
  expect(parseAskOptions([...line, "clock"])).toMatchObject({ answer: { tools, toolChoice: { name: "clock" } } });
  expect(parseAskOptions([...line, "required"])).toMatchObject({ answer: { tools, toolChoice: "required" } });
});

describe("what a command line becomes", () => {
  test("all options", () => {
    const line = ["--model", folder, "--image", picture, "--image", picture, "--prompt", "What?", "--json"];
    const numbers = ["--tokens", "64", "--inhibit", "0.6", "--max-tokens", "10"];
    expect(parseAskOptions([...line, ...numbers])).toEqual({
      model: { folder },
      images: [picture, picture],
      videos: [],
      frames: undefined,
      prompt: "What?",
      compression: { method: "vmtc", tokens: 64 },
      inhibition: { maxRatio: 0.6 },
      maxTokens: 10,
      answer: {},
      json: true,
    });
  });

  test("what is left out stays the library's choice", () => {
    const options = parseAskOptions(["--model", "https://example.org/model", "--prompt", "Hello"]);
    expect(options).toEqual({
      model: { source: "https://example.org/model" },
      images: [],
      videos: [],
      frames: undefined,
      prompt: "Hello",
      compression: undefined,
      inhibition: undefined,
      maxTokens: undefined,
      answer: {},
      json: false,
    });
  });

  test.for([
    ["--video", picture, { videos: [picture] }],
    ["--tokens", "none", { compression: { method: "none" } }],
    ["--format", "json", { answer: { format: { type: "json" } } }],
    ["--choice", "a,b", { answer: { format: { type: "choice", options: ["a", "b"] } } }],
    ["--temperature", "0.5", { answer: { temperature: 0.5 } }],
    ["--logprobs", "3", { answer: { topLogprobs: 3 } }],
    ["--top-logprobs", "5", { answer: { topLogprobs: 5 } }],
    ["--min-p", "0.1", { answer: { minP: 0.1 } }],
    ["--frequency-penalty", "0.5", { answer: { frequencyPenalty: 0.5 } }],
    ["--presence-penalty", "1", { answer: { presencePenalty: 1 } }],
    ["--logit-bias", "42=-100", { answer: { logitBias: { 42: -100 } } }],
    ["-n", "3", { answer: { answers: 3 } }],
    ["--inhibit", "0", { inhibition: { maxRatio: 0 } }],
    ["--inhibit", "1", { inhibition: { maxRatio: 1 } }],
    ["--inhibit", ".5", { inhibition: { maxRatio: 0.5 } }],
    ["--model", "hf:owner/name@main", { model: { source: "hf:owner/name@main" } }],
    ["--model", "owner/name@main", { model: { source: "owner/name@main" } }],
    ["--model", "huggingface.co/owner/name", { model: { source: "huggingface.co/owner/name" } }],
  ] as const)("%s %s", ([option, value, expected]) => {
    const model = option === "--model" ? [] : ["--model", folder];
    expect(parseAskOptions([...model, "--prompt", "x", option, value])).toMatchObject(expected);
  });

  test("without a model it is the one that ships, once it does", () => {
    const { files } = readManifest().models["fovea-demo"]!;
    for (const args of [
      ["--prompt", "x"],
      ["--prompt", "x", "--model", "fovea-demo"],
    ]) {
      if (files.length > 0) expect(parseAskOptions(args)).toMatchObject({ model: { source: "fovea-demo" } });
      else expect(refusal(args)).toMatch(/no weights of (it|fovea-demo);/);
    }
  });

  test("--help wins over everything else", () => {
    expect(parseAskOptions(["--help"])).toBe("help");
    expect(parseAskOptions(["-h", "--tokens", "many"])).toBe("help");
  });

  test("every option stands in the help", () => {
    const message = refusal(["--nonsense"]);
    const options = message.slice(message.indexOf(";")).match(/--[a-z-]+/g);
    expect(options!.length).toBeGreaterThan(6);
    for (const option of options!) expect(HELP).toContain(option);
  });
});

test.for([
  [["--modle", "x"], /^unknown option --modle; options: --image, .*--help$/],
  [["-q"], /^unknown option -q; options: /],
  [["What is this?"], /^unexpected "What is this\?"; put each value after its option/],
  [["--image"], /^--image needs a value; put it after the option, as in --prompt "What is this\?"$/],
  [["-n"], /^--answers needs a value; put it after the option/],
  [
    ["--prompt", "--json"],
    /^--prompt needs a value, and an option follows; write --prompt=VALUE for a value that begins/,
  ],
  [["-n", "-1"], /^--answers needs a value, and an option follows; write --answers=VALUE/],
  [["--json=yes"], /^--json takes no value; write --json alone$/],
  [["--model", "a/b", "--model", "c/d"], /^--model is there twice, as "a\/b" and "c\/d"; keep one$/],
  [["--prompt", "a", "--prompt", "a"], /^--prompt is there twice, as "a" and "a"; keep one$/],
  [["-n", "2", "--answers", "3"], /^--answers is there twice, as "2" and "3"; keep one$/],
  ...["--model", "--image", "--video", "--variant", "--server", "--schema", "--tools"].map((option) => [
    ["--prompt", "x", option, " "],
    new RegExp(`^${option} is empty; pass a value, or leave it out$`),
  ]),
  [[], /^--prompt is missing; use npm run ask -- --image FILE --prompt TEXT/],
  [["--model", folder, "--json"], /^--prompt is missing; use npm run ask/],
  [["--logit-bias", "42"], /^--logit-bias must be ID=NUMBER, as in 42=-100, got "42"$/],
  [["--logprobs", "1", "--top-logprobs", "1"], /^--logprobs and --top-logprobs exclude each other/],
  [["-n", "129"], /^--answers must be at most 128, got 129$/],
  [["--min-p", "x"], /^--min-p must be a number, got "x"$/],
  [["--tools", "no.json"], /^--tools no\.json: no such file; the path begins in \S/],
  [["--tools", picture], /^--tools .* is not JSON/],
  [["--tool-choice", "auto"], /^--tool-choice needs --tools FILE/],
  [["--prompt", " "], /^--prompt is empty/],
  [
    ["--model", "no/such/folder"],
    /^--model \S+: no such folder, and no known model \(fovea-demo\); name a folder, an address, or owner\/name on the/,
  ],
  [
    ["--model", "tools/no-such"],
    /^--model \S+: no such folder, and no known model \(fovea-demo\); name a folder, an address, or owner\/name on the/,
  ],
  [["--model", picture], /is a file; name its folder/],
  [["--model", folder, "--image", "no.png"], /^--image no\.png: no such file; the path begins in \S/],
  [["--model", folder, "--image", folder], /is a folder; name a file in it$/],
  [["--model", folder, "--image", join(folder, "no.png")], /no\.png: no such file; check the path$/],
  [["--model", folder, "--video", "no.mp4"], /^--video no\.mp4: no such file; the path begins in \S/],
  [["--model", folder, "--prompt", "x", "--frames", "3"], /^--frames needs --video FILE; name a video$/],
  [["--model", folder, "--prompt", "x", "--video", picture, "--frames", "65"], /^--frames must be at most 64, got 65$/],
  ...["0", "-1", "1.5", "many", "1e3", "", "99999999999999999999"].map((value) => [
    ["--model", folder, `--tokens=${value}`],
    /^--tokens must be a positive integer or "none", got "/,
  ]),
  ...["1.01", "-0.1", "half", "NaN", "", "1e-1", "."].map((value) => [
    ["--model", folder, `--inhibit=${value}`],
    /^--inhibit must be a number from 0 to 1, got "/,
  ]),
  [["--model", folder, "--max-tokens=0"], /^--max-tokens must be a positive integer, got "0"$/],
] as [string[], RegExp][])("refused: %j", ([args, expected]) => {
  const message = refusal(args);
  expect(message).toMatch(expected);
  expect(message).not.toContain("\n");
});

function refusal(args: string[]): string {
  try {
    parseAskOptions(args);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("not refused");
}

test("a server is asked for a model by its name there", () => {
  const line = ["--server", "https://host/v1", "--model", "big", "--prompt", "Hello"];
  expect(parseAskOptions(line)).toMatchObject({ server: "https://host/v1", model: { source: "big" } });
  expect(refusal(["--server", "host/v1", "--model", "big", "--prompt", "Hello"])).toMatch(/^--server must be an http/);
  expect(refusal(["--server", "https://host/v1", "--prompt", "Hello"])).toMatch(/^--model is missing; name a model of/);
});
