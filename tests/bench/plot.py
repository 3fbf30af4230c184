"""Bars as an SVG: one for each name's median, with a line from the minimum to p90, on a logarithmic axis."""
import math
import statistics
from xml.sax.saxutils import escape

LEFT, WIDTH, HEIGHT = 320, 560, 26


def p90(values):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]


def bars(title, figures):
    rows = sorted(figures.items(), key=lambda item: statistics.median(item[1]))
    low = 10 ** math.floor(math.log10(max(1e-3, min(min(values) for _, values in rows))))
    high = 10 ** math.ceil(math.log10(max(p90(values) for _, values in rows) + 1e-9))

    def x(value):
        return LEFT + WIDTH * math.log(max(value, low) / low) / math.log(high / low)

    total = len(rows) * HEIGHT + 60
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 70}" height="{total}" font-family="sans-serif" font-size="13">',
             '<rect width="100%" height="100%" fill="white"/>', f'<text x="{LEFT}" y="18" font-weight="bold">{escape(title)}</text>']
    tick = low
    while tick <= high:
        parts.append(f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="28" y2="{total - 24}" stroke="#ddd"/>'
                     f'<text x="{x(tick):.1f}" y="{total - 8}" text-anchor="middle">{tick:g}</text>')
        tick *= 10
    for index, (name, values) in enumerate(rows):
        y, median = 32 + index * HEIGHT, statistics.median(values)
        color = '#2a6f4e' if 'davitd' in name else '#999999'
        parts.append(f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
                     f'<rect x="{LEFT}" y="{y + 3}" width="{x(median) - LEFT:.1f}" height="{HEIGHT - 9}" fill="{color}"/>'
                     f'<line x1="{x(min(values)):.1f}" x2="{x(p90(values)):.1f}" y1="{y + 11.5}" y2="{y + 11.5}" stroke="black"/>'
                     f'<text x="{max(x(median), x(p90(values))) + 6:.1f}" y="{y + 15}">{median:.3g}</text>')
    return '\n'.join(parts) + '\n</svg>\n'
