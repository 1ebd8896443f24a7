/**
 * Pictures of a video, for models that read pictures. Runs in pages and workers; the library that reads videos loads
 * late.
 */
import { FoveaError, orAborted, orTimedOut, throwIfAborted } from "../errors.ts";
import { checkPictureSize } from "../image/limits.ts";
import { fileStem, nameInText } from "../image/measure.ts";
import { checkFields, kindOf } from "../shared/arguments.ts";
import { checkInteger, checkNumber } from "../shared/assert.ts";
import { roundHalfEven } from "../shared/round.ts";
import type { VideoInput } from "../shared/video.ts";

type Library = typeof import("mediabunny");
type Input = import("mediabunny").Input;
type Track = import("mediabunny").InputVideoTrack;

export interface VideoFramesOptions {
  /** Pictures at most, 1 to 64; default 8. A video with fewer frames gives fewer. */
  frames?: number;
  /** Pictures a second, above 0 and up to 60, where that makes fewer than `frames`. */
  framesPerSecond?: number;
  /** Longest side of a picture in pixels, 16 to 4096; default 1024. Smaller videos keep their size. */
  maxSide?: number;
  signal?: AbortSignal;
}

/** A frame of a video. */
export interface VideoPicture {
  /** A PNG, named after the video and the time. */
  image: File;
  /** When it is shown, in seconds from the start. */
  seconds: number;
}

/** Bytes of a video; it is read in parts. */
const MAX_BYTES = 2 ** 31;
const MAX_SECONDS = 4 * 3600;
/** A frame that takes longer has failed: a damaged file, or a server that sends nothing. */
const FRAME_MS = 60_000;

/**
 * Frames of a video, evenly spaced: each from the middle of its share of the duration, so that a black first frame does
 * not count. Read by `mediabunny` and the browser's own decoder (WebCodecs).
 *
 * @param video a file (MP4, MOV, WebM or Matroska), or the address of one, which is read in parts
 * @throws FoveaError `bad-image` for a file that is no video, is damaged, above 4 hours or 2 GiB, or that this browser
 * cannot decode; `download-failed` for an address; `aborted`. TypeError or RangeError for wrong options.
 *
 * @example
 * const frames = await videoFrames(file, { frames: 6 });
 * const content = frames.map(({ image }) => ({ type: "image", image }));
 */
export async function videoFrames(video: VideoInput, options: VideoFramesOptions = {}): Promise<VideoPicture[]> {
  return (await readVideo(video, options)).frames;
}

