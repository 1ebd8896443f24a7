import { describe, expect, test } from "vitest";
import { jsonProblem, misplacedFile } from "../../src/shared/misplaced-file.ts";

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 1040128\n`;

describe("a file that holds something else", () => {
  test("is named, with its size and the next step", () => {
    expect(misplacedFile(POINTER)).toMatch(/Git LFS pointer, not the file itself of 1040128 bytes; run "git lfs pull"/);
    expect(misplacedFile(POINTER.slice(0, 60))).toMatch(/not the file itself; run/);
    for (const page of ["<!DOCTYPE html>", " \n<html lang=en>", "<?xml version='1.0'?>"])
      expect(misplacedFile(page)).toMatch(/is a web page; check the address/);
    for (const other of ["", "{", "<", "version 2", "\0\0"]) expect(misplacedFile(other)).toBeUndefined();
  });
});

describe("a text that is no JSON", () => {
  const problem = (text: string) => {
    try {
      JSON.parse(text);
    } catch (error) {
      return jsonProblem(text, error);
    }
    throw new Error("it is JSON");
  };

  test.for([
    ['{"a": 1,\n "b": NaN}', /^NaN in line 2 is not JSON, although Python writes it; replace it by null or a number$/],
    ["[-Infinity]", /^-Infinity in line 1/],
    ['{"NaN": "Infinity \\" NaN", "b": Infinity}', /^Infinity in line 1/],
    ['{"NaN": "NaN \\" NaN", }', /^not valid JSON \(.*\); fetch the file again$/],
    ["", /^not valid JSON/],
    ["<!doctype html><p>Not found", /web page/],
    [POINTER, /Git LFS pointer/],
  ] as const)("%s", ([text, message]) => {
    expect(problem(text)).toMatch(message);
  });

  test("takes no longer than its length, whatever it holds", () => {
    const start = performance.now();
    problem('"\\"'.repeat(500_000));
    problem(`"${"a".repeat(2_000_000)}`);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
