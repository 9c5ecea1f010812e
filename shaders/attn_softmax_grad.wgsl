// ds = p * (dp - sum_j p * dp) * scale: the gradient of attn_softmax by its scores, times the factor that the scores came with.
// p, dp: [batches, tk, ldq], transposed as there (a row is a key); dp becomes ds in place; columns tq .. ldq - 1 become 0.
// Grid: one thread a query, (ceil(ldq / WG), batches); V4: four queries, ldq % 4 == 0, (ceil(ldq / (4 WG)), batches).
// f32 accumulation in the order of the keys. dp is =.
//#const WG 64
//#const V4 0
//#instance WG=8
//#instance V4=1 WG=8
struct P { tq: u32, tk: u32, ldq: u32, scale: f32 }
//#if V4
@group(0) @binding(0) var<storage, read> p: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dp: array<vec4<f32>>;
//#else
@group(0) @binding(0) var<storage, read> p: array<f32>;
@group(0) @binding(1) var<storage, read_write> dp: array<f32>;
//#end
@group(0) @binding(2) var<uniform> u: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let col = w.x * ${WG}u + t;
  let ld = u.ldq / ${1+3*V4}u;
  if (col >= ld) { return; }
  let a0 = w.y * u.tk * ld + col;
//#if V4
  let zero = vec4<f32>(0.0);
  let real = vec4<u32>(4u * col, 4u * col + 1u, 4u * col + 2u, 4u * col + 3u) < vec4<u32>(u.tq);
//#else
  let zero = 0.0;
  let real = col < u.tq;
//#end
  var sum = zero;
  for (var j = 0u; j < u.tk; j += 1u) { let a = a0 + j * ld; sum += p[a] * dp[a]; }
  for (var j = 0u; j < u.tk; j += 1u) {
    let a = a0 + j * ld;
    dp[a] = select(zero, u.scale * (p[a] * (dp[a] - sum)), real);
  }
}
