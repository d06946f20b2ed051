"""The commands as people run them: what they print, where, and the exit code."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec
import pytest
import redis
from click.testing import CliRunner

from service.adapters.embedded import EmbeddedValkey
from service.adapters.faqfolder import FaqFolder
from service.adapters.store import PREFIX
from service.cli import main
from service.core.fitting import calibrate
from service.settings import ROOT
from tests.support.large import by_meaning, write_large
from tests.support.real import write_faq
from tests.support.shop import ENTRIES
from tests.support.system import SECRET, TOKEN, free_port, make_settings, run_web
from tests.support.waiting import until

LINE = {"LINE_CHANNEL_SECRET": SECRET, "LINE_CHANNEL_ACCESS_TOKEN": TOKEN}


class Done(NamedTuple):
    """What a command left."""

    code: int
    stdout: str
    stderr: str


class Shell:
    """Runs commands with settings of their own, in an empty working directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.settings = {"HENJI_DATA_DIR": str(directory / "data"), "HENJI_FAQ_DIR": str(directory / "faq")}

    def environ(self, **settings: str) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), **self.settings, **settings}

    def run(self, *words: str, **settings: str) -> Done:
        """Run a command as a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "service", *words],
            cwd=self.directory,
            env=self.environ(**settings),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def call(self, *words: str, **settings: str) -> Done:
        """Run a short command in this process: the same, without two seconds of imports."""
        result = CliRunner().invoke(main, words, env={**self.settings, **settings})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    write_faq(tmp_path / "faq", ENTRIES)
    return Shell(tmp_path)


# Tokens


async def test_a_token_is_printed_once_and_opens_the_api_until_it_is_revoked(shell: Shell, redis_url: str) -> None:
    added = shell.run("token", "add", "佐藤", REDIS_URL=redis_url)
    assert (added.code, added.stderr) == (0, "")
    token = added.stdout.splitlines()[-1]
    assert re.fullmatch(r"henji_[\w-]{43}", token)
    listed = shell.run("token", "list", REDIS_URL=redis_url)
    assert re.fullmatch(r"[0-9a-f]{12}  \d{4}-\d\d-\d\d \d\d:\d\d  read\+write  佐藤\n", listed.stdout)
    assert token not in listed.stdout
    async with run_web(make_settings(redis_url)) as url, httpx.AsyncClient(base_url=f"{url}/api/v1") as client:
        headers = {"Authorization": f"Bearer {token}"}
        assert (await client.get("/handoffs", headers=headers)).status_code == 200
        revoked = await asyncio.to_thread(shell.run, "token", "revoke", "佐藤", REDIS_URL=redis_url)
        assert (revoked.code, revoked.stdout) == (0, "revoked: 1\n")
        assert (await client.get("/handoffs", headers=headers)).status_code == 401
    assert not shell.run("token", "list", REDIS_URL=redis_url).stdout


def test_one_of_a_name_s_tokens_is_revoked_by_its_id(shell: Shell, redis_url: str) -> None:
    for _ in range(2):
        shell.call("token", "add", "レジ", REDIS_URL=redis_url)
    first, second = shell.call("token", "list", REDIS_URL=redis_url).stdout.splitlines()
    assert shell.call("token", "revoke", first.split()[0], REDIS_URL=redis_url).stdout == "revoked: 1\n"
    assert shell.call("token", "list", REDIS_URL=redis_url).stdout.splitlines() == [second]


def test_revoking_what_is_not_there_is_exit_code_1(shell: Shell, redis_url: str) -> None:
    done = shell.call("token", "revoke", "誰か", REDIS_URL=redis_url)
    assert (done.code, done.stdout, done.stderr) == (1, "", "no token is called 誰か\n")


def test_a_token_is_made_for_reading_only(shell: Shell, redis_url: str) -> None:
    assert shell.call("token", "add", "表示板", "--scope", "read", REDIS_URL=redis_url).code == 0
    assert shell.call("token", "add", "店長", REDIS_URL=redis_url).code == 0
    first, second = shell.call("token", "list", REDIS_URL=redis_url).stdout.splitlines()
    assert re.fullmatch(r"\w{12}  [\d-]{10} [\d:]{5}  read +表示板", first)
    assert re.fullmatch(r"\w{12}  [\d-]{10} [\d:]{5}  read\+write +店長", second)


def test_a_scope_that_does_not_exist_is_refused(shell: Shell, redis_url: str) -> None:
    done = shell.call("token", "add", "店長", "--scope", "admin", REDIS_URL=redis_url)
    assert (done.code, done.stdout) == (2, "")
    assert "there is no admin, only read, write" in done.stderr


@pytest.mark.parametrize("name", ["", "   ", "佐藤\n鈴木", "あ" * 41])
def test_a_token_needs_a_name_that_can_be_listed(shell: Shell, redis_url: str, name: str) -> None:
    done = shell.call("token", "add", name, REDIS_URL=redis_url)
    assert (done.code, done.stdout) == (2, "")
    assert "1 to 40 characters" in done.stderr


def test_tokens_are_kept_by_our_own_valkey_between_commands(shell: Shell) -> None:
    assert shell.run("token", "add", "佐藤").code == 0
    assert "佐藤" in shell.run("token", "list").stdout
    assert not list((shell.directory / "data").glob("v.sock")), "the short command leaves no server behind"


def test_a_redis_that_is_away_is_exit_code_1_in_a_sentence(shell: Shell) -> None:
    done = shell.call("token", "list", REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.startswith("StoreUnavailable: ")


# Asking


def test_ask_says_what_would_be_done_and_why(shell: Shell) -> None:
    done = shell.run("ask", "駐車場はありますか")
    assert (done.code, done.stderr) == (0, "")
    first, second, *_ = done.stdout.splitlines()
    assert first == "回答（確信あり）"
    assert re.fullmatch(r"駐車場はありますか  \[parking\]  parking\.md:\d+", second)
    assert "駐車場はありますかの答えです。" in done.stdout


def test_ask_explains_in_plain_words_what_was_reached_and_what_was_needed(shell: Shell) -> None:
    assert (
        "理由：いちばん近いFAQが正しい確率は 99.9% 以上 で、自動で回答する 98.0% 以上です。"
        in shell.run("ask", "駐車場はありますか").stdout
    )
    near = shell.run("ask", "駐車場のこと").stdout
    assert "に届きません" in near
    assert "言い回しと同じ文にだけ自動で回答します" in near
    assert "AIを使う設定なら" in near
    assert "理由：FAQと共通する言葉がありません。" in shell.run("ask", "xyz").stdout
    assert "理由" not in shell.run("ask", "ありがとう").stdout


def test_ask_prints_one_json_object_for_machines(shell: Shell) -> None:
    done = shell.call("ask", "--json", "駐車場はありますか")
    found = json.loads(done.stdout)
    assert (found["decision"]["type"], found["decision"]["reason"], found["decision"]["entry"]) == (
        "answer",
        "sure",
        "parking",
    )
    assert found["bubbles"] == ["駐車場はありますかの答えです。"]
    assert found["decision"]["candidates"][0]["entry"] == "parking"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("スタッフと話したい", "handoff"),
        ("ありがとうございます", "silent"),
        ("", "handoff"),
        ("　\n", "handoff"),
        ("🌸" * 3000, ""),
    ],
)
def test_ask_decides_about_anything(shell: Shell, text: str, kind: str) -> None:
    done = shell.call("ask", "--json", "--", text)
    assert done.code == 0
    assert json.loads(done.stdout)["decision"]["type"] in ({kind} if kind else {"handoff", "silent", "clarify"})


def test_ask_needs_neither_line_nor_redis(shell: Shell) -> None:
    assert shell.call("ask", "駐車場", REDIS_URL=f"redis://127.0.0.1:{free_port()}").code == 0
    assert not (shell.directory / "data").exists()


def test_ask_takes_what_the_service_has_fitted_for_a_large_folder(shell: Shell, redis_url: str) -> None:
    write_large(Path(shell.settings["HENJI_FAQ_DIR"]))
    settings = {"REDIS_URL": redis_url, "HENJI_TOKENIZER": "none"}
    away = shell.call("ask", by_meaning(3), REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    assert (away.code, "まだ済んでいません" in away.stdout) == (0, True)
    near = shell.call("ask", by_meaning(3), **settings)
    assert "まだ済んでいません" in near.stdout
    assert json.loads(shell.call("ask", "--json", by_meaning(3), **settings).stdout)["decision"]["type"] == "clarify"
    folder = FaqFolder(shell.directory / "faq")
    folder.load()
    fitted = calibrate(list(folder.current.entries.values()))
    with redis.Redis.from_url(redis_url) as client:
        client.set(f"{PREFIX}calibration:{fitted.index}", msgspec.msgpack.encode(fitted))
    assert shell.call("ask", by_meaning(3), **settings).stdout.startswith("回答（確信あり）")


def test_ask_with_a_broken_faq_names_its_problems(shell: Shell) -> None:
    for path in (shell.directory / "faq").glob("*.md"):
        path.write_text("## 答えがない {#a}\n", encoding="utf-8")
    done = shell.call("ask", "駐車場")
    assert (done.code, done.stdout) == (2, "")
    assert "parking.md:1: " in done.stderr


# Checking the FAQ


def test_a_good_folder_has_nothing_to_say(shell: Shell) -> None:
    done = shell.call("faq", "check")
    assert (done.code, done.stdout, done.stderr) == (0, "", "")


def test_the_sample_shop_is_good(shell: Shell) -> None:
    assert shell.call("faq", "check", str(ROOT / "faq")).code == 0


def test_each_problem_is_a_line_with_its_place_and_errors_are_exit_code_1(shell: Shell) -> None:
    (shell.directory / "faq" / "a.md").write_text(
        "# 見出し\n\n## 答えがない {#a}\n> a\n\n## 同じ {#a}\n> b\n\n答え\n", "utf-8"
    )
    (shell.directory / "faq" / "b.md").write_bytes("## 文字化け\n\n答え\n".encode("shift_jis"))
    done = shell.call("faq", "check")
    assert (done.code, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["a.md:3", "a.md:6", "b.md:1"]
    assert all(re.fullmatch(r"\S+: エラー：.*[ぁ-ん].* \(.+\)", line) for line in lines), "in Japanese and in English"


def test_the_shops_own_files_are_checked_with_the_entries(shell: Shell) -> None:
    folder = shell.directory / "faq"
    (folder / "_shop.yaml").write_text("name: すみれ\nhours: {mon: 10:00-25}\nstarters: [parkin]\n", encoding="utf-8")
    (folder / "_messages.md").write_text("## welcom\n\nようこそ\n", encoding="utf-8")
    done = shell.call("faq", "check")
    assert done.code == 1
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [
        "_messages.md:1",
        "_shop.yaml:2",
        "_shop.yaml:3",
    ]
    assert "「parking」のことですか" in done.stdout
    assert "「welcome」のことですか" in done.stdout


def test_warnings_alone_are_exit_code_0(shell: Shell) -> None:
    (shell.directory / "faq" / "a.md").write_text(
        "## 車で行けますか {#car}\n\n> 駐車料金は\n\n答え\n", encoding="utf-8"
    )
    done = shell.call("faq", "check")
    assert done.code == 0
    assert len(done.stdout.splitlines()) == 1


def test_what_is_oddly_typed_is_mended_and_shown(shell: Shell) -> None:
    path = shell.directory / "faq" / "a.md"
    path.write_text("＃＃予約は要りますか\n＞予約\n不要です。\n", encoding="utf-8")
    assert "［--fix で直せます］" in shell.call("faq", "check").stdout
    done = shell.call("faq", "check", "--fix")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "a.md: 直しました (mended)"
    assert re.fullmatch(r"## 予約は要りますか \{#[0-9a-f]{8}\}\n>予約\n\n不要です。\n", path.read_text("utf-8"))
    assert shell.call("faq", "check", "--fix").stdout == ""


def test_what_cannot_be_mended_is_still_told_after_mending(shell: Shell) -> None:
    (shell.directory / "faq" / "a.md").write_text("＃＃予約は要りますか {#need}\n> 予約\n", encoding="utf-8")
    done = shell.call("faq", "check", "--fix")
    assert done.code == 1
    assert done.stdout.splitlines()[-1].startswith("a.md:1: エラー：「予約は要りますか」の答えがありません。")


def test_a_public_address_is_asked_for_when_there_are_images(shell: Shell) -> None:
    (shell.directory / "faq" / "map.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    text = "## 地図はありますか {#map}\n\n> 地図をください\n\n![地図](map.png)\n"
    (shell.directory / "faq" / "a.md").write_text(text, encoding="utf-8")
    assert "HENJI_PUBLIC_URL" in shell.call("faq", "check").stdout
    assert shell.call("faq", "check", HENJI_PUBLIC_URL="https://bot.example.com").stdout == ""
    assert "地図" in shell.call("ask", "地図はありますか").stdout.splitlines()


def test_a_folder_that_is_not_there_is_said_to_be(shell: Shell) -> None:
    done = shell.call("faq", "check", str(shell.directory / "none"))
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr == f"{shell.directory / 'none'}: no such folder\n"


# Starting


@pytest.mark.parametrize("command", ["serve", "work"])
def test_wrong_settings_are_all_named_and_end_the_command(shell: Shell, command: str) -> None:
    done = shell.run(command, HENJI_PORT="eighty", HENJI_HOTS="0.0.0.0", REDIS_URL="localhost")
    assert (done.code, done.stdout) == (2, "")
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        "HENJI_HOTS",
        "LINE_CHANNEL_SECRET",
        "LINE_CHANNEL_ACCESS_TOKEN",
        "REDIS_URL",
        "HENJI_PORT",
    ]


@pytest.mark.parametrize("words", [["serve"], ["serve", "--no-worker"]])
def test_a_port_in_use_ends_the_command_with_a_sentence(shell: Shell, words: list[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = shell.run(*words, **LINE, HENJI_PORT=port)
    assert done.code == 2
    sentence = f"cannot listen on 127.0.0.1:{port} (Address already in use); set HENJI_HOST or HENJI_PORT"
    assert sentence in done.stderr.splitlines()
    assert not list((shell.directory / "data").glob("v.sock"))


def test_an_address_of_another_machine_is_a_sentence_too(shell: Shell) -> None:
    done = shell.run("serve", "--no-worker", **LINE, HENJI_HOST="192.0.2.1")
    assert done.code == 2
    assert "cannot listen on 192.0.2.1:8000" in done.stderr


@pytest.mark.parametrize("command", ["serve", "work"])
def test_a_broken_faq_folder_ends_the_start_with_its_problems(shell: Shell, command: str) -> None:
    for path in (shell.directory / "faq").glob("*.md"):
        path.write_text("## 答えがない {#a}\n", encoding="utf-8")
    done = shell.run(command, **LINE, HENJI_PORT=str(free_port()))
    assert done.code == 2
    assert "parking.md:1: " in done.stderr


def test_a_missing_faq_folder_ends_the_start_with_a_sentence(shell: Shell) -> None:
    done = shell.run("work", **LINE, HENJI_FAQ_DIR=str(shell.directory / "none"))
    assert done.code == 2
    assert f"{shell.directory / 'none'}: no such folder" in done.stderr


def test_a_module_in_the_working_directory_does_not_hide_ours(shell: Shell) -> None:
    """The web and worker processes are started with our modules only."""
    for name in ("redis.py", "uvicorn.py"):
        (shell.directory / name).write_text("raise SystemExit(f'{__name__} hides ours')\n")
    done = shell.run(
        "serve", **LINE, HENJI_PORT=str(free_port()), HENJI_FAQ_DIR=str(shell.directory / "none"), PYTHONSAFEPATH="1"
    )
    assert "hides ours" not in done.stderr
    assert done.code == 2


@pytest.fixture
def worker(shell: Shell) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A worker whose Redis is away, and its log."""
    log = shell.directory / "log"
    url = f"unix://{shell.directory / 'later' / 'v.sock'}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "work"],
            env=shell.environ(**LINE, REDIS_URL=url, LINE_API_BASE="http://127.0.0.1:1"),
            stderr=output,
        )
    yield process, log
    process.kill()
    process.wait()


def test_a_worker_waits_for_a_redis_that_comes_later(
    worker: tuple[subprocess.Popen[bytes], Path], shell: Shell
) -> None:
    process, log = worker
    until(lambda: "redis_away" in log.read_text(encoding="utf-8"), "it noticed", 30)
    server = EmbeddedValkey.start(shell.directory / "later")

    with redis.Redis.from_url(server.url) as client:
        until(lambda: client.hexists("{henji}:shop", "signing_key"), "it has begun", 30)
    process.terminate()
    assert process.wait(timeout=20) == 0
    server.stop()


def test_a_worker_without_redis_ends_when_told(worker: tuple[subprocess.Popen[bytes], Path]) -> None:
    process, log = worker
    until(lambda: "redis_away" in log.read_text(encoding="utf-8"), "it noticed", 30)
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert "Traceback" not in log.read_text(encoding="utf-8")


def test_help_names_every_command(shell: Shell) -> None:
    shown = shell.call("--help").stdout
    for name in ("demo", "serve", "work", "ask", "faq", "staff", "token"):
        assert re.search(rf"^  {name}  ", shown, re.MULTILINE)


def test_an_unknown_command_is_exit_code_2(shell: Shell) -> None:
    assert shell.call("swerve").code == 2