/** The same, and how long the video is. Throws as `videoFrames`. */
export async function readVideo(
  video: VideoInput,
  options: VideoFramesOptions,
): Promise<{ frames: VideoPicture[]; seconds: number }> {
  checkFields("options", options, ["frames", "framesPerSecond", "maxSide", "signal"]);
  const { signal, framesPerSecond } = options;
  const frames = checkInteger("frames", options.frames ?? 8, 1, 64);
  if (framesPerSecond !== undefined) checkNumber("framesPerSecond", framesPerSecond, 0.001, 60);
  const maxSide = checkInteger("maxSide", options.maxSide ?? 1024, 16, 4096);
  const name = checkVideo(video);
  throwIfAborted(signal, "reading of a video");
  if (typeof VideoDecoder === "undefined")
    throw new FoveaError(
      "bad-image",
      `${name} cannot be read: this browser decodes no videos (WebCodecs, on https: only); take pictures of it, or use another browser`,
    );
  const library = await import("mediabunny");
  const input = open(library, video);
  const wait = <T>(work: Promise<T>) =>
    orAborted(
      orTimedOut(work, FRAME_MS, () => stalled(name)),
      signal,
      "reading of a video",
    );
  try {
    const track = await findTrack(library, input, video, name, wait);
    const size = await wait(sizeOf(track, name, maxSide));
    const [start, end] = await wait(Promise.all([track.getFirstTimestamp(), track.computeDuration()]));
    const duration = end - Math.max(0, start);
    if (!(duration <= MAX_SECONDS))
      throw new FoveaError(
        "bad-image",
        `${name} lasts ${Math.round(duration)} s; at most ${MAX_SECONDS} s are read. Cut it`,
      );
    const wanted = framesPerSecond === undefined ? frames : Math.max(1, roundHalfEven(duration * framesPerSecond));
    const count = Math.min(frames, wanted);
    const times = Array.from({ length: count }, (_, i) => Math.max(0, start) + ((i + 0.5) * duration) / count);
    const sink = new library.CanvasSink(track, { ...size, fit: "fill" });
    return { frames: await readFrames(sink, times, name, wait), seconds: end };
  } catch (cause) {
    throwIfAborted(signal, "reading of a video");
    if (cause instanceof FoveaError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (typeof video !== "string" && !(video instanceof URL))
      throw new FoveaError("bad-image", `${name} is damaged, or cannot be decoded here (${reason}); get it again`, {
        cause,
      });
    const advice =
      "no connection, a damaged file, or a server that blocks other sites (CORS). Download it and pass the file";
    throw new FoveaError("download-failed", `${name} could not be read (${reason}): ${advice}`, { cause });
  } finally {
    // Ends what still reads or decodes.
    input.dispose();
  }
}

/** Returns a name for messages. Throws TypeError, and FoveaError for the size of a file. */
function checkVideo(video: VideoInput): string {
  const kind = kindOf(video);
  if (kind === "Blob" || kind === "File") {
    const { size, type, name } = video as Blob & Partial<File>;
    const shown = name ? nameInText(name) : `the video${type ? ` (${type.slice(0, 40)})` : ""}`;
    if (size === 0) throw new FoveaError("bad-image", `${shown} is empty (0 bytes); pick the file again`);
    if (size > MAX_BYTES)
      throw new FoveaError(
        "bad-image",
        `${shown} has ${size} bytes; the limit is ${MAX_BYTES}. Cut it, or save it smaller`,
      );
    return shown;
  }
  if (kind !== "String" && kind !== "URL")
    throw new TypeError(`video must be a Blob, a File or the address of a video, got ${kind}`);
  return nameInText(addressOf(video as string | URL).href.replace(/[?#].*$/s, ""));
}

function addressOf(video: string | URL): URL {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  const text = String(video);
  if (text.trim() === "" || !URL.canParse(text, base)) throw new TypeError("video is not the address of a video");
  const url = new URL(text, base);
  const schemes = ["http:", "https:", "blob:", "data:"];
  if (!schemes.includes(url.protocol))
    throw new TypeError(`video: supported addresses begin with ${schemes.join(", ")}; got ${url.protocol}`);
  return url;
}

function open({ Input, BlobSource, UrlSource, MP4, QTFF, WEBM, MATROSKA }: Library, video: VideoInput): Input {
  // Only files that name no others: playlists would fetch what they name.
  const formats = [MP4, QTFF, WEBM, MATROSKA];
  if (video instanceof Blob) return new Input({ source: new BlobSource(video), formats });
  const getRetryDelay = (attempts: number) => (attempts < 2 ? 1 : null);
  return new Input({ source: new UrlSource(addressOf(video), { getRetryDelay }), formats });
}

type Wait = <T>(work: Promise<T>) => Promise<T>;

/** The track with pictures, if the browser decodes it. */
async function findTrack(
  { UnsupportedInputFormatError }: Library,
  input: Input,
  video: VideoInput,
  name: string,
  wait: Wait,
): Promise<Track> {
  const what = video instanceof Blob ? ` (${video.size} bytes, ${video.type.slice(0, 40) || "unknown content"})` : "";
  const track = await wait(input.getPrimaryVideoTrack()).catch((error: unknown) => {
    if (error instanceof UnsupportedInputFormatError)
      throw new FoveaError("bad-image", `${name} is not a video that can be read${what}; use MP4, MOV, WebM or MKV`);
    throw error;
  });
  if (!track) throw new FoveaError("bad-image", `${name} has no pictures${what}; use another video`);
  if (await wait(track.canDecode())) return track;
  const codec = (await wait(track.getCodecParameterString())) ?? (await wait(track.getCodec())) ?? "an unknown codec";
  throw new FoveaError(
    "bad-image",
    `${name} is coded as ${String(codec).slice(0, 40)}, which this browser cannot decode; save it as H.264 (MP4) or VP9 (WebM)`,
  );
}

/** Sides of its pictures. */
async function sizeOf(track: Track, name: string, maxSide: number): Promise<{ width: number; height: number }> {
  const [width, height] = [await track.getDisplayWidth(), await track.getDisplayHeight()];
  checkPictureSize(name, width, height);
  // A decoder allocates these.
  checkPictureSize(name, await track.getCodedWidth(), await track.getCodedHeight());
  const scale = Math.min(1, maxSide / Math.max(width, height));
  return { width: Math.max(2, Math.round(width * scale)), height: Math.max(2, Math.round(height * scale)) };
}

async function readFrames(
  sink: import("mediabunny").CanvasSink,
  times: readonly number[],
  name: string,
  wait: Wait,
): Promise<VideoPicture[]> {
  const found: VideoPicture[] = [];
  const frames = sink.canvasesAtTimestamps(times);
  try {
    for (;;) {
      const { done, value } = await wait(frames.next());
      if (done) break;
      // A frame that is shown for long counts once.
      if (!value || found.at(-1)?.seconds === value.timestamp) continue;
      const seconds = value.timestamp;
      const blob = await wait(pngOf(value.canvas));
      const title = `${fileStem(name, "video")} at ${seconds.toFixed(1)} s.png`;
      const image = new File([blob], title, { type: "image/png" });
      found.push({ image, seconds });
    }
  } finally {
    // Not waited for: a decoder that hangs would keep this waiting.
    void frames.return(undefined).catch(() => {});
  }
  if (found.length === 0) throw new FoveaError("bad-image", `${name} has no frame that can be read; get it again`);
  return found;
}

async function pngOf(canvas: HTMLCanvasElement | OffscreenCanvas): Promise<Blob> {
  if ("convertToBlob" in canvas) return canvas.convertToBlob({ type: "image/png" });
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("the browser could not write a frame");
  return blob;
}

/** Nothing could be read for `FRAME_MS`. */
function stalled(name: string): FoveaError {
  const message = `${name}: nothing could be read of it for ${FRAME_MS / 1000} s; cut it, or save it as H.264 (MP4)`;
  return new FoveaError("bad-image", message);
}
