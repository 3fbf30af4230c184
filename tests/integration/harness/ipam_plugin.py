"""An IPAM driver of a third party: a server of Docker's plugin protocol that counts upwards, and may be told to lie."""
import ipaddress

from harness.network_plugin import NetworkPlugin


class IpamPlugin(NetworkPlugin):
    def __init__(self, name='testipam'):
        self.pools = {}          # id -> [network, addresses in use]
        self.lies = {}           # method -> what it answers instead
        super().__init__(name)

    def answer(self, method, request):
        self.calls.append((method, request))
        name = method.rsplit('.', 1)[-1]
        if name in self.lies:
            return self.lies[name]
        return {'Activate': lambda _: {'Implements': ['IpamDriver']}, 'GetCapabilities': lambda _: {},
                'GetDefaultAddressSpaces': lambda _: {'LocalDefaultAddressSpace': 'here', 'GlobalDefaultAddressSpace': 'there'},
                'RequestPool': self.request_pool, 'ReleasePool': self.release_pool,
                'RequestAddress': self.request_address, 'ReleaseAddress': self.release_address}[name](request)

    def request_pool(self, request):
        pool = request['Pool'] or ('fd00:77::/64' if request['V6'] else f'10.77.{len(self.pools)}.0/24')
        self.pools.setdefault(pool, [ipaddress.ip_network(pool), set()])
        return {'PoolID': pool, 'Pool': pool, 'Data': {}}

    def release_pool(self, request):
        self.pools.pop(request['PoolID'], None)
        return {}

    def request_address(self, request):
        network, used = self.pools[request['PoolID']]
        address = request['Address'] or next(str(one) for one in network.hosts() if str(one) not in used)
        if address in used:
            return {'Error': 'Address already in use'}
        used.add(address)
        return {'Address': f'{address}/{network.prefixlen}', 'Data': {}}

    def release_address(self, request):
        if request['PoolID'] in self.pools:
            self.pools[request['PoolID']][1].discard(request['Address'])
        return {}
