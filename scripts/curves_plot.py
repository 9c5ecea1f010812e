"""The plot of curves.py: a panel a run, PyTorch's losses as a wide pale line and luthier's as a thin dark one on it."""
WIDTH, HEIGHT = 360, 230  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 44, 34  # margins inside it
STYLE = "text{font:11px sans-serif;fill:#222}.t{font-size:13px}.a{stroke:#999;fill:none}.g{stroke:#e4e4e4}" \
        ".p{fill:none;stroke:#f2a65a;stroke-width:5;stroke-linejoin:round}.l{fill:none;stroke:#1f3b73;stroke-width:1.3;stroke-linejoin:round}"


def ticks(low, high):
    """Three to eight round numbers from low to high."""
    step = 10.0
    for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0):
        if (high - low) / step <= 7:
            break
    first = int(low / step) + (low > 0)
    return [k * step for k in range(first, int(high / step) + 1)], 2 if step < 0.1 else 1


def axes(at_y, low, high):
    """The frame of a panel, and the numbers up its left side with a line across for each."""
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    marks, digits = ticks(low, high)
    out = [f'<path class="g" d="M{LEFT} {at_y(v):.1f}h{wide}"/><text x="{LEFT - 6}" y="{at_y(v) + 4:.1f}" text-anchor="end">{v:.{digits}f}</text>' for v in marks]
    return [*out, f'<rect class="a" x="{LEFT}" y="{TOP}" width="{wide}" height="{tall}"/>']


def panel(x, y, name, ours, theirs, worst):
    low, high = min(ours + theirs), max(ours + theirs)
    low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    at_x = lambda s: LEFT + wide * (s - 1) / max(1, len(ours) - 1)
    at_y = lambda v: TOP + tall * (high - v) / (high - low)
    line = lambda values: " ".join(f"{at_x(s):.1f},{at_y(v):.2f}" for s, v in enumerate(values, 1))
    out = [f'<g transform="translate({x},{y})"><text class="t" x="{LEFT}" y="18">{name}</text>',
           f'<text x="{LEFT}" y="34">largest relative difference {worst:.1e}</text>']
    out += axes(at_y, low, high)
    for s in (1, *range(10, len(ours) + 1, 10)):
        out.append(f'<text x="{at_x(s):.1f}" y="{TOP + tall + 15}" text-anchor="middle">{s}</text>')
    out.append(f'<text x="{LEFT + wide / 2}" y="{TOP + tall + 29}" text-anchor="middle">step</text>')
    out.append(f'<polyline class="p" points="{line(theirs)}"/><polyline class="l" points="{line(ours)}"/></g>')
    return out


def write_plot(path, curves):
    """curves: (name, luthier's losses, torch's, largest relative difference) a run."""
    rows = (len(curves) + 1) // 2
    wide, tall = 2 * WIDTH, rows * HEIGHT + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}"><style>{STYLE}</style>',
           f'<rect width="{wide}" height="{tall}" fill="#fff"/><path class="p" d="M{LEFT} 16h30"/><text x="{LEFT + 36}" y="20">PyTorch</text>',
           f'<path class="l" d="M{LEFT + 110} 16h30"/><text x="{LEFT + 146}" y="20">luthier</text><text x="{LEFT + 220}" y="20">training loss, each step</text>']
    for i, curve in enumerate(curves):
        out += panel(WIDTH * (i % 2), 30 + HEIGHT * (i // 2), *curve)
    with open(path, "w") as f:
        f.write("\n".join([*out, "</svg>"]) + "\n")
