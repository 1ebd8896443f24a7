// The gated delta rule over many rows, in chunks of CHUNK rows (Yang et al. 2024), from the output of delta-pairs: r =
// v - a (k^T S), d = solves r, y = b (q^T S) + looks d, S = kept S + sum_i c_i k_i d_i^T, where `scales` has a, b, c,
// kept. One workgroup a value head and 4 QUADS columns of S, which do not depend on each other. Its columns stay in
// workgroup memory from the first chunk to the last; keys and queries pass through it in tiles.
// Needs KEY_WIDTH, CHUNK 16, TILE and QUADS. Workgroups of CHUNK * QUADS.

struct Params {
  rows: u32, // T
  keyHeads: u32, // Hk
  valueHeads: u32, // Hv
  neighbours: u32, // value heads in a row that share a key head
  valueWidth: u32, // dv
  stride: u32, // elements from a row of qkv to the next
  hasState: u32, // 0: S is zero
  stateFrom: u32, // first element of the old state
  stateTo: u32, // and of the new one
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [T, Hk dk | Hk dk | Hv dv]
@group(0) @binding(1) var<storage, read> pairs: array<f32>; // [T, Hv, 2 CHUNK]: a row of solves, a row of looks
@group(0) @binding(2) var<storage, read> scales: array<vec4f>; // [T, Hv]
@group(0) @binding(3) var<storage, read_write> state: array<f32>; // [Hv, dk, dv] at stateFrom and stateTo
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [T, Hv dv]
@group(0) @binding(5) var<uniform> params: Params;

const LANES = CHUNK * QUADS;
const PITCH = TILE + 1u; // so that rows of a tile start in different banks

var<workgroup> columns: array<vec4f, KEY_WIDTH * QUADS>; // of S
var<workgroup> keys: array<f32, CHUNK * PITCH>;
var<workgroup> queries: array<f32, CHUNK * PITCH>;
var<workgroup> deltas: array<vec4f, CHUNK * QUADS>; // r, then d, then c d

// The component `offset` of a head of row `first + e / TILE`, for a tile of keys or queries.
fn tile_value(first: u32, offset: u32, tile: u32, e: u32) -> f32 {
  let row = first + e / TILE;
  let i = tile + e % TILE;
  if (row >= params.rows || i >= KEY_WIDTH) {
    return 0.0;
  }
  return qkv[row * params.stride + offset + i];
}

fn state_at(head: u32, i: u32, column: u32) -> u32 {
  return (head * KEY_WIDTH + i) * params.valueWidth + column;
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let head = group.y;
  let i = lane / QUADS; // row of the chunk
  let quad = lane % QUADS;
  let column = (group.x * QUADS + quad) * 4u;
  let query_at = head / params.neighbours % params.keyHeads * KEY_WIDTH;
  let key_at = query_at + params.keyHeads * KEY_WIDTH;
  for (var e = lane; e < KEY_WIDTH * QUADS; e += LANES) {
    var value = vec4f(0.0);
    for (var n = 0u; n < 4u; n++) {
      if (params.hasState != 0u && column + n < params.valueWidth) {
        value[n] = state[params.stateFrom + state_at(head, e / QUADS, column + n)];
      }
    }
    columns[e] = value;
  }
  for (var first = 0u; first < params.rows; first += CHUNK) {
    let row = first + i;
    let at = row * params.valueHeads + head;
    var key_sum = vec4f(0.0);
    var query_sum = vec4f(0.0);
    for (var tile = 0u; tile < KEY_WIDTH; tile += TILE) {
      for (var e = lane; e < CHUNK * TILE; e += LANES) {
        keys[e / TILE * PITCH + e % TILE] = tile_value(first, key_at, tile, e);
        queries[e / TILE * PITCH + e % TILE] = tile_value(first, query_at, tile, e);
      }
      workgroupBarrier();
      for (var c = 0u; c < min(TILE, KEY_WIDTH - tile); c++) {
        let part = columns[(tile + c) * QUADS + quad];
        key_sum += keys[i * PITCH + c] * part;
        query_sum += queries[i * PITCH + c] * part;
      }
      workgroupBarrier();
    }
    var scale = vec4f(0.0);
    var value = vec4f(0.0);
    if (row < params.rows) {
      scale = scales[at];
      let value_at = row * params.stride + 2u * params.keyHeads * KEY_WIDTH + head * params.valueWidth + column;
      for (var n = 0u; n < 4u; n++) {
        if (column + n < params.valueWidth) {
          value[n] = qkv[value_at + n];
        }
      }
    }
    deltas[lane] = value - scale.x * key_sum;
    workgroupBarrier();
    var delta = vec4f(0.0);
    if (row < params.rows) {
      for (var j = 0u; j <= i; j++) {
        delta += pairs[at * 2u * CHUNK + j] * deltas[j * QUADS + quad];
      }
    }
    workgroupBarrier();
    deltas[lane] = delta;
    workgroupBarrier();
    if (row < params.rows) {
      var sum = scale.y * query_sum;
      for (var j = 0u; j <= i; j++) {
        sum += pairs[(at * 2u + 1u) * CHUNK + j] * deltas[j * QUADS + quad];
      }
      for (var n = 0u; n < 4u; n++) {
        if (column + n < params.valueWidth) {
          y[at * params.valueWidth + column + n] = sum[n];
        }
      }
    }
    workgroupBarrier();
    deltas[lane] = scale.z * delta;
    let kept = scales[first * params.valueHeads + head].w;
    for (var tile = 0u; tile < KEY_WIDTH; tile += TILE) {
      for (var e = lane; e < CHUNK * TILE; e += LANES) {
        keys[e / TILE * PITCH + e % TILE] = tile_value(first, key_at, tile, e);
      }
      workgroupBarrier();
      for (var c = i; c < min(TILE, KEY_WIDTH - tile); c += CHUNK) {
        var part = kept * columns[(tile + c) * QUADS + quad];
        for (var j = 0u; j < CHUNK; j++) {
          part += keys[j * PITCH + c] * deltas[j * QUADS + quad];
        }
        columns[(tile + c) * QUADS + quad] = part;
      }
      workgroupBarrier();
    }
  }
  for (var e = lane; e < KEY_WIDTH * QUADS; e += LANES) {
    for (var n = 0u; n < 4u; n++) {
      if (column + n < params.valueWidth) {
        state[params.stateTo + state_at(head, e / QUADS, column + n)] = columns[e][n];
      }
    }
  }
}
