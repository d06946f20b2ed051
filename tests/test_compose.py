"""What compose.yaml and the Dockerfile promise: no acknowledged write is lost, and nothing runs as root."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
Service = dict[str, Any]


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]


@pytest.fixture(scope="module")
def dockerfile() -> list[str]:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()


def options(command: list[str]) -> dict[str, str]:
    return dict(zip(command[1::2], command[2::2], strict=True))


def test_the_store_keeps_what_it_acknowledged(services: dict[str, Service]) -> None:
    given = options(services["valkey"]["command"])
    assert given["--appendonly"] == "yes"
    assert given["--appendfsync"] == "always"
    assert given["--maxmemory-policy"] == "noeviction"
    assert "valkey:/data" in services["valkey"]["volumes"]


def test_the_service_waits_for_a_store_that_answers(services: dict[str, Service]) -> None:
    assert services["henji"]["depends_on"]["valkey"]["condition"] == "service_healthy"
    assert services["valkey"]["healthcheck"]["test"][-1] == "ping"
    assert services["henji"]["environment"]["REDIS_URL"] == "redis://valkey:6379/0"


def test_the_service_is_confined(services: dict[str, Service]) -> None:
    henji = services["henji"]
    assert henji["user"] == "10001:10001"
    assert henji["read_only"] is True
    assert henji["tmpfs"] == ["/tmp"]
    assert henji["cap_drop"] == ["ALL"]
    assert {"./faq:/app/faq:ro", "./prompts:/app/prompts:ro"} <= set(henji["volumes"])


def test_the_service_is_watched_and_restarted(services: dict[str, Service]) -> None:
    henji = services["henji"]
    check = henji["healthcheck"]["test"]
    assert check[:3] == ["CMD", "python", "-c"]
    assert "/health/live" in check[3]
    compile(check[3], "healthcheck", "exec")
    assert all(service["restart"] == "unless-stopped" for service in services.values())


def test_its_port_is_open_to_this_machine_only(services: dict[str, Service]) -> None:
    """A published port goes past the host's firewall, and the plain HTTP is for the reverse proxy."""
    assert services["henji"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "ports" not in services["valkey"]


def test_settings_may_come_from_a_file_that_need_not_exist(services: dict[str, Service]) -> None:
    assert services["henji"]["env_file"] == [{"path": ".env", "required": False}]


def test_the_image_holds_the_locked_packages_and_runs_as_nobody(dockerfile: list[str]) -> None:
    (install,) = [line for line in dockerfile if "pip install" in line]
    for option in ("--no-deps", "--require-hashes", "--only-binary :all:", "-r requirements.lock"):
        assert option in install
    assert "USER 10001:10001" in dockerfile
    assert dockerfile[-1] == 'CMD ["python", "-m", "service", "serve"]'
    assert any(line.startswith("ENV HENJI_HOST=0.0.0.0") for line in dockerfile)


def test_what_the_image_copies_is_let_through_to_the_builder(dockerfile: list[str]) -> None:
    let_through = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [line.split()[1].rstrip("/") for line in dockerfile if line.startswith("COPY")]
    assert {f"!{name}" for name in copied} <= set(let_through)
    assert all((ROOT / name).exists() for name in copied)
