"""The measurements of bench.py: rounds, start times, memory, many at once."""
import http.client
import os
import shutil
import threading
import time

import engines as hosts
import names
import networks
import traffic
import volumes
from engines import IMAGE
from harness import places
from subjects import NETWORKS, Bundle, KeptApi, subjects, usable


def rounds(table, number):
    times = {name: [] for name in table}
    for _ in range(number):
        for name, function in table.items():
            begin = time.perf_counter()
            function()
            times[name].append((time.perf_counter() - begin) * 1000)
            time.sleep(0.05)  # what was torn down in the background shall not be billed to the next one
    return times


def start_times(engine, network, number):
    """Milliseconds from the start request to its answer, which comes when the container's program has been executed."""
    api, times = KeptApi(engine.socket), []
    for _ in range(number):
        container = api.create(network)
        begin = time.perf_counter()
        api.call('POST', f'/containers/{container}/start')
        times.append((time.perf_counter() - begin) * 1000)
        api.call('POST', f'/containers/{container}/wait')
        api.call('DELETE', f'/containers/{container}')
        time.sleep(0.05)
    return times


def hundred_at_once(socket, number=100):
    """Seconds until `number` containers, whose start was asked for at the same time, run."""
    apis = [KeptApi(socket) for _ in range(number)]
    body = {'Image': IMAGE, 'Cmd': ['sleep', '1000'], 'HostConfig': {'NetworkMode': 'none'}}
    containers = [api.call('POST', '/containers/create', body)['Id'] for api in apis]
    errors = []

    def start(api, container):
        try:
            api.call('POST', f'/containers/{container}/start')
        except (RuntimeError, OSError, http.client.HTTPException) as error:
            errors.append(str(error))

    threads = [threading.Thread(target=start, args=pair) for pair in zip(apis, containers)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begin
    return {'seconds': seconds, 'errors': errors, 'containers': containers}


def pss_kib(pid):
    try:
        with open(f'/proc/{pid}/smaps_rollup', encoding='utf-8') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('Pss:'))
    except (OSError, StopIteration):
        return 0


def pids_named(*words):
    found = []
    for entry in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{entry}/cmdline', 'rb') as file:
                first = file.read().split(b'\0')[0].decode(errors='replace')
        except OSError:
            continue
        if os.path.basename(first) in words:
            found.append(int(entry))
    return found


def idle_memory(engine):
    if engine.name == 'davitd':
        return {'davitd, idle (kB)': pss_kib(engine.daemon.pid)}
    return {'dockerd + containerd, idle (kB)': sum(map(pss_kib, pids_named('dockerd', 'containerd')))}


def runs(engines, number, without):
    bundle = Bundle()
    try:
        times = rounds(usable(subjects(engines, bundle, without)), number)
    finally:
        shutil.rmtree(bundle.folder, ignore_errors=True)
    starts = {}
    for engine in engines:
        count = number if engine.name == 'davitd' else max(5, number // 3)
        for network in NETWORKS:
            starts[f'POST start → {engine.name}, {network}'] = start_times(engine, network, count)
    return {'times': times, 'start': starts}


def at_once(engine):
    """Many started together, and the memory of what watches over them."""
    number, shim = (100, 'davit-shim') if engine.name == 'davitd' else (20, 'containerd-shim-runc-v2')
    facts = hundred_at_once(engine.socket, number)
    shims = engine.daemon.shims() if engine.name == 'davitd' else pids_named(shim)
    memory = {f'{shim}, each of {number} (kB)': sum(map(pss_kib, shims)) / max(1, len(shims))}
    if engine.name == 'davitd':
        memory['davitd with 100 containers (kB)'] = pss_kib(engine.daemon.pid)
    for container in facts['containers']:
        engine.api.remove(container)
    title = engine.name if engine.name == 'davitd' else f'{engine.name} ({number} containers)'
    return memory, {title: {key: facts[key] for key in ('seconds', 'errors')}}


def run(options):
    """`options`: those of bench.py."""
    folder = places.work_dir('bench-programs')
    program = hosts.compile_c('traffic', folder)
    results = {'rounds': options.rounds}
    with_docker = 'docker' not in options.without and shutil.which('dockerd') is not None
    try:
        with hosts.started(with_docker, program) as engines:
            results['memory'] = {name: value for engine in engines for name, value in idle_memory(engine).items()}
            if 'run' in options.parts:
                results.update(runs(engines, options.rounds, options.without))
                results['at_once'] = {}
                for engine in engines:
                    memory, facts = at_once(engine)
                    results['memory'].update(memory)
                    results['at_once'].update(facts)
            if 'networks' in options.parts:
                results['networks'] = networks.measure(engines)
            if 'volumes' in options.parts:
                results['volumes'] = volumes.measure(engines)
            if 'traffic' in options.parts:
                results['traffic'] = traffic.measure(engines, program, max(3, options.rounds // 10), options.containers)
            if 'names' in options.parts:
                results['names'] = names.measure(engines, hosts.compile_c('dns_load', folder), max(3, options.rounds // 10))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return results
