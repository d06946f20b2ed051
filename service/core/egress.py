"""Where customers' words would go: to a machine of the shop's own, or out into the world."""

import ipaddress
import re

_NEAR_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fe80::/10",
        "fc00::/7",
    )
)
# Strict on purpose: no user name, no backslash, nothing that another reader of URLs might take for another host.
_URL = re.compile(r"https?://(?:\[([0-9a-f:.]+(?:%[0-9a-z._-]+)?)\]|([a-z0-9._-]+))(?::[0-9]*)?(?:[/?#].*)?", re.ASCII)
_NEAR_NAME = re.compile(r"([a-z0-9_-]+\.)*(localhost|local|internal|lan)\.?")

# A name without a dot is one of this network (docker compose's `ollama`). It starts with a letter: resolvers read
# `134744072` and `0x08080808` as the address 8.8.8.8.
_SINGLE_LABEL = re.compile(r"[a-z]([a-z0-9_-]*[a-z0-9])?")


def is_near(base_url: str) -> bool:
    """Whether the model server at `base_url` is this machine or stands in a private network.

    Near are loopback, RFC 1918, link-local and unique-local (RFC 4193) addresses, names ending in `.localhost`,
    `.local`, `.internal` or `.lan`, and names without a dot. Everything else is far, also what cannot be read as an
    http or https address: a mistake asks for consent, it never gives it. Nothing is looked up.
    """
    url = _URL.fullmatch(base_url.strip().lower())
    if url is None:
        return False
    host = url[1] or url[2]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _NEAR_NAME.fullmatch(host) is not None or _SINGLE_LABEL.fullmatch(host) is not None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in _NEAR_NETWORKS)
