/** The conditions of a measurement: machine, date and load. Node only. */
import { cpus, loadavg } from "node:os";

export interface Conditions {
  date: string;
  command: string;
  /** The processor and its number of cores; on a software adapter it does all the work. */
  machine: string;
  /**
   * Average number of processes that ran or waited for a core in the minute before (0: idle); missing if not recorded.
   */
  loadBefore?: number;
}

/** Call this before the measurement begins, so that the load is that of other programs. */
export function conditions(args: readonly string[]): Required<Conditions> {
  const command = ["npm run bench", ...(args.length > 0 ? ["--", ...args] : [])].join(" ");
  return {
    date: new Date().toISOString().slice(0, 10),
    command: process.env.FOVEA_GPU === "1" ? `FOVEA_GPU=1 ${command}` : command,
    machine: `${cpus().length} cores, ${cpus()[0]?.model.trim() ?? "unknown processor"}`,
    loadBefore: loadavg()[0] ?? 0,
  };
}
