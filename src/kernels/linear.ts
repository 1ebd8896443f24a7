/** A linear layer: the kernel that suits the number of rows. */
import type { Recorder } from "../gpu/pass.ts";
import { type MatmulArgs, matmul } from "./matmul.ts";
import { matvec } from "./matvec.ts";

/** `matvec` for a single row, `matmul` for more; the same arguments, the same result. */
export function linear(recorder: Recorder, args: MatmulArgs): void {
  if (args.x.shape[0] === 1) matvec(recorder, args);
  else matmul(recorder, args);
}
