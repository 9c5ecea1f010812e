// y[j, i] = x[i, j] for every batch z: x [rows, cols] of leading dimension ldx at x0 + (z / heads) * sxb + (z % heads) * sxh,
// y [cols, rows] of leading dimension ldy at y0 + z * sy, all counted in elements. y is =.
// Grid: (ceil(cols / TILEX), ceil(rows / TILEY), batches). Three forms; the constants TILEX and TILEY say what one workgroup covers:
// - V4 0: any rows, cols, ldx, ldy and offsets. A tile goes through workgroup memory so that loads and stores are both contiguous;
//   its rows are one word longer than the tile, else a column would lie in one bank.
// - V4 0, BF16: x and y hold two bf16 to a word, the first in the low half; all sizes and offsets even. A thread turns 2 x 2 blocks.
// - V4 1, for software adapters: a lane turns 4 x 4 blocks in registers. ldx, ldy, offsets and strides % 4 == 0, any rows and cols.
//   Columns of y from rows up to the next multiple of 4 become 0; no other padding is written.
//#const V4 0
//#const BF16 0
//#const WG 256*(1-V4)+8*V4
//#const BLOCKS 4
//#const TILEX 32*(1-V4)*(1+BF16)+4*BLOCKS*V4
//#const TILEY 32*(1-V4)*(1+BF16)+32*V4
//#instance BF16=1
//#instance V4=1
//#instance V4=1 BF16=1
struct P { rows: u32, cols: u32, ldx: u32, ldy: u32, heads: u32, x0: u32, sxb: u32, sxh: u32, y0: u32, sy: u32 }
//#if V4 && BF16
@group(0) @binding(0) var<storage, read> x: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2<u32>>;
//#end
//#if V4 && !BF16
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
//#end
//#if !V4 && BF16
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
var<workgroup> lo: array<array<u32, 33>, 32>;
var<workgroup> hi: array<array<u32, 33>, 32>;
//#end
//#if !V4 && !BF16
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
var<workgroup> tile: array<array<f32, 33>, 32>;
//#end
@group(0) @binding(2) var<uniform> p: P;

fn x_start(z: u32) -> u32 { return p.x0 + z / p.heads * p.sxb + z % p.heads * p.sxh; }
//#if V4
//#if BF16
// low and high join the same half of two words.
fn low(a: u32, b: u32) -> u32 { return (a & 0xffffu) | (b << 16u); }
fn high(a: u32, b: u32) -> u32 { return (a >> 16u) | (b & 0xffff0000u); }
//#end

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = w.y * ${TILEY}u + 4u * t;
  if (i >= p.rows) { return; }
  let ldx = p.ldx / 4u;
  let ldy = p.ldy / 4u;
  let xi = x_start(w.z) / 4u + i * ldx;
  let yi = (p.y0 + w.z * p.sy + i) / 4u;
//#if BF16
  let zero = vec2<u32>(0u);
//#else
  let zero = vec4<f32>(0.0);
//#end
//#for b 0 BLOCKS
  {
    let j = w.x * ${TILEX}u + ${4*b}u;
    let from4 = xi + j / 4u;
    let to4 = yi + j * ldy;
    if (j < p.cols) {
      let a = x[from4];
      let b = select(zero, x[from4 + ldx], i + 1u < p.rows);
      let c = select(zero, x[from4 + 2u * ldx], i + 2u < p.rows);
      let d = select(zero, x[from4 + 3u * ldx], i + 3u < p.rows);
//#if BF16
      y[to4] = vec2<u32>(low(a.x, b.x), low(c.x, d.x));
      if (j + 1u < p.cols) { y[to4 + ldy] = vec2<u32>(high(a.x, b.x), high(c.x, d.x)); }
      if (j + 2u < p.cols) { y[to4 + 2u * ldy] = vec2<u32>(low(a.y, b.y), low(c.y, d.y)); }
      if (j + 3u < p.cols) { y[to4 + 3u * ldy] = vec2<u32>(high(a.y, b.y), high(c.y, d.y)); }
//#else
      y[to4] = vec4<f32>(a.x, b.x, c.x, d.x);
      if (j + 1u < p.cols) { y[to4 + ldy] = vec4<f32>(a.y, b.y, c.y, d.y); }
      if (j + 2u < p.cols) { y[to4 + 2u * ldy] = vec4<f32>(a.z, b.z, c.z, d.z); }
      if (j + 3u < p.cols) { y[to4 + 3u * ldy] = vec4<f32>(a.w, b.w, c.w, d.w); }
//#end
    }
  }
//#end
}
//#else

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
//#if BF16
  let xi = x_start(w.z) / 2u;
  let yi = (p.y0 + w.z * p.sy) / 2u;
  let rows = p.rows / 2u;
  let cols = p.cols / 2u;
  let ldx = p.ldx / 2u;
  let ldy = p.ldy / 2u;
//#else
  let xi = x_start(w.z);
  let yi = p.y0 + w.z * p.sy;
  let rows = p.rows;
  let cols = p.cols;
  let ldx = p.ldx;
  let ldy = p.ldy;
//#end
  let r0 = w.y * 32u;
  let c0 = w.x * 32u;
  for (var e = t; e < 1024u; e += ${WG}u) {
    let r = r0 + e / 32u;
    let c = c0 + e % 32u;
    if (r < rows && c < cols) {
//#if BF16
      let a = x[xi + 2u * r * ldx + c];
      let b = x[xi + (2u * r + 1u) * ldx + c];
      lo[e / 32u][e % 32u] = (a & 0xffffu) | (b << 16u);
      hi[e / 32u][e % 32u] = (a >> 16u) | (b & 0xffff0000u);
//#else
      tile[e / 32u][e % 32u] = x[xi + r * ldx + c];
//#end
    }
  }
  workgroupBarrier();
  for (var e = t; e < 1024u; e += ${WG}u) {
    let r = r0 + e % 32u;
    let c = c0 + e / 32u;
    if (r < rows && c < cols) {
//#if BF16
      y[yi + 2u * c * ldy + r] = lo[e % 32u][e / 32u];
      y[yi + (2u * c + 1u) * ldy + r] = hi[e % 32u][e / 32u];
//#else
      y[yi + c * ldy + r] = tile[e % 32u][e / 32u];
//#end
    }
  }
}
//#end
