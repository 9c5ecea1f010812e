// partial[b] = sum of x[i]^2 over block b, the elements b * per .. b * per + per - 1 below n. reduce_sum adds the blocks up.
// x: [n], any n; per % 4 == 0; partial: [blocks]. Grid: (blocks, 1, 1). f32 accumulation: each lane sums every WG-th vec4, then a fixed
// tree over the lanes, so the same bits on every run. partial is =.
//#const WG 256
//#instance WG=8
//#import reduce
struct P { n: u32, per: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;
@group(0) @binding(2) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let end = min(w.x * p.per + p.per, p.n);
  var s = vec4<f32>(0.0);
  for (var i = w.x * p.per / 4u + t; i < end / 4u; i += ${WG}u) {
    let v = x[i];
    s += v * v;
  }
  if (t == 0u && end % 4u != 0u && end > w.x * p.per) {
    // the tail of the last block; by select, as what lies behind n may be NaN
    let k = vec4<u32>(end / 4u * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    let v = select(vec4<f32>(0.0), x[end / 4u], k < vec4<u32>(end));
    s += v * v;
  }
  let total = reduce_sum(t, (s.x + s.y) + (s.z + s.w));
  if (t == 0u) { partial[w.x] = total; }
}
