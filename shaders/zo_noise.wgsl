// z = the noise of one weight, or of some of its rows, for zeroth-order training, packed in the order in which the weight's elements lie.
// Made from integers alone, so alike on every adapter and on the host. Element e = row * cols + col of the tensor has (docs/replay-log.md)
//   KIND 1: +1 or -1 (Rademacher; Spall 1992), bit e % 32 of word e / 32 of stream 0, set: -1
//   KIND 2: popcount(word e of stream 2) - 16, near N(0, 8)
//   KIND 3: popcount(mask) - 2 popcount((u ^ v) & mask), u = word row of stream 3, v = word col of stream 4 under the second key: the
//           element of U V^T with factors of +-1 (LOZO; Chen et al. 2024, 2410.07698)
// The weight lies row by row from row0 on, or (T) transposed: column by column, ld rows a column.
// zo: key, two scalars, 0, second key, mask, 8 words of 0, then a threshold a tensor. z: a header of 8 words (scalars, key, threshold), then
// `words` words: KIND 1 a bit an element, else a signed byte.
// Grid: 2-D over 32768 workgroups, one thread for four words; KIND 1 with T one for each word; with TILE, 32, 64 or 128 (KIND 1, T, cols a
// multiple of TILE, ld of 32), one for TILE columns x 32 rows. More threads do no harm. With T `words` covers whole columns. z is =.
// gpucheck: skip=all (integer work, 1/32 of a weight's bytes)
//#const WG 64
//#const KIND 1
//#const T 0
//#const TILE 0
//#instance T=1
//#instance T=1 TILE=32
//#instance T=1 TILE=64
//#instance T=1 TILE=128
//#instance T=1 TILE=128 WG=8
//#instance KIND=2
//#instance KIND=2 T=1
//#instance KIND=3
//#instance KIND=3 T=1
//#import zo_gen
struct P { tensor: u32, rows: u32, cols: u32, ld: u32, row0: u32, words: u32 }
@group(0) @binding(0) var<storage, read> zo: array<u32>;
@group(0) @binding(1) var<storage, read_write> z: array<u32>;
@group(0) @binding(2) var<uniform> p: P;

//#if KIND > 1
// value of element (row, col)
fn value(row: u32, col: u32) -> u32 {
  let key = vec2<u32>(zo[0], zo[1]);
//#if KIND == 2
  return countOneBits(zo_word(key, p.tensor, 2u, row * p.cols + col)) - 16u;
//#else
  let u = zo_word(key, p.tensor, 3u, row);
  let v = zo_word(vec2<u32>(zo[5], zo[6]), p.tensor, 4u, col);
  return countOneBits(zo[7]) - 2u * countOneBits((u ^ v) & zo[7]);
//#end
}
// bytes of the elements (row, col) to (row, col + 3): words of one block, since col and the number of columns are multiples of 4
fn four(row: u32, col: u32) -> vec4<u32> {
  let key = vec2<u32>(zo[0], zo[1]);
//#if KIND == 2
  let v = countOneBits(zo_block(key, p.tensor, 2u, row * (p.cols / 4u) + col / 4u)) - vec4<u32>(16u);
//#else
  let d = zo_block(vec2<u32>(zo[5], zo[6]), p.tensor, 4u, col / 4u) ^ vec4<u32>(zo_word(key, p.tensor, 3u, row));
  let v = vec4<u32>(countOneBits(zo[7])) - 2u * countOneBits(d & vec4<u32>(zo[7]));
//#end
  return v & vec4<u32>(255u);
}
//#end

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  if (i == 0u) {
    z[0] = zo[2]; z[1] = zo[3]; z[2] = zo[0]; z[3] = zo[1];
    z[4] = zo[16u + p.tensor]; z[5] = 0u; z[6] = 0u; z[7] = 0u;
  }
//#if KIND > 1
  if (4u * i >= p.words) { return; }
//#if T
  // 4 rows x 4 columns a thread, so that no block is made twice
  if ((p.cols | p.ld) % 4u == 0u) {
    let per = p.ld / 4u;
    let r = p.row0 + 4u * (i % per);
    let c = 4u * (i / per);
    let h = four(r, c) | (four(r + 1u, c) << vec4<u32>(8u)) | (four(r + 2u, c) << vec4<u32>(16u)) | (four(r + 3u, c) << vec4<u32>(24u));
    let o = 8u + c * per + i % per;
    z[o] = h.x; z[o + per] = h.y; z[o + 2u * per] = h.z; z[o + 3u * per] = h.w;
    return;
  }
