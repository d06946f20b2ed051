"""Pictures over real HTTP, as LINE and a customer's phone fetch them."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from service.adapters.faqfiles import named_images
from tests.support.system import free_port, make_settings, run_web

PNG = b"\x89PNG\r\n\x1a\n picture"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / "faq"
    (folder / "img").mkdir(parents=True)
    (folder / "img" / "map.png").write_bytes(PNG)
    (folder / "img" / "other.png").write_bytes(PNG + b"other")
    (folder / "a.md").write_text("## 地図 {#map}\n> - 地図\n\n![地図](img/map.png)\n", encoding="utf-8")
    (tmp_path / "secret.png").write_bytes(PNG)
    return folder


@pytest.fixture
async def web(directory: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a web process that needs no Redis for pictures."""
    settings = make_settings(f"redis://127.0.0.1:{free_port()}", HENJI_FAQ_DIR=str(directory))
    async with run_web(settings) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def test_a_picture_that_an_entry_names_is_given_out(web: httpx.AsyncClient, directory: Path) -> None:
    (image,) = named_images(directory)
    answer = await web.get(f"/img/{image.name}")
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/img/map.png",
        "/img/img/map.png",
        "/img/..%2Fsecret.png",
        "/img/..%2f..%2fetc%2fpasswd",
        "/img/%2e%2e%2fa.md",
        "/img/a.md",
        "/img/",
        "/img/%00",
        "/img/" + "0" * 32 + ".png",
    ],
)
async def test_nothing_else_is(web: httpx.AsyncClient, path: str) -> None:
    answer = await web.get(path)
    assert answer.status_code in {400, 404}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_picture_that_no_entry_names_is_not(web: httpx.AsyncClient, directory: Path) -> None:
    (directory / "a.md").write_text("## 地図 {#map}\n> - 地図\n\n![地図](img/other.png)\n", encoding="utf-8")
    (other,) = named_images(directory)
    (directory / "a.md").write_text("## 地図 {#map}\n> - 地図\n\n![地図](img/map.png)\n", encoding="utf-8")
    assert (await web.get(f"/img/{other.name}")).status_code == 404
