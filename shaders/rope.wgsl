// Rotary positions, the two halves of each head rotated (Su et al. 2021, eq. 34, in the pairing of Hugging Face's Llama):
// y1 = x1 * cos - x2 * sin * sgn, y2 = x2 * cos + x1 * sin * sgn; sgn = 1 forward, -1 backward, a rotation's gradient being its inverse.
// x: [rows, ldx], heads of 2 * pairs from column x0; y: [rows, heads * 2 * pairs]; table: [positions, 2 * pairs], the cosines and then
// the sines; positions: [rows]. V4 goes by vec4: pairs, ldx and x0 % 4 == 0.
// Grid: one thread a pair (V4: four) of components, rows * heads * pairs, 2-D over 32768. y is =.
//#const WG 64
//#const V4 0
//#instance WG=8
//#instance V4=1
//#instance V4=1 WG=8
struct P { rows: u32, heads: u32, pairs: u32, ldx: u32, x0: u32, sgn: f32 }
//#if V4
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> table: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
//#else
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
//#end
@group(0) @binding(4) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  let n = p.pairs / ${1+3*V4}u;
  if (i >= p.rows * p.heads * n) { return; }
  let k = i % n;
  let hd = i / n;
  let row = hd / p.heads;
  let xi = row * (p.ldx / ${1+3*V4}u) + p.x0 / ${1+3*V4}u + (hd % p.heads) * 2u * n + k;
  let ti = positions[row] * 2u * n + k;
  let c = table[ti];
  let s = p.sgn * table[ti + n];
  let a = x[xi];
  let b = x[xi + n];
  let yi = hd * 2u * n + k;
  y[yi] = a * c - b * s;
  y[yi + n] = b * c + a * s;
}
