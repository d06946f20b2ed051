"""The promise on public question sets, fitted from their FAQ folders alone. Skipped where the sets are not there."""

import asyncio
import os
from functools import cache
from pathlib import Path

import pytest

from service.adapters.tokenizing import open_tokenizer
from service.core.judging import Summary
from service.tools.evaluating import evaluate, learn, read_questions
from service.tools.questioning import ask_all

SETS = Path(os.environ.get("HENJI_DATA_SETS") or Path(__file__).parents[2] / "../shared/data")
# Right answers and right or among the choices, of answerable questions: a little under what docs/answering.md reports.
FLOORS = {
    "xsid_ja": (0.70, 0.88),
    "rasa_faq": (0.75, 0.90),
    "hint3_curekart_v2": (0.39, 0.84),
    "clinc150-5": (0.36, 0.80),
}


@cache
def measured(name: str) -> Summary:
    folder = SETS / name
    if not folder.is_dir():
        pytest.skip(f"no public question set at {folder}: set HENJI_DATA_SETS to the folder of sets")
    knowledge = learn(folder / "faq", open_tokenizer(), promise=0.05, share=0.4)
    file = folder / "questions.jsonl"
    judged = asyncio.run(ask_all(read_questions(file), knowledge, None, None, lambda _: None))
    return evaluate(folder / "faq", file, judged, knowledge, None).summary


each_set = pytest.mark.parametrize("name", FLOORS)


@each_set
def test_the_promise_is_kept(name: str) -> None:
    assert measured(name).promise_kept
    assert (measured(name).kept_at_share or 0) > 0.93


@each_set
def test_answers_and_choices_are_worth_it(name: str) -> None:
    right, near = FLOORS[name]
    assert measured(name).right >= right
    assert measured(name).near >= near


@each_set
def test_few_customers_without_an_answer_get_choices(name: str) -> None:
    assert measured(name).distracted <= 0.36


@each_set
def test_probabilities_are_true(name: str) -> None:
    assert measured(name).calibration_error <= 0.07
