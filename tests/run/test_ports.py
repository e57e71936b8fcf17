import socket

from linlitong.ports import FIRST, LAST, free_ports


def test_the_ports_differ_and_lie_below_those_of_outgoing_connections() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert all(FIRST <= port <= LAST < 32_768 for port in ports)


def test_a_port_that_is_promised_or_taken_is_not_chosen() -> None:
    last_two = frozenset(range(FIRST, LAST - 1))
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        [port] = free_ports(1, avoid=last_two)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        [other] = free_ports(1, avoid=last_two)
    assert {port, other} == {LAST - 1, LAST}
