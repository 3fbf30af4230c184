"""The results of bench.py as tables and as plots. A part of the bench is a function here that makes lines of its results; it is
left out when it wasn't measured."""
import statistics

from plot import bars, p90

FLOOR = 'clone, mount, exec (the floor)'
BARE = 'bare veth pair'


def rows(heads, lines):
    return ['', '| ' + ' | '.join(heads) + ' |', '|---|' + '---:|' * (len(heads) - 1)] + ['| ' + ' | '.join(line) + ' |' for line in lines]


def run_ratios(times):
    """What the project promises, as ratios of medians within the same run."""
    median = {name: statistics.median(values) for name, values in times.items()}
    pairs = []
    for network in ('none', 'host', 'bridge'):
        pairs += [(f'API → dockerd, {network}', f'API → davitd, {network}'),
                  (f'docker CLI → dockerd, {network}', f'docker CLI → davitd, {network}'),
                  (f'docker CLI → dockerd, {network}', f'davit CLI → davitd, {network}'),
                  (f'POST start → dockerd, {network}', f'POST start → davitd, {network}'),
                  (f'docker CLI → davitd, {network}', 'docker --version'),
                  (f'podman run, {network}', f'davit CLI → davitd, {network}')]
    pairs += [('crun run', 'davit CLI → davitd, none'), ('davit CLI → davitd, none', FLOOR)]
    return [(a, b, median[a] / median[b]) for a, b in pairs if a in median and b in median]


def runs(results):
    times = {**results['times'], **results['start']}
    lines = [f'`run --rm true`, {results["rounds"]} interleaved rounds, milliseconds']
    lines += rows(['', 'min', 'median', 'p90'],
                  [[name, f'{min(values):.1f}', f'{statistics.median(values):.1f}', f'{p90(values):.1f}'] for name, values in times.items()])
    lines += rows(['ratio of medians', ''], [[f'{a} / {b}', f'{ratio:.1f}'] for a, b, ratio in run_ratios(times)])
    lines += rows(['started at once', 'seconds', 'errors'],
                  [[name, f'{value["seconds"]:.2f}', str(len(value['errors']))] for name, value in results['at_once'].items()])
    return lines


def memory(results):
    return rows(['memory (PSS)', ''], [[name, f'{value:.0f}'] for name, value in results['memory'].items()])


def compared(title, figures):
    """One line for each fact, one column for each engine, and their ratio."""
    engines = list(figures)
    facts = list(dict.fromkeys(fact for engine in engines for fact in figures[engine]))
    lines = []
    for fact in facts:
        values = [figures[engine].get(fact) for engine in engines]
        numbers = [value for value in values if isinstance(value, (int, float))]
        ratio = f'{numbers[1] / numbers[0]:.1f}' if len(numbers) == 2 and numbers[0] > 0 else ''
        lines.append([fact] + [f'{value:.3f}' if isinstance(value, float) else '' if value is None else str(value) for value in values] + [ratio])
    return rows([title, *engines, 'ratio'], lines)


def networks(results):
    return compared('networks and published ports (seconds)', results['networks'])


def volumes(results):
    return compared('volumes', results['volumes'])


def traffic(results):
    heads = ['', 'MB/s', 'of the bare pair', 'request µs', 'more than bare', 'connection µs']
    flows = results['traffic']['flows']
    bare = {verb: statistics.median(values) for verb, values in flows[BARE].items()}
    lines = []
    for name, verbs in flows.items():
        value = {verb: statistics.median(values) for verb, values in verbs.items()}
        lines.append([name, f'{value["bulk"]:.0f}', f'{value["bulk"] / bare["bulk"]:.2f}', f'{value["latency"]:.1f}',
                      f'{value["latency"] - bare["latency"]:.1f}', f'{value["connect"]:.1f}'])
    lines = rows(heads, lines)
    scaling = results['traffic']['scaling']
    lines += rows(['from another host to the last of them', 'request µs', 'connection µs'],
                  [[name, f'{statistics.median(verbs["latency"]):.1f}', f'{statistics.median(verbs["connect"]):.1f}']
                   for name, verbs in scaling.items()])
    first = results['traffic']['first']
    return lines + rows(['first connection of a container', 'containers', 'connected', 'slower than 0.5 s', 'median µs', 'max µs'],
                        [[name, *(str(value) for value in facts.values())] for name, facts in first.items()])


def names(results):
    engines = list(next(iter(results['names'].values())))
    lines = []
    for kind, figures in results['names'].items():
        rates = [statistics.median(figures[engine]['rates']) for engine in engines]
        ratio = f'{rates[0] / rates[1]:.1f}' if len(rates) == 2 else ''
        lines.append([kind, *(f'{rate:,.0f}' for rate in rates), ratio, ', '.join(str(figures[engine]['lost']) for engine in engines)])
    return rows(['names per second', *engines, 'ratio', 'lost'], lines)


# The part's name in the results -> its lines. A measurement of its own adds one here and in measure.run().
PARTS = {'times': runs, 'memory': memory, 'networks': networks, 'volumes': volumes, 'traffic': traffic, 'names': names}


def table(results):
    return '\n'.join(line for part, lines in PARTS.items() if part in results for line in lines(results)) + '\n'


def plots(results):
    """File name -> SVG."""
    made = {}
    if 'times' in results:
        made['results.svg'] = bars('run --rm true: milliseconds (median; line: minimum to p90)', results['times'])
    if 'networks' in results:
        figures = {f'{engine}, {fact}': [value] for engine, facts in results['networks'].items() for fact, value in facts.items()
                   if isinstance(value, float) and 'ms' not in fact and value > 0}
        made['networks.svg'] = bars('networks and published ports: seconds', figures)
    if 'traffic' in results:
        flows = results['traffic']['flows']
        made['latency.svg'] = bars('a request and its answer: microseconds', {name: verbs['latency'] for name, verbs in flows.items()})
        made['throughput.svg'] = bars('one connection: MB/s', {name: verbs['bulk'] for name, verbs in flows.items()})
    return made
