// Times every dispatch of a page by GPU timestamps, on any library: replaces compute passes by one pass a dispatch. A
// page imports it before the library. Sums are by kernel; each pass has its own overhead, so only shares are
// meaningful.

/** Timestamps of one query set; a longer recording is timed up to here. */
const QUERIES = 2048;

/** @typedef {{ label: string, ms: number, count: number }} KernelTime */

/** Label of the dispatches of each query set, two queries each. @type {{ labels: string[], results: GPUBuffer }[]} */
let recorded = [];
let isOn = false;

/** Begins timing; throws an Error if the device has no timestamps. */
export function startTiming() {
  recorded = [];
  isOn = true;
}

/** Ends timing. @returns {Promise<KernelTime[]>} the most expensive first */
export async function stopTiming() {
  isOn = false;
  /** @type {Map<string, KernelTime>} */
  const sums = new Map();
  for (const { labels, results } of recorded) {
    await results.mapAsync(GPUMapMode.READ);
    const times = new BigUint64Array(results.getMappedRange());
    for (const [i, label] of labels.entries()) {
      const sum = sums.get(label) ?? { label, ms: 0, count: 0 };
      sum.ms += Number(/** @type {bigint} */ (times[2 * i + 1]) - /** @type {bigint} */ (times[2 * i])) / 1e6;
      sum.count++;
      sums.set(label, sum);
    }
    results.destroy();
  }
  return [...sums.values()].sort((a, b) => b.ms - a.ms);
}

/** Installs the replacement. Call it once, before any pass begins. */
export function installTiming() {
  /** @type {WeakMap<GPUCommandEncoder, GPUDevice>} */
  const devices = new WeakMap();
  /** @type {WeakMap<GPUCommandEncoder, { set: GPUQuerySet, labels: string[], buffer: GPUBuffer, results: GPUBuffer }>} */
  const timed = new WeakMap();
  const { createCommandEncoder } = GPUDevice.prototype;
  GPUDevice.prototype.createCommandEncoder = function (descriptor) {
    const encoder = createCommandEncoder.call(this, descriptor);
    devices.set(encoder, this);
    return encoder;
  };
  const { beginComputePass, finish } = GPUCommandEncoder.prototype;
  GPUCommandEncoder.prototype.beginComputePass = function (descriptor) {
    const device = devices.get(this);
    if (!isOn || !device) return beginComputePass.call(this, descriptor);
    let queries = timed.get(this);
    if (!queries) {
      const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
      queries = {
        set: device.createQuerySet({ type: "timestamp", count: QUERIES }),
        labels: [],
        buffer: device.createBuffer({ size: 8 * QUERIES, usage }),
        results: device.createBuffer({ size: 8 * QUERIES, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST }),
      };
      timed.set(this, queries);
    }
    return /** @type {GPUComputePassEncoder} */ (
      /** @type {unknown} */ (new TimedPass((writes) => beginComputePass.call(this, writes), queries))
    );
  };
  GPUCommandEncoder.prototype.finish = function (descriptor) {
    const queries = timed.get(this);
    if (queries && queries.labels.length > 0) {
      const { set, labels, buffer, results } = queries;
      this.resolveQuerySet(set, 0, 2 * labels.length, buffer, 0);
      this.copyBufferToBuffer(buffer, 0, results, 0, 16 * labels.length);
      recorded.push({ labels, results });
    }
    return finish.call(this, descriptor);
  };
}

/** Takes the calls of a pass, and makes a pass of each dispatch. */
class TimedPass {
  #begin;
  #queries;
  #label = "";
  /** Replays the state. @type {Map<string, (pass: GPUComputePassEncoder) => void>} */
  #state = new Map();

  /**
   * @param {(descriptor?: GPUComputePassDescriptor) => GPUComputePassEncoder} begin
   * @param {{ set: GPUQuerySet, labels: string[] }} queries
   */
  constructor(begin, queries) {
    this.#begin = begin;
    this.#queries = queries;
  }

  /** @param {GPUComputePipeline} pipeline */
  setPipeline(pipeline) {
    this.#label = pipeline.label;
    this.#state.set("pipeline", (pass) => pass.setPipeline(pipeline));
  }

  /** @param {number} index @param {GPUBindGroup} group @param {number[]} offsets */
  setBindGroup(index, group, offsets) {
    this.#state.set(`group ${index}`, (pass) => pass.setBindGroup(index, group, offsets));
  }

  /** @param {number} at @param {Uint8Array} bytes @param {number} start @param {number} length */
  setImmediates(at, bytes, start, length) {
    const copy = bytes.slice(start, start + length);
    // Not in the types yet.
    this.#state.set("immediates", (pass) => Reflect.get(pass, "setImmediates").call(pass, at, copy, 0, length));
  }

  /** @param {number} x @param {number} y @param {number} z */
  dispatchWorkgroups(x, y, z) {
    const { set, labels } = this.#queries;
    const at = 2 * labels.length;
    const timestampWrites = { querySet: set, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
    const pass = this.#begin(at < QUERIES ? { timestampWrites } : {});
    for (const set of this.#state.values()) set(pass);
    pass.dispatchWorkgroups(x, y, z);
    pass.end();
    if (at < QUERIES) labels.push(this.#label);
  }

  end() {}
}
