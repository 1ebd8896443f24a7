/** Checks the types and values of load options. */
import type { LoadOptions, SmallCopyOptions, WithFallback } from "../api.ts";
import { checkFallback } from "../fallback.ts";
import { LOAD_FIELDS } from "../known-fields.ts";
import { checkFields, checkFunction, checkSignal, kindOf } from "../shared/arguments.ts";
import { checkInteger } from "../shared/assert.ts";
import { shown } from "../shared/json.ts";
import { absoluteAddress } from "../shared/source.ts";

/** Throws TypeError for an unknown option or a wrong type, RangeError for an unsupported value. */
export function checkLoadOptions(options: LoadOptions & Partial<WithFallback>): void {
  checkFields("options", options, LOAD_FIELDS);
  const { device, precision, compile, weights, keyValues, cache, keptBytes, hubToken, hubUrl, modelsUrl, variant } =
    options;
  const { signal, onProgress } = options;
  checkSignal(signal);
  checkFallback(options.fallback);
  checkFunction("onProgress", onProgress);
  // Checked by a method: outside the browser a device may be of any class.
  if (device !== undefined && typeof device?.createBuffer !== "function")
    throw new TypeError(`device must be a GPUDevice, got ${kindOf(device)}`);
  checkChoice("precision", precision, ["auto", "f32", "f16"]);
  checkChoice("compile", compile, ["wait", "background"]);
  checkChoice("weights", weights, ["auto", "f32", "f16", "q8", "q4"]);
  checkChoice("keyValues", keyValues, ["auto", "f32", "f16"]);
  checkChoice("cache", cache, ["opfs", "none"]);
  if (keptBytes !== undefined) checkInteger("keptBytes", keptBytes, 0, Number.MAX_SAFE_INTEGER);
  checkAccess({ hubUrl, hubToken });
  checkAddress("modelsUrl", modelsUrl);
  checkVariant(variant);
}

/** The same for the options of a small copy, whose fields are known. */
export function checkCopyOptions(options: SmallCopyOptions): void {
  const { weights, name, replace, cache, hubToken, hubUrl, modelsUrl, variant, signal, onProgress } = options;
  checkSignal(signal);
  checkFunction("onProgress", onProgress);
  if (weights !== "q4" && weights !== "q8")
    throw new RangeError(`weights must be "q4" or "q8" for a small copy, got ${shown(weights)}`);
  if (name !== undefined && !(typeof name === "string" && /^\P{Cc}{1,200}$/u.test(name)))
    throw new TypeError(`name must be a string of 1 to 200 characters, got ${shown(name)}`);
  if (replace !== undefined && typeof replace !== "boolean")
    throw new TypeError(`replace must be true or false, got ${shown(replace)}`);
  checkChoice("cache", cache, ["opfs", "none"]);
  checkAccess({ hubUrl, hubToken });
  checkAddress("modelsUrl", modelsUrl);
  checkVariant(variant);
}

function checkVariant(variant: unknown): void {
  if (variant !== undefined && !(typeof variant === "string" && /^[^/\\\p{Cc}]{1,255}$/u.test(variant)))
    throw new TypeError(`variant must be the name of a file or of a quantisation, got ${shown(variant)}`);
}

/** Throws TypeError for an invalid address or token of a hub. */
export function checkAccess({ hubUrl, hubToken }: { hubUrl: unknown; hubToken: unknown }): void {
  checkAddress("hubUrl", hubUrl);
  // A token that is not a valid header value would be quoted in the error of fetch.
  if (hubToken !== undefined && !(typeof hubToken === "string" && /^[\x21-\x7e]{1,1000}$/.test(hubToken)))
    throw new TypeError("hubToken must be a string without spaces, as the hub's settings show it");
}

function checkAddress(name: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== "string" || !/^https?:/.test(absoluteAddress(value)))
    throw new TypeError(`${name} must be an http(s) address, got ${shown(value)}`);
}

function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value as string))
    throw new RangeError(`${name} must be ${choices.map((choice) => `"${choice}"`).join(" or ")}, got ${shown(value)}`);
}
