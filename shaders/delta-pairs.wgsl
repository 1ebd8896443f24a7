// The part of a gated delta rule that stays inside a chunk of CHUNK rows and needs no state, for all chunks at once. With row i
// after row j of a chunk, G the sums of log decays, and keys and queries of length 1:
//   A[i, j] = beta_i exp(G_i - G_j) k_i . k_j below the diagonal, solves = (I + A)^-1 diag(beta), looks[i, j] = exp(G_i - G_j) q_i . k_j
// delta-chunks uses them: the rows of d are solves (v - exp(G) k^T S), those of y are exp(G) q^T S + looks d.
// One workgroup of 64 a chunk and value head. Needs lib/delta-gates, KEY_WIDTH, CHUNK 16 and TILE.

struct Params {
  rows: u32, // T
  keyHeads: u32, // Hk
  valueHeads: u32, // Hv
  neighbours: u32, // value heads in a row that share a key head
  stride: u32, // elements from a row of qkv to the next
  queryFactor: f32, // on queries of length 1
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [T, Hk dk | Hk dk | Hv dv]
@group(0) @binding(1) var<storage, read> gates: array<f32>; // [T, 2 Hv]: b, then a
@group(0) @binding(2) var<storage, read> rate: array<f32>; // [Hv]
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [Hv]
@group(0) @binding(4) var<storage, read_write> pairs: array<f32>; // [T, Hv, 2 CHUNK]: a row of solves, a row of looks
@group(0) @binding(5) var<storage, read_write> scales: array<vec4f>; // [T, Hv]: of k S, of q S, of k in S, of S
@group(0) @binding(6) var<uniform> params: Params;

const LANES = 64u;
const PITCH = TILE + 1u; // so that rows of a tile start in different banks
const EPS = 1e-6;

var<workgroup> keys: array<f32, CHUNK * PITCH>;
var<workgroup> queries: array<f32, CHUNK * PITCH>;
var<workgroup> sums: array<f32, CHUNK>; // G
var<workgroup> betas: array<f32, CHUNK>;
var<workgroup> products: array<f32, CHUNK * CHUNK>; // k_i . k_j, then A
var<workgroup> solves: array<f32, CHUNK * CHUNK>;
var<workgroup> squares: array<f32, LANES>; // of queries, four lanes a row

fn load_tile(first: u32, key_head: u32, tile: u32, lane: u32) {
  for (var e = lane; e < CHUNK * TILE; e += LANES) {
    let row = first + e / TILE;
    let i = tile + e % TILE;
    var q = 0.0;
    var k = 0.0;
    if (row < params.rows && i < KEY_WIDTH) {
      let at = row * params.stride + key_head * KEY_WIDTH + i;
      q = qkv[at];
      k = qkv[at + params.keyHeads * KEY_WIDTH];
    }
    queries[e / TILE * PITCH + e % TILE] = q;
    keys[e / TILE * PITCH + e % TILE] = k;
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let head = group.y;
  let first = group.x * CHUNK;
  let i = lane / 4u; // row of the chunk
  let quarter = lane % 4u; // of its columns
  // Rows past the last one leave the state as it is.
  if (lane < CHUNK) {
    betas[lane] = 0.0;
    var g = 0.0;
    if (first + lane < params.rows) {
      let at = (first + lane) * 2u * params.valueHeads + head;
      betas[lane] = write_gate(gates[at]);
      g = log_decay(gates[at + params.valueHeads], bias[head], rate[head]);
    }
    sums[lane] = g;
  }
  var key_products = vec4f(0.0);
  var query_products = vec4f(0.0);
  var square = 0.0;
  for (var tile = 0u; tile < KEY_WIDTH; tile += TILE) {
    load_tile(first, head / params.neighbours % params.keyHeads, tile, lane);
    workgroupBarrier();
    for (var c = 0u; c < TILE; c++) {
      let j = quarter * 4u * PITCH + c;
      let others = vec4f(keys[j], keys[j + PITCH], keys[j + 2u * PITCH], keys[j + 3u * PITCH]);
      key_products += keys[i * PITCH + c] * others;
      query_products += queries[i * PITCH + c] * others;
    }
    for (var c = quarter; c < TILE; c += 4u) {
      square += queries[i * PITCH + c] * queries[i * PITCH + c];
    }
    workgroupBarrier();
  }
  squares[lane] = square;
  for (var n = 0u; n < 4u; n++) {
    products[i * CHUNK + quarter * 4u + n] = key_products[n];
  }
  workgroupBarrier();
  // Each lane computes its own running sum of G; other lanes read it after the barrier.
  var sum = 0.0;
  for (var j = 0u; j <= i; j++) {
    sum += sums[j];
  }
  let key_scale = inverseSqrt(products[i * CHUNK + i] + EPS);
  var others_sum = vec4f(0.0);
  var others_scale = vec4f(0.0);
  for (var n = 0u; n < 4u; n++) {
    let j = quarter * 4u + n;
    for (var before = 0u; before <= j; before++) {
      others_sum[n] += sums[before];
    }
    others_scale[n] = inverseSqrt(products[j * CHUNK + j] + EPS);
  }
  var last_sum = sum;
  for (var j = i + 1u; j < CHUNK; j++) {
    last_sum += sums[j];
  }
  workgroupBarrier();
  let four = vec4u(lane / 4u * 4u) + vec4u(0u, 1u, 2u, 3u);
  let query_square = squares[four.x] + squares[four.y] + squares[four.z] + squares[four.w];
  let query_scale = inverseSqrt(query_square + EPS) * params.queryFactor;
  // Above the diagonal the exponent may overflow, and the value is 0.
  let columns = vec4u(quarter * 4u) + vec4u(0u, 1u, 2u, 3u);
  let kept = exp(min(vec4f(sum) - others_sum, vec4f(0.0))) * others_scale;
  for (var n = 0u; n < 4u; n++) {
    products[i * CHUNK + columns[n]] = betas[i] * key_scale * kept[n] * key_products[n];
  }
  workgroupBarrier();
  // One lane a column: it reads only its own writes, so no barrier is needed.
  if (lane < CHUNK) {
    for (var row = 0u; row < CHUNK; row++) {
      var value = select(0.0, betas[lane], row == lane);
      for (var j = lane; j < row; j++) {
        value -= products[row * CHUNK + j] * solves[j * CHUNK + lane];
      }
      solves[row * CHUNK + lane] = value;
    }
  }
  workgroupBarrier();
  let row = first + i;
  if (row >= params.rows) {
    return;
  }
  let at = row * params.valueHeads + head;
  for (var n = 0u; n < 4u; n++) {
    let j = columns[n];
    pairs[at * 2u * CHUNK + j] = solves[i * CHUNK + j];
    pairs[(at * 2u + 1u) * CHUNK + j] = select(0.0, query_scale * kept[n] * query_products[n], j <= i);
  }
  if (quarter == 0u) {
    scales[at] = vec4f(exp(sum) * key_scale, exp(sum) * query_scale, exp(last_sum - sum) * key_scale, exp(last_sum));
  }
}
