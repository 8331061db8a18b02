"""A port reserved for a program under test is given to no other program."""

import socket
import sys

import pytest

from tests.harness.stack import free_port


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere two may not bind one port")
def test_free_port_is_reserved_for_its_program() -> None:
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    for _start in range(2):
        with socket.create_server(("127.0.0.1", port)), socket.socket() as second:
            second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="in use"):
                second.bind(("127.0.0.1", port))
