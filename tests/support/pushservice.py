"""A push service as browsers have one: takes what is posted, checks who signed it, and opens it as the browser would.

Written from the standards (RFC 8030, 8188, 8291, 8292) and not with the library that encrypts: so that it can be wrong.
"""

import base64
import secrets
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, NamedTuple

import jwt
import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.core.browsers import Browser


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Posted(NamedTuple):
    """One notification: its headers, who signed it (the claims), and what it says."""

    path: str
    headers: dict[str, str]
    claims: dict[str, Any]
    notice: dict[str, Any]


class Receiver:
    """A browser's own keys: it can open what was encrypted for it."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self.point = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.auth = secrets.token_bytes(16)

    def subscribe(self, endpoint: str, key: str, name: str = "佐藤", epoch: int = 1) -> Browser:
        return Browser(
            name=name,
            epoch=epoch,
            endpoint=endpoint,
            p256dh=b64(self.point),
            auth=b64(self.auth),
            key=key,
            label="Android・Chrome",
            created_at=datetime.now(UTC),
        )

    def open(self, body: bytes) -> bytes:
        """Decrypt an aes128gcm body of one record."""
        salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        assert len(record) <= size
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self._private.exchange(ec.ECDH(), theirs)
        secret = _derive(self.auth, b"WebPush: info\0" + self.point + sender, shared, 32)
        key = _derive(salt, b"Content-Encoding: aes128gcm\0", secret, 16)
        nonce = _derive(salt, b"Content-Encoding: nonce\0", secret, 12)
        text = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
        assert text[-1:] == b"\x02", "the last record"
        return text[:-1]


def _derive(salt: bytes, info: bytes, secret: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


class PushService:
    """Serves at `url`. `status` is what it answers, for each path; `posted` what it took."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.receivers: dict[str, Receiver] = {}
        self.status: dict[str, int] = {}
        self.posted: list[Posted] = []
        self.tries = 0
        self.faults: list[str] = []

    def subscribe(self, key: str, name: str = "佐藤", epoch: int = 1) -> Browser:
        """Register one more browser."""
        path = f"/send/{secrets.token_hex(4)}"
        self.receivers[path] = Receiver()
        return self.receivers[path].subscribe(f"{self.url}{path}", key, name, epoch)

    def titles(self) -> list[str]:
        return [one.notice["title"] for one in self.posted]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        self.tries += 1
        try:
            scheme, _, rest = headers["authorization"].partition(" ")
            given = dict(part.strip().split("=", 1) for part in rest.split(","))
            assert scheme == "vapid"
            signer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(given["k"]))
            claims = jwt.decode(given["t"], signer, algorithms=["ES256"], options={"verify_aud": False})
            assert claims["sub"].startswith("mailto:")
            assert headers["content-encoding"] == "aes128gcm"
            notice = msgspec.json.decode(self.receivers[path].open(body))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the test is to say so
            self.faults.append(repr(error))
            return 400
        status = self.status.get(path, 201)
        if status == 201:
            self.posted.append(Posted(path, headers, claims, notice))
        return status


@contextmanager
def open_push_service(port: int = 0) -> Generator[PushService]:
    """A real server of its own thread."""

    class Handler(BaseHTTPRequestHandler):
        service: ClassVar[PushService]

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(self.service.take(self.path, headers, body))
            self.send_header("Location", "http://127.0.0.1:1/never-followed")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    Handler.service = service = PushService(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert service.faults == []
