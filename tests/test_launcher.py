"""The launcher `henji`, with a stand-in Python that writes down what it is asked to do and installs nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock")
TOOLS = ("cat", "cksum", "cp", "date", "dirname", "find", "head", "ls", "mkdir", "mv", "readlink", "rm", "sed", "sh")

PYTHON = f"""#!/bin/sh
# -c asks about Python itself: the real one answers. Everything else is written down, one line each.
case "$1 $2" in
    "-c import venv, ensurepip") [ ! -e "$PROJECT/no-ensurepip" ]; exit ;;
    "-c import pip") exit 0 ;;
    -c*) exec "{sys.executable}" "$@" ;;
esac
echo "python $*" >>"$PROJECT/calls"
case "$*" in
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$PROJECT/uv" "$3/bin/uv" ;;
    *requirements-uv.lock) ;;
    "-m pip install"*) [ ! -e "$PROJECT/pip-fails" ] ;;
    *"-m service"*) printf '%s\\n' "$@" ;;
esac
"""
UV = """#!/bin/sh
echo "uv $*" >>"$PROJECT/calls"
[ ! -e "$PROJECT/uv-fails" ]
"""


class Project:
    """A copy of the launcher in a directory of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "bin"
        self.path.mkdir(parents=True)
        for lock in LOCKS:
            (root / lock).write_text("", encoding="utf-8")
        for name, text in {
            "henji": (ROOT / "henji").read_text(encoding="utf-8"),
            "bin/python3": PYTHON,
            "uv": UV,
        }.items():
            (root / name).write_text(text, encoding="utf-8")
            (root / name).chmod(0o755)
        for tool in TOOLS:
            (self.path / tool).symlink_to(shutil.which(tool) or tool)

    def run(self, *words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.root / "henji"), *words],
            check=False,
            capture_output=True,
            text=True,
            cwd=cwd or self.root,
            env={"PATH": str(self.path), "PROJECT": str(self.root), **env},
        )

    def calls(self) -> list[str]:
        """What was asked since the last time."""
        file = self.root / "calls"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [line.replace(str(self.root), "") for line in lines]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "お店 の henji")


def installs(calls: list[str]) -> list[str]:
    return [call.rsplit("/", 1)[1] for call in calls if call.startswith("uv ")]


def test_the_first_run_installs_and_the_next_ones_do_not(project: Project) -> None:
    first = project.run("serve")
    assert first.returncode == 0, first.stderr
    assert installs(project.calls()) == ["requirements.lock"]
    assert project.run("serve").stderr == ""
    assert project.calls() == ["python -P -m service serve"]


def test_words_reach_the_service_as_they_are_and_nothing_else_is_on_stdout(project: Project, tmp_path: Path) -> None:
    result = project.run("ask", "a  b", "", "*", cwd=tmp_path)
    assert result.stdout.splitlines() == ["-P", "-m", "service", "ask", "a  b", "", "*"]


def test_a_link_to_the_launcher_works(project: Project, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project.root / "henji")
    env = {"PATH": str(project.path), "PROJECT": str(project.root)}
    assert subprocess.run([str(tmp_path / "link"), "demo"], check=False, cwd="/", env=env).returncode == 0


@pytest.mark.parametrize("lock", LOCKS)
def test_a_changed_lock_is_installed(project: Project, lock: str) -> None:
    project.run("serve")
    project.calls()
    (project.root / lock).write_text("changed", encoding="utf-8")
    project.run("serve")
    assert installs(project.calls()) == ["requirements.lock"]


def test_the_development_set_serves_every_command_and_stays(project: Project) -> None:
    project.run("serve")
    project.run("test", "-x")
    calls = project.calls()
    assert installs(calls) == ["requirements.lock", "requirements-dev.lock"]
    assert calls[-1] == "python -m pytest -x"
    project.run("serve")
    assert installs(project.calls()) == []
    (project.root / "requirements.lock").write_text("changed", encoding="utf-8")
    project.run("serve")
    assert installs(project.calls()) == ["requirements-dev.lock"]


def test_where_uv_fails_pip_does_it(project: Project) -> None:
    (project.root / "uv-fails").touch()
    result = project.run("serve")
    assert result.returncode == 0
    options = "install --quiet --no-deps --require-hashes --only-binary :all:"
    assert f"python -m pip {options} -r /requirements.lock" in project.calls()


def test_an_install_that_failed_is_done_again_from_nothing(project: Project) -> None:
    for name in ("uv-fails", "pip-fails"):
        (project.root / name).touch()
    failed = project.run("serve")
    assert failed.returncode == 1
    assert "could not be installed" in failed.stderr
    assert not any("-m service" in call for call in project.calls())
    (project.root / "uv-fails").unlink()
    assert project.run("serve").returncode == 0
    assert project.calls()[0].startswith("python -m venv")


def test_two_first_runs_at_once_install_once(project: Project) -> None:
    env = {"PATH": str(project.path), "PROJECT": str(project.root)}
    quiet = subprocess.DEVNULL
    runs = [
        subprocess.Popen([str(project.root / "henji"), "demo"], env=env, stdout=quiet, stderr=quiet) for _ in range(4)
    ]
    assert [run.wait() for run in runs] == [0] * 4
    assert installs(project.calls()) == ["requirements.lock"]


def test_without_python_it_says_what_to_install(project: Project) -> None:
    (project.path / "python3").unlink()
    result = project.run("demo")
    assert result.returncode == 1
    assert "Python 3.11 or newer is needed" in result.stderr


def test_with_half_a_python_it_names_the_missing_package(project: Project) -> None:
    (project.root / "no-ensurepip").touch()
    result = project.run("demo")
    assert result.returncode == 1
    assert "sudo apt install python3-venv" in result.stderr


def test_all_tests_run_several_at_once(project: Project) -> None:
    project.run("test")
    assert project.calls()[-1] == "python -m pytest -n 4"


def test_another_python_can_be_named(project: Project) -> None:
    (project.path / "python3").rename(project.root / "my python")
    assert project.run("demo", HENJI_PYTHON=str(project.root / "my python")).returncode == 0
    assert "HENJI_PYTHON=" in project.run("demo", HENJI_PYTHON="/nowhere/python").stderr


def test_check_runs_everything_and_fails_if_anything_does(project: Project) -> None:
    result = project.run("check")
    assert [line for line in result.stdout.splitlines() if line.startswith("==")][:5] == [
        "== format",
        "== lint",
        "== floors",
        "== types",
        "== tests",
    ]
    assert result.returncode == 0, result.stderr
    python = project.root / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\n[ "$3" != check ]\n', encoding="utf-8")
    broken = project.run("check")
    assert broken.returncode == 1
    assert "== tests" in broken.stdout
    assert "check failed: lint" in broken.stderr


def test_it_is_executable() -> None:
    assert os.access(ROOT / "henji", os.X_OK)
