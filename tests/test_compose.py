"""What compose.yaml and the Dockerfile promise: no acknowledged write is lost, nothing runs as root, and it fits.

There is no Docker here: what it would do with them is not tried, only what they say.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from service import cli
from service.settings import Settings, load_settings

ROOT = Path(__file__).parent.parent
Service = dict[str, Any]
OURS = ("henji", "demo")
# The Compose specification's names for what is used here: a misspelled one would only be refused by Docker.
KEYS = {
    *("build", "cap_drop", "command", "depends_on", "env_file", "environment", "healthcheck", "image", "init"),
    *("logging", "ports", "profiles", "read_only", "restart", "security_opt", "stop_grace_period", "tmpfs", "user"),
    "volumes",
}
HEALTHCHECK_KEYS = {"test", "interval", "timeout", "retries", "start_period", "start_interval"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Service]:
    return compose["services"]


@pytest.fixture(scope="module")
def dockerfile() -> list[str]:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()


def options(command: list[str]) -> dict[str, str]:
    return dict(zip(command[1::2], command[2::2], strict=True))


def test_every_key_is_one_that_compose_knows(compose: dict[str, Any], services: dict[str, Service]) -> None:
    assert {key for key in compose if not key.startswith("x-")} == {"name", "services", "volumes"}
    for service in services.values():
        assert set(service) <= KEYS
        assert set(service["healthcheck"]) <= HEALTHCHECK_KEYS


def test_the_store_keeps_what_it_acknowledged(compose: dict[str, Any], services: dict[str, Service]) -> None:
    given = options(services["valkey"]["command"])
    assert given["--appendonly"] == "yes"
    assert given["--appendfsync"] == "always"
    assert given["--aof-load-truncated"] == "yes"
    assert given["--maxmemory-policy"] == "noeviction"
    assert services["valkey"]["volumes"] == ["valkey:/data"]
    assert "valkey" in compose["volumes"]


def test_the_service_waits_for_a_store_that_answers(services: dict[str, Service]) -> None:
    assert services["henji"]["depends_on"] == {"valkey": {"condition": "service_healthy"}}
    assert services["valkey"]["healthcheck"]["test"] == ["CMD", "valkey-cli", "-e", "ping"]
    assert services["henji"]["environment"]["REDIS_URL"] == "redis://valkey:6379/0"


@pytest.mark.parametrize("name", ["henji", "demo", "valkey"])
def test_every_service_is_confined(services: dict[str, Service], name: str) -> None:
    service = services[name]
    assert service["user"] in {"10001:10001", "valkey"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", ["henji", "demo", "valkey"])
def test_no_log_fills_the_disk(services: dict[str, Service], name: str) -> None:
    assert services[name]["logging"] == {"driver": "local", "options": {"max-size": "10m", "max-file": "5"}}


@pytest.mark.parametrize("name", OURS)
def test_what_the_shop_edits_comes_from_outside(services: dict[str, Service], name: str) -> None:
    assert services[name]["volumes"] == ["./faq:/app/faq:ro", "./prompts:/app/prompts:ro"]
    assert (ROOT / "faq").is_dir()
    assert (ROOT / "prompts").is_dir()


@pytest.mark.parametrize("name", OURS)
def test_the_service_is_watched(services: dict[str, Service], name: str) -> None:
    check = services[name]["healthcheck"]["test"]
    assert check[:3] == ["CMD", "python", "-c"]
    assert "/health/live" in check[3]
    compile(check[3], "healthcheck", "exec")
    assert 'environ["HENJI_PORT"]' in check[3]
    assert "HENJI_PORT" in services[name]["environment"]


def test_what_is_to_run_for_ever_is_started_again(services: dict[str, Service]) -> None:
    assert [services[name].get("restart") for name in ("henji", "valkey", "demo")] == ["unless-stopped"] * 2 + [None]


@pytest.mark.parametrize("name", OURS)
def test_its_settings_are_settings_of_ours_and_its_command_is_one_of_ours(
    services: dict[str, Service], name: str
) -> None:
    environment, command = services[name]["environment"], services[name]["command"]
    assert set(environment) <= {field.alias for field in Settings.model_fields.values()}
    assert load_settings(environment, None).port == int(environment["HENJI_PORT"])
    assert command[:3] == ["python", "-m", "service"]
    assert command[3] in cli.main.commands


def test_its_ports_are_open_to_this_machine_only(services: dict[str, Service]) -> None:
    """A published port goes past the host's firewall, and the plain HTTP is for the reverse proxy."""
    assert services["henji"]["ports"] == ["127.0.0.1:8000:8000"]
    assert services["demo"]["ports"] == ["127.0.0.1:8100:8100", "127.0.0.1:8101:8101"]
    assert services["demo"]["environment"]["HENJI_PORT"] == "8100", "the simulator takes the next"
    assert "ports" not in services["valkey"]


def test_the_demo_starts_only_when_it_is_asked_for_and_needs_nothing(services: dict[str, Service]) -> None:
    demo = services["demo"]
    assert demo["profiles"] == ["demo"]
    assert not {"env_file", "depends_on"} & set(demo)
    assert "REDIS_URL" not in demo["environment"]
    data = demo["environment"]["HENJI_DATA_DIR"]
    assert any(data.startswith(f"{mount}/") for mount in demo["tmpfs"]), "the rest of it is read-only"
    assert all("profiles" not in services[name] for name in ("henji", "valkey"))


def test_there_is_time_to_end_in_good_order(services: dict[str, Service]) -> None:
    """The supervisor gives its processes 20 seconds."""
    assert {service["stop_grace_period"] for service in services.values()} == {"30s"}


def test_settings_may_come_from_a_file_that_need_not_exist(services: dict[str, Service]) -> None:
    assert services["henji"]["env_file"] == [{"path": ".env", "required": False}]


def test_the_image_holds_the_locked_packages_and_runs_as_nobody(
    dockerfile: list[str], services: dict[str, Service]
) -> None:
    (install,) = [line for line in dockerfile if "pip install" in line]
    for option in ("--no-deps", "--require-hashes", "--only-binary :all:", "-r requirements.lock"):
        assert option in install
    assert f"USER {services['henji']['user']}" in dockerfile
    assert dockerfile[-1] == 'CMD ["python", "-m", "service", "serve"]'
    assert any(line.startswith("ENV HENJI_HOST=0.0.0.0") for line in dockerfile)


def test_the_image_is_one_that_the_embedded_valkey_runs_on(dockerfile: list[str]) -> None:
    """Its binary needs glibc: not Alpine."""
    assert dockerfile[0] == "FROM python:3.13-slim"


def test_what_the_image_copies_is_let_through_to_the_builder(dockerfile: list[str]) -> None:
    let_through = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [line.split()[1].rstrip("/") for line in dockerfile if line.startswith("COPY")]
    assert {f"!{name}" for name in copied} <= set(let_through)
    assert all((ROOT / name).exists() for name in copied)
