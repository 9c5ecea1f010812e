// de[id - lo] += sum of dy[r] over the rows r whose token is id, for lo <= id < hi: the gradient of an embedding table or a part of it.
// Tokens repeat, and floats have no atomic sum: the host sorts the rows by token (stably), so one workgroup owns one table row.
// dy: [n, d], de: [hi - lo, d], d % 4 == 0, d4 = d / 4. segs: u32[3n + 2] = count, starts[n + 1], ids[n], order[n]: segment s < count
// holds the rows order[starts[s]] .. order[starts[s + 1] - 1], all of token ids[s]; what lies past count is not read.
// Grid: one workgroup a segment, sized for n. f32 accumulation in the order of the segment. Rows of absent tokens stay: fill de first.
//#const WG 64
//#instance WG=8
struct P { n: u32, d4: u32, lo: u32, hi: u32 }
@group(0) @binding(0) var<storage, read> segs: array<u32>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> de: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let s = w.y * 32768u + w.x;
  if (s >= min(segs[0], p.n)) { return; }
  let id = segs[p.n + 2u + s];
  if (id < p.lo || id >= p.hi) { return; }
  let first = segs[1u + s];
  let end = segs[2u + s];
  let order = 2u * p.n + 2u;
  for (var c = t; c < p.d4; c += ${WG}u) {
    let i = (id - p.lo) * p.d4 + c;
    var sum = de[i];
    for (var j = first; j < end; j += 1u) { sum += dy[segs[order + j] * p.d4 + c]; }
    de[i] = sum;
  }
}
