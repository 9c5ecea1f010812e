#!/usr/bin/env python3
"""python scripts/replay.py BASE.safetensors RUN.log OUT.safetensors [UNTIL_STEP]: docs/replay-log.md, rules plain, momentum and curvature."""
import hashlib, json, math, struct, sys, zlib
import numpy as np, safetensors
if len(sys.argv) < 4: sys.exit(__doc__)

def philox(c0, c1, stream, seed):  # a row of four words for each counter (c0, c1, 0, stream)
    c = [np.asarray(c0, np.uint64)] + [np.full(len(c0), v, np.uint64) for v in (c1, 0, stream)]
    low, half = np.uint64(0xffffffff), np.uint64(32)
    for r in range(10):
        a, b = c[0] * np.uint64(0xd2511f53), c[2] * np.uint64(0xcd9e8d57)
        k0, k1 = (np.uint64((s + r * w) & 0xffffffff) for s, w in ((seed, 0x9e3779b9), (seed >> 32, 0xbb67ae85)))
        c = [(b >> half) ^ c[1] ^ k0, b & low, (a >> half) ^ c[3] ^ k1, a & low]
    return np.stack(c, 1).astype("<u4")

def words(n, tensor, stream, seed):
    return philox(np.arange(-(-n // 4)), tensor, stream, seed).reshape(-1)[:n]

def noise(h, rows, cols, tensor, seed, step):  # z of a whole tensor
    if h["noise"] == "gaussian":
        return np.bitwise_count(words(rows * cols, tensor, 2, seed)).astype("f4") - 16
    if h["noise"] == "lowrank" and rows > 1:
        r = philox([step // h["period"]], 0xffffffff, 0x73656564, int(h["seed"]))[0]
        u, v = words(rows, tensor, 3, seed), words(cols, tensor, 4, int(r[0]) | int(r[1]) << 32)
        return h["rank"] - 2 * np.bitwise_count((u[:, None] ^ v) & np.uint32((1 << h["rank"]) - 1)).astype("f4").reshape(-1)
    return 1 - 2 * np.unpackbits(words(-(-rows * cols // 32), tensor, 0, seed).view("u1"), bitorder="little")[:rows * cols].astype("f4")

def fold(h, x):
    if h["noise"] != "rademacher":
        m, e = math.frexp(x / (math.sqrt(8) if h["noise"] == "gaussian" else h["rank"]))
        x = math.ldexp(round(m * 65536), e - 16)
    return np.float32(x if abs(x) >= 2.0 ** -126 else 0)

def add(h, info, w, tensor, seed, step, s):
    old = w if w.dtype == "<f4" else (w.astype("<u4") << 16).view("<f4")
    x = old + s * noise(h, *info["shape"], tensor, seed, step)
    if w.dtype != "<f4":  # bf16
        b, r = x.view("<u4"), words(-(-len(w) // 2), tensor, 1, seed).view("<u2")[:len(w)]
        x = ((b + np.where(b & 0x7f800000 != 0x7f800000, r, 0).astype("<u4")) >> 16).astype("<u2")
    return np.where(np.abs(old) <= np.float32(info.get("threshold", np.inf)), x, w)

raw, until = open(sys.argv[2], "rb").read(), int((sys.argv + [2 ** 30])[4])
at = raw.index(b"\n", 32) + 1
h, crc, group, steps, curved = json.loads(raw[32:at]), zlib.crc32(raw[32:at]), [], [], 1.0
assert raw[:32] == b"luthier-replay-log crc %08x\n" % crc and h["update"]["rule"] in ("plain", "momentum", "curvature"), "header"
base, rule = dict(safetensors.deserialize(open(sys.argv[1], "rb").read())), h["update"]
names = [next((p + t["name"] for p in ("", "base_model.model.") if p + t["name"] in base), None) for t in h["tensors"]]  # PEFT's files have the prefix
if None in names: sys.exit(f"{sys.argv[1]} lacks {h['tensors'][names.index(None)]['name']}: `luthier replay --until 0` writes the file that the run started from")
ws = [np.frombuffer(base[n]["data"], {"f32": "<f4", "bf16": "<u2"}[t["dtype"]]) for n, t in zip(names, h["tensors"])]
digest = lambda: hashlib.sha256(b"".join(w.tobytes() for w in ws)).digest()
assert digest().hex() == h["start_sha256"], "these are not the tensors that the run started from"
for at in range(at, len(raw) - 31, 32):
    (word, seed, g, lr), rec = struct.unpack_from("<IQff", raw, at), raw[at:at + 28]
    crc, step = zlib.crc32(rec, zlib.crc32(struct.pack("<I", crc))), word & 0x3fffffff
    assert raw[at + 28:at + 32] == struct.pack("<I", crc), f"step {step}: the record at byte {at} is damaged, or one before it is missing"
    assert step > until or word < 2 ** 31 or rec[4:] == digest()[:24], f"step {step}: the weights are not those of the run"
    group += [(seed, step, g)] if word < 2 ** 31 and step <= until else []
    if word >> 30 == 1 and group:  # its step is whole
        skipped, now, group = any(g != g for _, _, g in group), group, []
        if rule["rule"] == "curvature" and not skipped:
            curved, now = curved * ((1 - rule.get("alpha", 0.0)) + rule.get("alpha", 0.0) * now[1][2]), now[:1]
        steps = steps if skipped else ([now] + steps)[:rule.get("window", 1)]
        for k, past in enumerate([] if skipped else steps):
            for seed, then, g in past:
                s = fold(h, -(lr * (math.prod([rule.get("beta1", 0.0)] * k) / math.sqrt(curved) * g)))
                ws = [add(h, t, w, i, seed, then, s) if s else w for i, (t, w) in enumerate(zip(h["tensors"], ws))]
assert len(raw) % 32 == 0 and not group or until < 2 ** 30, "the log is cut: what is whole can be replayed with an UNTIL_STEP"
ends = np.cumsum([0] + [w.nbytes for w in ws]).tolist()
head = json.dumps({n: {"dtype": base[n]["dtype"], "shape": base[n]["shape"], "data_offsets": ends[i:i + 2]} for i, n in enumerate(names)}).encode()
open(sys.argv[3], "wb").write(struct.pack("<Q", len(head)) + head + b"".join(w.tobytes() for w in ws))
