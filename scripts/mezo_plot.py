"""The plot of mezo_learning.py: training loss and development accuracy of each method, a line a seed, and the numbers in a table beside it."""
import os
import statistics

from curves_plot import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, axes

COLOURS = ("#1f3b73", "#d9822b", "#3a8f5c")
STYLE = "text{font:11px sans-serif;fill:#222}.t{font-size:13px}.a{stroke:#999;fill:none}.g{stroke:#e4e4e4}.s{stroke:#888;stroke-dasharray:4 3}" \
        "polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}"
WINDOW = 4  # logged means that make a point of the loss


def smooth(points):
    """Means of WINDOW points at a time, at the last one's step."""
    groups = [points[i:i + WINDOW] for i in range(0, len(points) - WINDOW + 1, WINDOW)]
    return [(g[-1][0], statistics.mean(v for _, v in g)) for g in groups]


def panel(x, y, name, lines, start, bounds, dots):
    """lines: rows of (step, value), a seed each; start: the value before training, a dashed line; bounds: those of both axes."""
    steps, low, high = bounds
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    at_x = lambda s: LEFT + wide * s / steps
    at_y = lambda v: TOP + tall * (high - v) / (high - low)
    out = [f'<g transform="translate({x},{y})"><text class="t" x="{LEFT}" y="34">{name}</text>']
    out += axes(at_y, low, high)
    for k, anchor in enumerate(("middle", "middle", "middle", "end")):
        out.append(f'<text x="{at_x(steps * k / 3):.1f}" y="{TOP + tall + 15}" text-anchor="{anchor}">{steps * k // 3}</text>')
    out.append(f'<path class="s" d="M{LEFT} {at_y(start):.1f}h{wide}"/>')
    for colour, line in zip(COLOURS, lines):
        out.append(f'<polyline stroke="{colour}" points="' + " ".join(f"{at_x(s):.1f},{at_y(v):.2f}" for s, v in line) + '"/>')
        out += [f'<circle fill="{colour}" r="3" cx="{at_x(s):.1f}" cy="{at_y(v):.2f}"/>' for s, v in line if dots]
    return [*out, "</g>"]


def write_plot(path, found):
    """found: for each method a run a seed, with "loss" and "dev" as rows of (step, value) and the figures before and after."""
    names = {"lora": "LoRA", "full": "all weights"}
    tall = 2 * HEIGHT + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {tall}" width="{2 * WIDTH}" height="{tall}"><style>{STYLE}</style>',
           f'<rect width="{2 * WIDTH}" height="{tall}" fill="#fff"/>']
    for i, colour in enumerate(COLOURS):
        out.append(f'<path d="M{LEFT + 76 * i} 16h24" stroke="{colour}" stroke-width="1.6"/><text x="{LEFT + 76 * i + 29}" y="20">seed {i + 1}</text>')
    out.append(f'<path class="s" d="M{LEFT + 240} 16h24"/><text x="{LEFT + 269}" y="20">at the start; steps of MeZO below</text>')
    kinds = (("rows", "loss", "training loss, means of 200 steps"), ("development", "accuracy", "development accuracy"))
    for row, (data, key, title) in enumerate(kinds):
        lines = {m: [smooth(r["loss"]) if row == 0 else [(0, r["before", data][key]), *r["dev"]] for r in runs] for m, runs in found.items()}
        values = [v for m in lines.values() for line in m for _, v in line] + [r["before", data][key] for runs in found.values() for r in runs]
        margin = 0.08 * (max(values) - min(values))
        for column, (m, runs) in enumerate(found.items()):
            bounds = (runs[0]["loss"][-1][0], min(values) - margin, max(values) + margin)
            out += panel(WIDTH * column, 20 + HEIGHT * row, f"{names[m]}: {title}", lines[m], runs[0]["before", data][key], bounds, row == 1)
    with open(path, "w") as f:
        f.write("\n".join([*out, "</svg>"]) + "\n")
    with open(os.path.splitext(path)[0] + ".tsv", "w") as f:
        f.write("step\t" + "\t".join(f"{m} {seed}" for m, runs in found.items() for seed in range(1, len(runs) + 1)) + "\n")
        for i, (step, _) in enumerate(next(iter(found.values()))[0]["loss"]):
            f.write(f"{step}\t" + "\t".join(f"{r['loss'][i][1]:.5f}" for runs in found.values() for r in runs) + "\n")
