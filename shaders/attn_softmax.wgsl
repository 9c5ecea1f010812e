// p[j, i] = exp(s[j, i] - max_j) / sum_j exp(s[j, i] - max_j) over the keys j that query i sees, in place (Vaswani et al. 2017, eq. 1).
// s: [batches, tk, ldq], scores TRANSPOSED: a row is a key, a column a query. Invisible keys get 0, and so do all keys of a query that
// sees none and the columns tq .. ldq - 1. CAUSAL: key j is visible to query i iff j <= i + offset or j < prefix. MASK: kvalid [B, tk],
// B = batches / heads, a key is visible only where it is not 0. BIAS: bias [heads, tq, tk] is added to the scores first.
// Grid: one thread a query, the keys one after another, (ceil(ldq / WG), batches); V4: four queries, ldq % 4 == 0, (ceil(ldq / (4 WG)),
// batches). One pass for maximum and sum together (Milakov and Gimelshein 2018), one to write. s is =.
//#const WG 64
//#const V4 0
//#const CAUSAL 0
//#const MASK 0
//#const BIAS 0
//#instance WG=8
//#instance V4=1 WG=8
//#instance CAUSAL=1
//#instance CAUSAL=1 V4=1 WG=8
//#instance MASK=1
//#instance MASK=1 V4=1 WG=8
//#instance CAUSAL=1 MASK=1
//#instance CAUSAL=1 MASK=1 V4=1 WG=8
//#instance CAUSAL=1 MASK=1 BIAS=1
//#instance CAUSAL=1 MASK=1 BIAS=1 V4=1 WG=8
struct P { tq: u32, tk: u32, ldq: u32, heads: u32, offset: u32, prefix: u32 }
//#if V4
@group(0) @binding(0) var<storage, read_write> s: array<vec4<f32>>;
//#else
@group(0) @binding(0) var<storage, read_write> s: array<f32>;
//#end
@group(0) @binding(1) var<uniform> p: P;
//#if MASK
@group(0) @binding(2) var<storage, read> kvalid: array<u32>;
//#end
//#if BIAS
@group(0) @binding(3) var<storage, read> bias: array<f32>;
//#end

// score is the score of key j at element a for the queries from i, the invisible ones far below every other.
//#if V4
fn score(a: u32, j: u32, i: vec4<u32>, z: u32) -> vec4<f32> {
  var v = s[a];
//#if BIAS
  let b = z % p.heads * p.tq * p.tk + j;
  let q = min(i, vec4<u32>(p.tq - 1u)) * p.tk;
  v += vec4<f32>(bias[b + q.x], bias[b + q.y], bias[b + q.z], bias[b + q.w]);
//#end
  let low = vec4<f32>(-3.0e38);
//#else
fn score(a: u32, j: u32, i: u32, z: u32) -> f32 {
  var v = s[a];
//#if BIAS
  v += bias[(z % p.heads * p.tq + i) * p.tk + j];
//#end
  let low = -3.0e38;
//#end
//#if MASK
  if (kvalid[z / p.heads * p.tk + j] == 0u) { return low; }
//#end
//#if CAUSAL
  if (j >= p.prefix) {
//#if V4
    v = select(low, v, vec4<u32>(j) <= i + vec4<u32>(p.offset));
//#else
    v = select(low, v, j <= i + p.offset);
//#end
  }
//#end
  return v;
}

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let col = w.x * ${WG}u + t;
  let ld = p.ldq / ${1+3*V4}u;
  if (col >= ld) { return; }
  let a0 = w.y * p.tk * ld + col;
//#if V4
  let i = vec4<u32>(4u * col, 4u * col + 1u, 4u * col + 2u, 4u * col + 3u);
  let last = 4u * col + 3u;
  let zero = vec4<f32>(0.0);
  let one = vec4<f32>(1.0);
  let unseen = vec4<f32>(-2.9e38);
  var m = vec4<f32>(-3.0e38);
  let real = i < vec4<u32>(p.tq);
//#else
  let i = col;
  let last = col;
  let zero = 0.0;
  let one = 1.0;
  let unseen = -2.9e38;
  var m = -3.0e38;
  let real = i < p.tq;
//#end
  var n = p.tk;
//#if CAUSAL
  n = min(n, max(last + p.offset + 1u, p.prefix));
//#end
  var sum = zero;
  for (var j = 0u; j < n; j += 1u) {
    let v = score(a0 + j * ld, j, i, w.y);
    let e = exp(-abs(v - m));
    sum = select(sum + select(e, zero, v < unseen), sum * e + one, v > m);
    m = max(m, v);
  }
  let inv = select(zero, one / sum, real & (sum > zero));
//#if CAUSAL
  for (var j = n; j < p.tk; j += 1u) { s[a0 + j * ld] = zero; }
//#end
  for (var j = 0u; j < n; j += 1u) {
    let a = a0 + j * ld;
    let v = score(a, j, i, w.y);
    s[a] = select(exp(v - m) * inv, zero, v < unseen);
  }
}