//#end
  for (var k = 4u * i; k < min(4u * i + 4u, p.words); k += 1u) {
//#if !T
    if (p.cols % 4u == 0u) {
//#if KIND == 2
      let h = four(p.row0, 4u * k) << vec4<u32>(0u, 8u, 16u, 24u); // rows follow each other in the stream
//#else
      let h = four(p.row0 + (4u * k) / p.cols, (4u * k) % p.cols) << vec4<u32>(0u, 8u, 16u, 24u);
//#end
      z[8u + k] = h.x | h.y | h.z | h.w;
      continue;
    }
//#end
    var h = 0u;
    for (var j = 0u; j < 4u; j += 1u) {
      let at = 4u * k + j;
//#if T
      h = h | ((value(p.row0 + at % p.ld, at / p.ld) & 255u) << (8u * j));
//#else
      h = h | ((value(p.row0 + at / p.cols, at % p.cols) & 255u) << (8u * j));
//#end
    }
    z[8u + k] = h;
  }
//#end
//#if KIND == 1 && !T
  let key = vec2<u32>(zo[0], zo[1]);
  if (4u * i >= p.words) { return; }
  let e0 = p.row0 * p.cols;
  let n = e0 / 32u + 4u * i;
  let a = zo_block(key, p.tensor, 0u, n / 4u);
  if (e0 % 128u == 0u) {
    z[8u + 4u * i] = a.x;
    if (4u * i + 1u < p.words) { z[9u + 4u * i] = a.y; }
    if (4u * i + 2u < p.words) { z[10u + 4u * i] = a.z; }
    if (4u * i + 3u < p.words) { z[11u + 4u * i] = a.w; }
    return;
  }
  let b = zo_block(key, p.tensor, 0u, n / 4u + 1u);
  let c = zo_block(key, p.tensor, 0u, n / 4u + 2u);
  var x = array<u32, 12>(a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w, c.x, c.y, c.z, c.w);
  let s = e0 % 32u;
  for (var j = 0u; j < 4u; j += 1u) {
    if (4u * i + j >= p.words) { return; }
    let k = n % 4u + j;
    var v = x[k];
    if (s > 0u) { v = (v >> s) | (x[k + 1u] << (32u - s)); }
    z[8u + 4u * i + j] = v;
  }
//#end
//#if KIND == 1 && T && !TILE
  let key = vec2<u32>(zo[0], zo[1]);
  if (i >= p.words) { return; }
  var h = 0u;
  for (var j = 0u; j < 32u; j += 1u) {
    let at = 32u * i + j;
    let e = (p.row0 + at % p.ld) * p.cols + at / p.ld;
    h = h | (((zo_word(key, p.tensor, 0u, e / 32u) >> (e % 32u)) & 1u) << j);
  }
  z[8u + i] = h;
//#end
//#if TILE
  let key = vec2<u32>(zo[0], zo[1]);
  if (${TILE}u * i >= p.words) { return; }
  let per = p.ld / 32u;
  var o = 8u + ${TILE}u * (i / per) * per + i % per;
  var n = (p.row0 + 32u * (i % per)) * (p.cols / 32u) + ${TILE/32}u * (i / per);
//#for k 0 32
//#if TILE == 32
  var b${k} = zo_word(key, p.tensor, 0u, n);
//#end
//#if TILE == 64
  var b${k} = zo_block(key, p.tensor, 0u, n / 4u); if ((n & 2u) == 2u) { b${k} = b${k}.zwxy; }
//#end
//#if TILE == 128
  var b${k} = zo_block(key, p.tensor, 0u, n / 4u);
//#end
  n += p.cols / 32u;
//#end
//#if TILE > 32
  for (var j = 0u; j < ${TILE/32}u; j += 1u) {
//#for k 0 32
    var a${k} = b${k}.x; b${k} = b${k}.yzwx;
//#end
//#else
  {
//#for k 0 32
    var a${k} = b${k};
//#end
//#end
    var s = 0u;
//#for k 0 16
    s = ((a${k} >> 16u) ^ a${k+16}) & 0x0000ffffu; a${k+16} = a${k+16} ^ s; a${k} = a${k} ^ (s << 16u);
//#end
//#for h 0 2
//#for k 0 8
    s = ((a${16*h+k} >> 8u) ^ a${16*h+k+8}) & 0x00ff00ffu; a${16*h+k+8} = a${16*h+k+8} ^ s; a${16*h+k} = a${16*h+k} ^ (s << 8u);
//#end
//#end
//#for h 0 4
//#for k 0 4
    s = ((a${8*h+k} >> 4u) ^ a${8*h+k+4}) & 0x0f0f0f0fu; a${8*h+k+4} = a${8*h+k+4} ^ s; a${8*h+k} = a${8*h+k} ^ (s << 4u);
//#end
//#end
//#for h 0 8
//#for k 0 2
    s = ((a${4*h+k} >> 2u) ^ a${4*h+k+2}) & 0x33333333u; a${4*h+k+2} = a${4*h+k+2} ^ s; a${4*h+k} = a${4*h+k} ^ (s << 2u);
//#end
//#end
//#for h 0 16
    s = ((a${2*h} >> 1u) ^ a${2*h+1}) & 0x55555555u; a${2*h+1} = a${2*h+1} ^ s; a${2*h} = a${2*h} ^ (s << 1u);
//#end
//#for k 0 32
    z[o] = a${k}; o += per;
//#end
  }
//#end
}
