"""What this kernel can."""
import subprocess


def makes(kind):
    """Whether it makes links of a kind that sits on another link."""
    def ip(*words):
        return subprocess.run(['ip', 'link', *words], capture_output=True, check=False).returncode == 0

    ip('add', 'probe0', 'type', 'veth', 'peer', 'name', 'probe1')
    made = ip('add', 'probe', 'link', 'probe0', 'type', kind, *(['id', '9'] if kind == 'vlan' else []))
    ip('del', 'probe')
    ip('del', 'probe0')
    return made
