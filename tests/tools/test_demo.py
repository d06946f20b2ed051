"""The demo as a container runs it: listening everywhere, reached from this machine, writing to one folder only."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx
import yaml

from service.settings import ROOT
from tests.support.system import two_free_ports


async def test_the_demo_of_compose_yaml_prints_addresses_that_work_and_is_found_healthy(tmp_path: Path) -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["demo"]
    settings = service["environment"] | {"HENJI_PORT": str(two_free_ports()), "HENJI_DATA_DIR": str(tmp_path / "henji")}
    environ = {**os.environ, **settings, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *service["command"][1:]]
    demo = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, env=environ, stdout=PIPE)
    try:
        port = int(settings["HENJI_PORT"])
        printed = await read_until(demo, "Ctrl-C")
        assert f"http://127.0.0.1:{port}/api/v1/handoffs" in printed
        link = re.findall(rf"http://127\.0\.0\.1:{port}/welcome/\S+", printed)[0]
        async with httpx.AsyncClient() as client:
            assert "店長さん" in (await client.get(link)).text
            assert "text/html" in (await client.get(f"http://127.0.0.1:{port + 1}")).headers["content-type"]
        assert f"http://127.0.0.1:{port + 1}" in printed
        check = await asyncio.create_subprocess_exec(sys.executable, *service["healthcheck"]["test"][2:], env=environ)
        assert await check.wait() == 0
    finally:
        demo.terminate()
        assert await asyncio.wait_for(demo.wait(), 30) == 0
    assert names_in(tmp_path) == ["henji"], "in the container all else is read-only"
    unhealthy = await asyncio.create_subprocess_exec(
        sys.executable, *service["healthcheck"]["test"][2:], env=environ, stderr=PIPE
    )
    assert await unhealthy.wait() != 0


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def read_until(process: asyncio.subprocess.Process, word: str) -> str:
    assert process.stdout is not None
    printed = ""
    async with asyncio.timeout(60):
        while word not in printed:
            line = await process.stdout.readline()
            assert line, f"it ended: {printed}"
            printed += line.decode()
    return printed
