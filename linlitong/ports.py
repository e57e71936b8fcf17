"""Ports to listen on."""

import random
import socket
from contextlib import ExitStack

# Below what Linux (net.ipv4.ip_local_port_range, from 32768) and the other systems (RFC 6335, from 49152) give to outgoing
# connections and to port 0: nothing takes one of these between its choice and its use but who asks for that very number.
FIRST, LAST = 20_000, 32_767


def free_ports(count: int, host: str = "127.0.0.1", *, avoid: frozenset[int] = frozenset()) -> list[int]:
    """``count`` different ports that nobody listens on and that are not among ``avoid``.

    Raises OSError when ``host`` is no address of this machine.
    """
    socket.create_server((host, 0)).close()
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            port = random.randint(FIRST, LAST)  # noqa: S311 - not a secret
            if port in avoid:
                continue
            try:
                held.enter_context(socket.create_server((host, port)))
            except OSError:  # taken
                continue
            found.append(port)
    return found


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on. Raises OSError when ``host`` is no address of this machine."""
    return free_ports(1, host)[0]
