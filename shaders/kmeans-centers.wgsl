// The centres of spherical K-Means of each view: the sum of a cluster's unit rows, scaled to length 1; zero where the
// sum has no direction. With `seedStride` above 0 it writes the first centres instead, rows 0, s, 2s, ..., and labels
// that no round yields. Skips a view that is `done`. One workgroup a cluster.
// Needs lib/reduce and WORKGROUP_SIZE.

const SHORTEST_SUM = 1e-6;

struct Params {
  rows: u32, // R, of a view
  width: u32, // C
  clusters: u32, // c, of a view
  seedStride: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [B, R, C], unit rows
@group(0) @binding(1) var<storage, read_write> labels: array<u32>; // [B, R]
@group(0) @binding(2) var<storage, read_write> done: array<u32>; // [B]
@group(0) @binding(3) var<storage, read_write> centers: array<f32>; // [B, c, C]
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> is_done: u32;

fn seed(view: u32, cluster: u32, lane: u32) {
  let source = (view * params.rows + cluster * params.seedStride) * params.width;
  for (var c = lane; c < params.width; c += WORKGROUP_SIZE) {
    centers[(view * params.clusters + cluster) * params.width + c] = x[source + c];
  }
  if (cluster == 0u) {
    for (var row = lane; row < params.rows; row += WORKGROUP_SIZE) {
      labels[view * params.rows + row] = params.clusters;
    }
    if (lane == 0u) {
      done[view] = 0u;
    }
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u) {
  let cluster = group.x;
  let view = group.y;
  if (params.seedStride > 0u) {
    seed(view, cluster, lane.index);
    return;
  }
  if (lane.index == 0u) {
    is_done = done[view];
  }
  if (workgroupUniformLoad(&is_done) != 0u) {
    return;
  }
  let first_row = view * params.rows;
  let to = (view * params.clusters + cluster) * params.width;
  var squares = 0.0;
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    var sum = 0.0;
    for (var row = first_row; row < first_row + params.rows; row++) {
      if (labels[row] == cluster) {
        sum += x[row * params.width + c];
      }
    }
    centers[to + c] = sum;
    squares += sum * sum;
  }
  let length = sqrt(workgroup_sum(squares, lane));
  let factor = select(0.0, 1.0 / length, length > SHORTEST_SUM);
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    centers[to + c] *= factor;
  }
}
