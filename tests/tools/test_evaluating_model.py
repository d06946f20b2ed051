"""`./henji evaluate` with a language model: the scripted one of bench/, behind a real HTTP server."""

import asyncio
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from bench.scripted_model import ScriptedModel, labels_of
from service.cli import main
from tests.support.catalogue import CATALOGUE
from tests.support.real import write_faq
from tests.support.waiting import until

ASKED: tuple[dict[str, Any], ...] = (
    {"text": "鞄どうなってますか", "entries": ["price-1"]},
    {"text": "財布の料金と修理", "entries": ["repair-6"]},
    {"text": "傘の値段を教えてほしい", "entries": ["price-3"]},
    {"text": "何円ですか", "entries": []},
    {"text": "駐車場はありますか", "entries": ["parking"]},
)


@pytest.fixture
def faq(tmp_path: Path) -> Path:
    write_faq(tmp_path / "faq", CATALOGUE)
    return tmp_path / "faq"


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(json.dumps(each, ensure_ascii=False) for each in ASKED), "utf-8")
    return file


@contextmanager
def served(model: ScriptedModel) -> Generator[str]:
    """Serve it in a thread of its own: the command has an event loop of its own, too."""
    ports: list[int] = []
    stop = threading.Event()

    async def serve() -> None:
        runner = web.AppRunner(model.application(), shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.append(runner.addresses[0][1])
        await asyncio.to_thread(stop.wait)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield f"http://127.0.0.1:{until(lambda: ports and ports[0], 'the model is served')}/v1"
    finally:
        stop.set()
        thread.join()


def run(base_url: str, *words: str | Path) -> Result:
    environment = {"OPENAI_BASE_URL": base_url, "OPENAI_MODEL": "scripted"}
    result = CliRunner(env=environment).invoke(main, ["evaluate", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def as_json(base_url: str, *words: str | Path) -> Any:
    return json.loads(run(base_url, *words, "--json").stdout)


def test_a_model_that_is_always_right_answers_what_the_ranking_could_not(faq: Path, questions: Path) -> None:
    model = ScriptedModel(labels_of(faq, questions))
    with served(model) as base_url:
        found = as_json(base_url, "--faq", faq, "--questions", questions)
    first = found["questions"][0]
    assert (first["outcome"], first["reason"], first["entry"]) == ("answer", "model", "price-1")
    assert first["candidates"][0]["entry"] != "price-1"
    assert first["probability"] >= found["model"]["threshold"] == 0.5
    assert [each["outcome"] for each in found["questions"]] == ["answer"] * 3 + ["handoff", "answer"]
    assert found["summary"]["right"] == 1.0
    assert found["model"]["asked"] == model.asked
    assert (found["model"]["probes"], found["model"]["failed"]) == (200, 0)
    assert found["model"]["right"] > 0.95
    assert found["model"]["astray"] < 0.05


def test_a_model_that_is_always_wrong_is_found_out_and_answers_nothing(faq: Path, questions: Path) -> None:
    with served(ScriptedModel(labels_of(faq, questions), wrong=1.0)) as base_url:
        found = as_json(base_url, "--faq", faq, "--questions", questions)
    assert found["model"]["threshold"] == 1.0
    assert {each["reason"] for each in found["questions"] if each["outcome"] == "answer"} <= {"sure"}


def test_without_the_model_nothing_is_asked_of_it(faq: Path, questions: Path) -> None:
    model = ScriptedModel(labels_of(faq, questions))
    with served(model) as base_url:
        found = as_json(base_url, "--faq", faq, "--questions", questions, "--no-model")
    assert model.asked == 0
    assert "model" not in found
    assert "model" not in {each["reason"] for each in found["questions"]}


def test_a_model_that_is_away_changes_nothing_but_is_told_of(faq: Path, questions: Path) -> None:
    found = as_json("http://127.0.0.1:9/v1", "--faq", faq, "--questions", questions)
    without = as_json("http://127.0.0.1:9/v1", "--faq", faq, "--questions", questions, "--no-model")
    assert found["questions"] == without["questions"]
    assert found["model"]["threshold"] is None
    assert found["model"]["failed"] == found["model"]["asked"] > 0


def test_in_words_it_says_what_was_asked_and_how_often_the_model_was_right(faq: Path, questions: Path) -> None:
    with served(ScriptedModel(labels_of(faq, questions))) as base_url:
        result = run(base_url, "--faq", faq, "--questions", questions)
    assert "うち試験200回" in result.stdout
    assert "候補に正解があるとき" in result.stdout
    assert "200 probes" in result.stdout
    assert "probing" in result.stderr
