/** A recorder that counts dispatches and records nothing. */
import type { Capabilities, Recorder } from "../../src/gpu/pass.ts";

/** Counts the dispatches of a recording, in `dispatches`. */
export class DispatchCounter implements Recorder {
  dispatches = 0;
  constructor(readonly capabilities: Capabilities) {}
  dispatch(): void {
    this.dispatches++;
  }
  copy(): void {}
}
