"""The parts as they are really built."""

import pytest

from service import wiring
from service.errors import StartError
from tests.support.system import free_port


def test_of_two_that_want_one_port_the_second_is_told_before_it_serves() -> None:
    port = free_port()
    with wiring.listen("127.0.0.1", port), pytest.raises(StartError, match=f"cannot listen on 127.0.0.1:{port}"):
        wiring.listen("127.0.0.1", port)


def test_an_ipv6_address_may_be_listened_on() -> None:
    with wiring.listen("::1", free_port()) as listener:
        assert listener.getsockname()[0] == "::1"


def test_a_host_name_that_nobody_knows_is_a_clear_error() -> None:
    with pytest.raises(StartError, match="cannot listen on no-such-host"):
        wiring.listen("no-such-host.invalid", 8000)
