/** How a model hub answers a request for a file of a checkpoint: ranges, lengths, tags. For a server and for a fetch alike. */
import type { SyntheticCheckpoint, SyntheticFile } from "./checkpoint.ts";

export interface RangeAnswer {
  status: number;
  headers: Record<string, string>;
  file: SyntheticFile | undefined;
  /** Bytes of the body, half-open. */
  start: number;
  end: number;
}

/** @param range value of the Range header: one range with a first byte, as downloads ask for */
export function answerFor({ files }: SyntheticCheckpoint, name: string, range: string | undefined): RangeAnswer {
  const file = files.get(name);
  if (!file) return { status: 404, headers: { "Content-Length": "0" }, file, start: 0, end: 0 };
  const type = name.endsWith(".json") ? "application/json" : "application/octet-stream";
  const headers = { "Accept-Ranges": "bytes", "Content-Type": type, ETag: `"${file.byteLength}"` };
  const match = /^bytes=(\d+)-(\d*)$/.exec(range ?? "");
  if (!match)
    return {
      ...{ status: 200, headers: { ...headers, "Content-Length": String(file.byteLength) } },
      ...{ file, start: 0, end: file.byteLength },
    };
  const start = Number(match[1]);
  const end = Math.min(match[2] ? Number(match[2]) + 1 : file.byteLength, file.byteLength);
  if (start >= end)
    return { status: 416, headers: { "Content-Range": `bytes */${file.byteLength}` }, file: undefined, start, end };
  return {
    status: 206,
    headers: {
      ...headers,
      "Content-Length": String(end - start),
      "Content-Range": `bytes ${start}-${end - 1}/${file.byteLength}`,
    },
    ...{ file, start, end },
  };
}
