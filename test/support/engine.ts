/**
 * Helpers for tests of the engine's robustness: a device whose live memory is counted, checkpoints as files to damage,
 * one question whose answer is known, and checks of errors.
 */
import { expect } from "vitest";
import type { Fovea, ModelFiles } from "../../src/index.ts";
import { FoveaError, type FoveaErrorCode } from "../../src/index.ts";
import { expectAnswer, type Files, QUESTION } from "./random-models.ts";
import { sharedBytes } from "./shared.ts";
import { sharedDevice } from "./shared-devices.ts";

export type { Files };

/** A device with the limits of the standard, and how much of it is in use. */
export interface CountedDevice {
  device: GPUDevice;
  /** Labels of the buffers and textures that were made and not destroyed. */
  live(): string[];
  /** How many were ever made. */
  made(): number;
  /** Ends the count. The device lives on. */
  release(): void;
}

/** The page's device. The caller releases it, and does not lose it. */
export async function countedDevice(): Promise<CountedDevice> {
  return countMemory(await sharedDevice("standard"));
}

/** A device to lose, or with nothing compiled. The caller destroys it. */
export async function ownCountedDevice(): Promise<CountedDevice> {
  return countMemory(await (await navigator.gpu.requestAdapter())!.requestDevice());
}

/** Counts by wrapping what makes memory and what frees it; nothing of the engine is asked. */
export function countMemory(device: GPUDevice): CountedDevice {
  const alive = new Set<GPUBuffer | GPUTexture>();
  let total = 0;
  const count = <T extends GPUBuffer | GPUTexture>(made: T): T => {
    const destroy = made.destroy.bind(made);
    alive.add(made);
    total++;
    made.destroy = () => {
      alive.delete(made);
      destroy();
      return undefined;
    };
    return made;
  };
  const createBuffer = device.createBuffer.bind(device);
  const createTexture = device.createTexture.bind(device);
  device.createBuffer = (descriptor) => count(createBuffer(descriptor));
  device.createTexture = (descriptor) => count(createTexture(descriptor));
  return {
    device,
    live: () => [...alive].map(({ label }) => label),
    made: () => total,
    release: () => {
      for (const name of ["createBuffer", "createTexture"]) Reflect.deleteProperty(device, name);
    },
  };
}

/** Calls `seen` with the label of each command encoder that is made, so with each piece of work. Returns how to stop. */
export function onWork(device: GPUDevice, seen: (label: string) => void): () => void {
  const { createCommandEncoder } = device;
  device.createCommandEncoder = (descriptor) => {
    seen(descriptor?.label ?? "");
    return createCommandEncoder.call(device, descriptor);
  };
  return () => {
    device.createCommandEncoder = createCommandEncoder;
  };
}

/** The named files of a folder of `../shared`. */
export async function sharedFiles(folder: string, names: readonly string[]): Promise<Files> {
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await sharedBytes(`${folder}/${name}`)] as const)),
  );
}

/** Files with some replaced, or left out where the change is undefined; objects are written as JSON. */
export function changed(files: ModelFiles, changes: Record<string, object | string | undefined>): ModelFiles {
  const result: ModelFiles = { ...files };
  for (const [name, change] of Object.entries(changes)) {
    if (change === undefined) delete result[name];
    else if (change instanceof Uint8Array || change instanceof Blob) result[name] = change as Uint8Array;
    else result[name] = new TextEncoder().encode(typeof change === "string" ? change : JSON.stringify(change));
  }
  return result;
}

/** The JSON of a file. */
export function json(files: Files, name: string): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(files[name]));
}

/** The request that `expectAnswers` makes, of the small language model. */
export const question = { messages: [{ role: "user" as const, content: QUESTION }], maxTokens: 8 };

/** Fails unless the small language model answers the question as its reference does. */
export async function expectAnswers(fovea: Fovea): Promise<void> {
  expectAnswer(await fovea.generate(question).text());
}

/** A code of FoveaError, or the class of an argument's misuse. */
export type Refusal = FoveaErrorCode | typeof TypeError | typeof RangeError;

/** Fails unless `run` is refused with this code or class, by a message that matches `says`. Returns the message. */
export async function expectRefusal(run: () => unknown, kind: Refusal, says: RegExp): Promise<string> {
  const error = await Promise.resolve()
    .then(run)
    .then(
      () => expect.fail(`not refused; expected ${String(says)}`),
      (reason: unknown) => reason,
    );
  expect(error).toBeInstanceOf(Error);
  const { message, stack } = error as Error;
  if (typeof kind === "string") {
    expect(error, stack).toBeInstanceOf(FoveaError);
    expect((error as FoveaError).code, message).toBe(kind);
  } else {
    expect(Object.getPrototypeOf(error), stack).toBe(kind.prototype);
  }
  expect(message).toMatch(says);
  return message;
}
