"""A language model that knows the right answers and errs as often as it is told, to measure what verdicts are worth.

    python -m bench.scripted_model --faq SET/faq --questions SET/questions.jsonl --wrong 10 --distracted 35 --port 8111
    OPENAI_BASE_URL=http://127.0.0.1:8111/v1 OPENAI_MODEL=scripted \
        ./henji evaluate --faq SET/faq --questions SET/questions.jsonl

It speaks chat completions. It knows the questions of the file and the phrasings of the folder. Where a right entry is
among the candidates, `--wrong` percent of its verdicts are wrong: 7 of 10 of these pick another candidate, 3 of 10
none. Where none is (nothing answers it, or it is not shown), it picks a candidate all the same for `--distracted`
percent (as many as `--wrong` where that is not given). A wrong pick is the best other candidate six times of ten, else
any. The same question gets the same verdict in every run of a `--seed`.
"""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from service.adapters.faqfiles import read_sources
from service.core.contents import read_contents
from service.core.masking import mask
from service.core.normalize import normalize
from service.tools.evaluating import read_questions

_ANOTHER = 0.7
_FOLLOWS = 0.6


class ScriptedModel:
    """Verdicts by the right answers: `labels` has the right entries of each text (see `as_heard`), none for no entry.

    `wrong` and `distracted` are shares (0 to 1). `asked` counts the requests.
    """

    def __init__(
        self,
        labels: Mapping[str, Sequence[str]],
        *,
        wrong: float = 0.0,
        distracted: float | None = None,
        seed: str = "0",
    ) -> None:
        self.asked = 0
        self._labels = labels
        self._wrong = wrong
        self._distracted = wrong if distracted is None else distracted
        self._seed = seed

    def verdict(self, text: str, shown: Sequence[str]) -> dict[str, object]:
        """The verdict about a text for the candidates shown, best first."""
        known = self._labels.get(as_heard(text), ())
        right = [entry for entry in shown if entry in known]
        dice = self._dice("verdict", text)
        if not right:
            return self._pick(text, shown) if dice < self._distracted else _said()
        if dice < self._wrong * _ANOTHER:
            return self._pick(text, [entry for entry in shown if entry not in right])
        return _said() if dice < self._wrong else _said(right[0])

    def _pick(self, text: str, among: Sequence[str]) -> dict[str, object]:
        if not among:
            return _said()
        follows = self._dice("follows", text) < _FOLLOWS
        return _said(among[0 if follows else int(self._dice("pick", text) * len(among))])

    def _dice(self, what: str, text: str) -> float:
        """A number from 0 to 1 that the seed, the text and what it is for decide."""
        digest = hashlib.sha256(f"{self._seed} {what} {as_heard(text)}".encode()).hexdigest()
        return int(digest[:12], 16) / 16**12

    def application(self) -> web.Application:
        """The server."""
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post("/v1/chat/completions", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.Response:
        self.asked += 1
        asked: dict[str, Any] = await request.json()
        lines: list[str] = asked["messages"][1]["content"].splitlines()
        objects = [json.loads(line) for line in lines if line.startswith("{")]
        shown = [each["id"] for each in objects if "id" in each]
        said = json.dumps(self.verdict(json.loads(lines[-1]), shown))
        message = {"role": "assistant", "content": said}
        return web.json_response({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})


def _said(*entries: str) -> dict[str, object]:
    return {"verdict": "pick" if entries else "none", "entries": entries}


def as_heard(text: str) -> str:
    """A text in the one spelling that labels are kept under, masked as it is when it arrives."""
    return normalize(mask(text, ()))


def labels_of(faq: Path, questions: Path) -> dict[str, tuple[str, ...]]:
    """The right entries of every phrasing of a folder, and of every question of a file; the file has the last word."""
    labels: dict[str, tuple[str, ...]] = {}
    for entry in read_contents(read_sources(faq)).faq.entries:
        for text in map(as_heard, entry.phrasings):
            labels[text] = (*labels.get(text, ()), entry.id)
    return labels | {as_heard(question.text): question.entries for question in read_questions(questions)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faq", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--wrong", type=float, default=0.0, help="percent")
    parser.add_argument("--distracted", type=float, help="percent; as --wrong where not given")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--port", type=int, default=8111)
    given = parser.parse_args()
    distracted = None if given.distracted is None else given.distracted / 100
    labels = labels_of(given.faq, given.questions)
    model = ScriptedModel(labels, wrong=given.wrong / 100, distracted=distracted, seed=given.seed)
    web.run_app(model.application(), host="127.0.0.1", port=given.port)


if __name__ == "__main__":
    main()
