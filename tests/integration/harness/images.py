"""Images made here, in the format of `docker save`, from Debian's static busybox and the test's own files."""
import hashlib
import io
import json
import os
import tarfile

BUSYBOX = '/bin/busybox'
APPLETS = ('sh ash cat echo ls true false sleep id tty stty env pwd printf ps kill mkdir rm ln cp mv dd head tail grep sed wc '
           'sha256sum hostname mount umount mknod stat touch df nproc ulimit test find od tr cut sort seq yes date readlink '
           'chmod chown tar ip netstat nc top free sync usleep sysctl su mkfifo nohup xargs uname vi expr').split()


def entry(name, kind=tarfile.REGTYPE, mode=0o755, uid=0, gid=0, link='', data=b'', device=None, headers=None):
    """One member of a tar: (TarInfo, content)."""
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.uid, info.gid, info.linkname, info.mtime = kind, mode, uid, gid, link, 1600000000
    info.size = len(data)
    if device:
        info.devmajor, info.devminor = device
    info.pax_headers = headers or {}
    return info, data


def directory(name, mode=0o755, **keywords):
    return entry(name, tarfile.DIRTYPE, mode, **keywords)


def symlink(name, target):
    return entry(name, tarfile.SYMTYPE, 0o777, link=target)


def text(name, content, mode=0o644, **keywords):
    return entry(name, mode=mode, data=content.encode() if isinstance(content, str) else content, **keywords)


def tar(entries):
    """The bytes of an uncompressed tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w', format=tarfile.PAX_FORMAT) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def busybox_entries():
    """A small root: busybox under its applets' names, users, the folders that programs expect."""
    with open(BUSYBOX, 'rb') as file:
        binary = file.read()
    entries = [directory(name) for name in ('bin', 'etc', 'dev', 'proc', 'sys', 'root', 'var', 'var/run', 'home', 'usr')]
    entries.append(directory('tmp', 0o1777))
    entries.append(entry('bin/busybox', data=binary))
    entries += [symlink(f'bin/{name}', 'busybox') for name in APPLETS]
    entries.append(text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n'))
    entries.append(text('etc/group', 'root:x:0:\ntty:x:5:\nuser:x:1000:\nextra:x:2000:user\n'))
    return entries


def config(layers, **options):
    """An image's configuration; `options` are members of Docker's Config (Cmd, Env, WorkingDir, ...)."""
    return {
        'architecture': 'amd64', 'os': 'linux', 'created': '2020-09-13T12:26:40Z',
        'config': {'Env': ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], 'Cmd': ['sh'], **options},
        'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + hashlib.sha256(layer).hexdigest() for layer in layers]},
        'history': [{'created': '2020-09-13T12:26:40Z', 'created_by': f'/bin/sh -c #(nop) ADD layer {n}'} for n in range(len(layers))],
    }


def archive(tag, layers, change_manifest=None, **options):
    """A whole `docker save` archive of one image, as bytes. `layers` are tars; `change_manifest` may spoil the manifest."""
    config_bytes = json.dumps(config(layers, **options)).encode()
    config_name = hashlib.sha256(config_bytes).hexdigest() + '.json'
    names = [hashlib.sha256(layer).hexdigest() + '/layer.tar' for layer in layers]
    manifest = [{'Config': config_name, 'RepoTags': [tag] if tag else None, 'Layers': names}]
    if change_manifest:
        change_manifest(manifest)
    entries = [text(config_name, config_bytes)]
    for name, layer in zip(names, layers):
        entries += [directory(os.path.dirname(name)), text(name, layer)]
    entries.append(text('manifest.json', json.dumps(manifest)))
    return tar(entries)


_cache = {}


def busybox(tag='busybox:test', extra=(), **options):
    """The archive of a busybox image; `extra` entries become a second layer."""
    if 'layer' not in _cache:
        _cache['layer'] = tar(busybox_entries())
    layers = [_cache['layer']] + ([tar(extra)] if extra else [])
    return archive(tag, layers, **options)
