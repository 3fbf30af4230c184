"""The results of bench.py as a table and as a plot."""
import statistics
from xml.sax.saxutils import escape

FLOOR = 'clone, mount, exec (the floor)'


def p90(values):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]


def ratios(times):
    """What the project promises, as ratios of medians within the same run."""
    median = {name: statistics.median(values) for name, values in times.items()}
    pairs = [('API → dockerd, none', 'API → davitd, none'), ('API → dockerd, host', 'API → davitd, host'),
             ('docker CLI → dockerd, none', 'docker CLI → davitd, none'), ('docker CLI → dockerd, host', 'docker CLI → davitd, host'),
             ('docker CLI → dockerd, none', 'davit CLI → davitd, none'), ('docker CLI → davitd, none', 'docker --version'),
             ('POST start → dockerd', 'POST start → davitd'), ('podman run, none', 'davit CLI → davitd, none'),
             ('podman run, host', 'davit CLI → davitd, host'), ('crun run', 'davit CLI → davitd, none'), ('davit CLI → davitd, none', FLOOR)]
    return [(a, b, median[a] / median[b]) for a, b in pairs if a in median and b in median]


def table(results):
    lines = [f'`run --rm true`, {results["rounds"]} interleaved rounds, milliseconds', '', '| | min | median | p90 |', '|---|---:|---:|---:|']
    for name, values in {**results['times'], **results['start']}.items():
        lines.append(f'| {name} | {min(values):.1f} | {statistics.median(values):.1f} | {p90(values):.1f} |')
    lines += ['', '| ratio of medians | |', '|---|---:|']
    lines += [f'| {a} / {b} | {ratio:.1f} |' for a, b, ratio in ratios({**results['times'], **results['start']})]
    lines += ['', '| memory (PSS) | |', '|---|---:|']
    lines += [f'| {name} | {value:.0f} |' for name, value in results['memory'].items()]
    lines += ['', '| started at once | seconds | errors |', '|---|---:|---:|']
    lines += [f'| {name} | {value["seconds"]:.2f} | {len(value["errors"])} |' for name, value in results['at_once'].items()]
    return '\n'.join(lines) + '\n'


def plot(results):
    """A bar for each median with a whisker from the minimum to p90, on a logarithmic axis."""
    import math
    rows = sorted(results['times'].items(), key=lambda item: statistics.median(item[1]))
    left, width, height = 260, 560, 26
    top = max(p90(values) for _, values in rows)
    low, high = 0.5, 10 ** math.ceil(math.log10(top))

    def x(value):
        return left + width * math.log(max(value, low) / low) / math.log(high / low)

    total = len(rows) * height + 60
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 70}" height="{total}" font-family="sans-serif" font-size="13">',
             '<rect width="100%" height="100%" fill="white"/>',
             f'<text x="{left}" y="18" font-weight="bold">run --rm true: milliseconds (median; line: minimum to p90)</text>']
    tick = 1
    while tick <= high:
        parts.append(f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="28" y2="{total - 24}" stroke="#ddd"/>'
                     f'<text x="{x(tick):.1f}" y="{total - 8}" text-anchor="middle">{tick}</text>')
        tick *= 10
    for index, (name, values) in enumerate(rows):
        y, median = 32 + index * height, statistics.median(values)
        color = '#2a6f4e' if 'davitd' in name else '#999999'
        parts.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
                     f'<rect x="{left}" y="{y + 3}" width="{x(median) - left:.1f}" height="{height - 9}" fill="{color}"/>'
                     f'<line x1="{x(min(values)):.1f}" x2="{x(p90(values)):.1f}" y1="{y + 11.5}" y2="{y + 11.5}" stroke="black"/>'
                     f'<text x="{max(x(median), x(p90(values))) + 6:.1f}" y="{y + 15}">{median:.1f}</text>')
    return '\n'.join(parts) + '\n</svg>\n'
