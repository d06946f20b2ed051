"""A model server is near only when its address says so beyond doubt."""

import pytest

from service.core.egress import is_near


@pytest.mark.parametrize(
    "base_url",
    [
        "http://localhost:11434/v1",
        "http://LOCALHOST/v1",
        "http://localhost./v1",
        "http://model.localhost/v1",
        "http://127.0.0.1:8080/v1",
        "http://127.9.9.9/v1",
        "http://[::1]:8080/v1",
        "http://10.0.0.5/v1",
        "http://172.16.0.1/v1",
        "http://172.31.255.254/v1",
        "https://192.168.1.20/v1",
        "http://169.254.10.10/v1",
        "http://[fe80::1]/v1",
        "http://[fe80::1%25eth0]/v1",
        "http://[fd12:3456::1]/v1",
        "http://[::ffff:192.168.1.20]/v1",
        "http://nas.local/v1",
        "http://gpu.shop.internal:8000/v1",
        "http://host.docker.internal:11434/v1",
        "http://nas.lan./v1",
        "http://ollama:11434/v1",
        "http://llm-server_1:8000/v1",
        " http://ollama:11434/v1 ",
        "http://ollama",
        "HTTP://ollama:/?a=b",
    ],
)
def test_this_machine_and_private_networks_are_near(base_url: str) -> None:
    assert is_near(base_url)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.openai.com/v1",
        "http://8.8.8.8/v1",
        "http://172.32.0.1/v1",
        "http://192.169.0.1/v1",
        "http://100.64.0.1/v1",
        "http://0.0.0.0/v1",
        "http://[2001:4860:4860::8888]/v1",
        "http://[::ffff:8.8.8.8]/v1",
        "https://localhost.example.com/v1",
        "https://ollama.example/local",
        "https://mylan.com/v1",
        "https://evillocal.com/v1",
        "https://10.0.0.5.example.com/v1",
    ],
)
def test_the_rest_of_the_world_is_far(base_url: str) -> None:
    assert not is_near(base_url)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://134744072/v1",
        "http://0x08080808/v1",
        "http://me:secret@ollama/v1",
        "http://api.openai.com\\@localhost/v1",
        "http://localhost\\@api.openai.com/v1",
        "http://localhost\n.evil.example/v1",
        "http://localhost@api.openai.com/v1",
        "http://api.openai.com#@localhost/v1",
        "http://api.openai.com?@localhost/v1",
        "http://ai./v1",
        "http://.local/v1",
        "http://local host/v1",
        "http://ｌｏｃａｌｈｏｓｔ/v1",
    ],
)
def test_an_address_in_disguise_is_far(base_url: str) -> None:
    assert not is_near(base_url)


@pytest.mark.parametrize(
    "base_url",
    ["", "localhost", "ollama:11434/v1", "file:///etc/passwd", "http://", "http://[::1", "http://localhost:port/v1"],
)
def test_what_cannot_be_read_is_far(base_url: str) -> None:
    assert not is_near(base_url)
