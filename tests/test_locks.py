"""The locks install the same packages everywhere, whatever index a machine uses."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock")


def pins(name: str) -> dict[str, set[str]]:
    """The requirement lines of a lock by package: one, or several with different markers."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith(" "):
            package = re.split(r"[=\[]", line, maxsplit=1)[0]
            found.setdefault(package, set()).add(line.removesuffix("\\").strip())
    return found


def canonical(requirement: str) -> str:
    """The package's name as locks spell it."""
    name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_no_address(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_is_an_exact_version_with_hashes(lock: str) -> None:
    entries = re.split(r"^(?=\S)", (ROOT / lock).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[0-9]\S*( ; [^\\]+)?( \\)\n", entry), entry
        assert re.search(r"^    --hash=sha256:[0-9a-f]{64}\b", entry, flags=re.MULTILINE), entry


def test_the_development_lock_holds_the_runtime_lock_version_for_version() -> None:
    """The launcher relies on it: once the development set is there, it serves every command."""
    runtime, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {package: dev.get(package) for package in runtime} == runtime


def test_every_dependency_of_the_project_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime = {canonical(requirement) for requirement in project["dependencies"]}
    development = {canonical(requirement) for requirement in project["optional-dependencies"]["dev"]}
    assert runtime <= pins("requirements.lock").keys()
    assert development <= pins("requirements-dev.lock").keys()
