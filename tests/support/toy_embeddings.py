"""A real HTTP server on 127.0.0.1 that speaks OpenAI's embeddings, for a toy model that knows a few ideas.

A text's vector has a place for each idea that one of its words stands for, and a little of something else, so that no
two texts have the same. What it understands and word-matching cannot: 「くるま」 is a 「駐車」 matter.
"""

import hashlib
import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import numpy as np

IDEAS = (
    ("駐車", "くるま", "車", "パーキング", "マイカー"),
    ("営業", "何時", "開いて", "やってる", "オープン"),
    ("料金", "いくら", "値段", "おいくら"),
    ("キャンセル", "取り消", "やめたい"),
)
LENGTH = 32


def vector_of(text: str) -> list[float]:
    """What the toy model says of a text."""
    noise = np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint8).astype(np.float64)[:LENGTH]
    vector = (noise - 127.5) / 1275
    for place, words in enumerate(IDEAS):
        vector[place] += any(word in text for word in words)
    return vector.tolist()


class ToyEmbeddings:
    """The server. `texts` are all texts so far, request by request; `answers` are given in place of vectors.

    An answer is a status and a body, or None to never answer.
    """

    def __init__(self, *answers: tuple[int, object] | None) -> None:
        self.texts: list[list[str]] = []
        self.models: list[str] = []
        self.answers = list(answers)
        self._end = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body: dict[str, Any]) -> tuple[int, object]:
        """Answer one request; hangs until the end where that was asked for."""
        self.models.append(body["model"])
        self.texts.append(body["input"])
        if not self.answers:
            return 200, as_answer([vector_of(text) for text in body["input"]])
        given = self.answers.pop(0)
        if given is None:
            self._end.wait()
            return 503, {}
        return given


def as_answer(vectors: Sequence[Sequence[float]]) -> dict[str, object]:
    """The body of a server's answer, the last vector first: the order is not promised."""
    data = [{"object": "embedding", "index": place, "embedding": vector} for place, vector in enumerate(vectors)]
    return {"object": "list", "model": "toy", "data": data[::-1]}


def _handler(server: ToyEmbeddings) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, content = server.answer(body)
            written = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, the base class names it so
            """Say nothing."""

    return Handler
