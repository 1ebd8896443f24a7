/** Numbers and errors in words. */
import { expect, test } from "vitest";
import {
  byteText,
  durationText,
  errorSentence,
  errorWords,
  progressText,
  statsText,
} from "../../src/element/wording.ts";
import { FoveaError } from "../../src/errors.ts";
import { STATS } from "../support/fake-model.ts";

test.for([
  [0, "0 bytes"],
  [999, "999 bytes"],
  [1000, "1.0 kB"],
  [21_840_000, "21.8 MB"],
  [7e12, "7000.0 GB"],
] as const)("%d bytes are %s", ([bytes, text]) => expect(byteText(bytes)).toBe(text));

test.for([
  [84.6, "85 ms"],
  [3210, "3.2 s"],
] as const)("%d ms are %s", ([milliseconds, text]) => expect(durationText(milliseconds)).toBe(text));

test.for([
  [new FoveaError("no-webgpu", "this browser has no WebGPU"), "This browser has no WebGPU."],
  [new FoveaError("download-failed", "config.json: status 503; try again!"), "config.json: status 503; try again!"],
  [new Error("https://example.org/ is gone"), "https://example.org/ is gone."],
  [new Error("hf:owner/name: no such model"), "hf:owner/name: no such model."],
  [new Error("one.png is 1 x 1 pixels"), "one.png is 1 x 1 pixels."],
  [new Error("my weights.safetensors: cut short"), "my weights.safetensors: cut short."],
  [new Error('model_type is "x"'), 'model_type is "x".'],
  [new Error("maxTokens must be an integer"), "maxTokens must be an integer."],
  [new Error('"my photo" is empty'), '"my photo" is empty.'],
  [new Error("tools must be a list"), "tools must be a list."],
  [new Error("messages[0].role must be a string"), "messages[0].role must be a string."],
  [new Error("IMG 0001 (2).HEIC is HEIC, which"), "IMG 0001 (2).HEIC is HEIC, which."],
  [new Error("c:\\models\\a.gguf: not a valid GGUF"), "c:\\models\\a.gguf: not a valid GGUF."],
  [new Error("127.0.0.1:8000 cannot be reached"), "127.0.0.1:8000 cannot be reached."],
  [new Error("it must be a picture"), "It must be a picture."],
  [new Error("the file a.json is empty"), "The file a.json is empty."],
  [new Error("the prompt has 4550 tokens"), "The prompt has 4550 tokens."],
  [new Error("not enough space. Delete a.png: it is large"), "Not enough space. Delete a.png: it is large."],
  [new Error(""), "Unknown error."],
  ["a text", "A text."],
] as const)("%s is said as %j", ([error, text]) => expect(errorSentence(error)).toBe(text));

test("a server that cannot be reached is named in few words, with the rest in details", () => {
  const message =
    "hf:a/b: the connection to https://huggingface.co/api/a failed (Failed to fetch); gave up after 5 attempts";
  expect(errorWords(new Error(message))).toEqual({
    text: "Hugging Face cannot be reached.",
    next: "Check the connection and try again.",
    details: `${message}.`,
  });
  expect(errorWords(new Error(message.replace("huggingface.co", "localhost:5417")))).toMatchObject({
    text: "localhost:5417 cannot be reached.",
  });
  expect(errorWords(new Error("the disk is full"))).toEqual({ text: "The disk is full." });
});

test("a load says what it does", () => {
  const at = (stage: "config" | "weights" | "compile") =>
    progressText({ stage, loadedBytes: 5e5, totalBytes: 2e6 }, false);
  expect([at("config"), at("weights"), at("compile")]).toEqual([
    "Reading the model's settings",
    "Loading the model: 500.0 kB of 2.0 MB",
    "Preparing the GPU",
  ]);
  expect(progressText(undefined, true)).toMatch(/^Waiting: another tab/);
});

test("an answer says what it cost", () => {
  expect(statsText(STATS)).toBe("8 of 16 image tokens · 3 tokens in 6 ms, 1000.0 per second");
  expect(statsText({ ...STATS, imageTokensBefore: 0, tokensPerSecond: 0 })).toBe("3 tokens in 6 ms");
});
