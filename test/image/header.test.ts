import { describe, expect, test } from "vitest";
import { readHeader } from "../../src/image/header.ts";
import { describeShared, needing, sharedBytes } from "../support/shared.ts";

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The box with a picture's size in AVIF and HEIC. */
function ispe(width: number, height: number): string {
  const uint32 = (value: number) =>
    String.fromCharCode(value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);
  return `${uint32(20)}ispe${uint32(0)}${uint32(width)}${uint32(height)}`;
}

describeShared(needing("real/photos", "real files"), () => {
  test.for([
    ["chelsea.jpg", "JPEG", 451, 300],
    ["rocket.jpg", "JPEG", 640, 427],
    ["yokohama_posz_progressive.jpg", "JPEG", 256, 256],
    ["concert_gray.jpg", "JPEG", 400, 267],
    // As stored: EXIF turns it upright later.
    ["Landscape_6_noicc.jpg", "JPEG", 450, 600],
    ["blackbug_alpha.png", "PNG", 2048, 1536],
    ["derived/chelsea.webp", "WebP", 451, 300],
    ["derived/chelsea_lossless.webp", "WebP", 451, 300],
    ["derived/coffee_alpha.webp", "WebP", 600, 400],
  ] as const)("%s", async ([file, format, width, height]) => {
    expect(readHeader(await sharedBytes(`real/photos/${file}`))).toEqual({ format, width, height });
  });

  test("every prefix of a file is read without an error, and names the format", async () => {
    for (const [file, format] of [
      ["chelsea.jpg", "JPEG"],
      ["camera_gray.png", "PNG"],
      ["derived/chelsea.webp", "WebP"],
    ] as const) {
      const bytes = await sharedBytes(`real/photos/${file}`);
      for (let length = 12; length < 1000; length++)
        expect(readHeader(bytes.subarray(0, length))?.format, `${file}, ${length} bytes`).toBe(format);
    }
  });
});

describe("crafted headers", () => {
  test.for([
    ["GIF89a\x40\x01\xc8\x00\xf7", { format: "GIF", width: 320, height: 200 }],
    ["BM............\x28\0\0\0\x20\0\0\0\xf0\xff\xff\xff", { format: "BMP", width: 32, height: 16 }],
    ["BM............\x0c\0\0\0\x20\0\x10\0", { format: "BMP", width: 32, height: 16 }],
    ["RIFF....WEBPVP8X........\x0f\x00\x00\x1f\x00\x00", { format: "WebP", width: 16, height: 32 }],
    ["\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\xff\xff\xff\xff\0\0\0\x01", { format: "PNG", width: 4294967295, height: 1 }],
    // A fill byte, a segment, a lone restart marker, then the frame.
    [
      "\xff\xd8\xff\xff\xe0\x00\x04ab\xff\xd0\xff\xc2\x00\x11\x08\x00\x20\x00\x10",
      { format: "JPEG", width: 16, height: 32 },
    ],
    // Scan data before any frame: not walked into.
    ["\xff\xd8\xff\xda\x00\x02\xff\xc0\x00\x11\x08\x00\x20\x00\x10", { format: "JPEG" }],
    ["....ftypavif", { format: "AVIF" }],
    ["....ftypheic", { format: "HEIC" }],
    // The largest of several sizes: a thumbnail's, a grid's, a frame's.
    [
      `....ftypheic....${ispe(160, 120)}....${ispe(4032, 3024)}${ispe(512, 512)}`,
      { format: "HEIC", width: 4032, height: 3024 },
    ],
    [`....ftypavif${ispe(65536, 65536)}`, { format: "AVIF", width: 65536, height: 65536 }],
    [`....ftypavis${ispe(16, 16)}av01${"\0".repeat(24)}\x40\0\x20\0`, { format: "AVIF", width: 16384, height: 8192 }],
    ["\0\0\x01\0\x01\0", { format: "ICO" }],
    ["II*\0", { format: "TIFF" }],
    ["%PDF-1.7", { format: "PDF" }],
    ["  <svg viewBox='0 0 1 1'>", { format: "SVG" }],
    ["\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --><svg>", { format: "SVG" }],
    ["<!DOCTYPE html><p>", { format: "HTML" }],
    ["<note/>", undefined],
    ["hello", undefined],
    ["", undefined],
  ] as const)("%j", ([text, expected]) => expect(readHeader(ascii(text))).toEqual(expected));
});
