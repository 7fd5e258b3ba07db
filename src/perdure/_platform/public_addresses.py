"""Which addresses anybody may reach."""

import ipaddress

# IPv6 addresses that may carry an IPv4 one, in ways that some machines still follow.
_CARRYING = tuple(map(ipaddress.ip_network, ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")))


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody may reach, also where it carries another one in it."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if (
            any(ip in network for network in _CARRYING)
            or ip.is_site_local
            or ip.sixtofour is not None
            or ip.teredo is not None
        ):
            return False
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast
