"""The description for machines: complete, and true of the running service."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.support.system import System
from tests.support.web import client

# A schema cannot say that a text is too long for five bubbles or a key was used before (422), that there is no such
# record (404), or that its state forbids it (409).
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "404", "409", "422"]

[parameters]
"path.handoff_id" = "{handoff}"
"path.customer" = "{customer}"
"""


async def test_the_api_describes_itself(web: str) -> None:
    async with client(web.removesuffix("/api/v1")) as it:
        answer = await it.get("/api/schema")
    assert answer.status_code == 200
    schema = answer.json()
    assert schema["openapi"].startswith("3.1")
    assert schema["components"]["securitySchemes"] == {"bearer": {"type": "http", "scheme": "bearer"}}
    handoff = ("claim", "reply", "replied-elsewhere", "done", "reopen", "notes", "tags")
    assert set(schema["paths"]) == {
        "/api/v1/handoffs",
        "/api/v1/handoffs/{handoff_id}",
        *(f"/api/v1/handoffs/{{handoff_id}}/{action}" for action in handoff),
        "/api/v1/conversations/{customer}",
        "/api/v1/conversations/{customer}/profile",
        "/api/v1/conversations/{customer}/reply",
        "/api/v1/ask",
        "/api/v1/faq",
        "/api/v1/status",
    }
    for path in schema["paths"].values():
        for operation in path.values():
            assert operation["security"] == [{"bearer": []}]
            assert {"401", "403", "503"} <= set(operation["responses"])


async def test_every_address_that_changes_something_takes_a_key(web: str) -> None:
    async with client(web.removesuffix("/api/v1")) as it:
        schema = (await it.get("/api/schema")).json()
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            takes_key = "Idempotency-Key" in [parameter["name"] for parameter in operation.get("parameters", [])]
            assert takes_key == ("post" in operations and not path.endswith("/ask")), path


async def test_no_page_of_the_api_loads_anything_from_elsewhere(web: str) -> None:
    async with client(web.removesuffix("/api/v1")) as it:
        for path in ("/api/schema", "/api/schema/swagger", "/api/schema/redoc", "/api/schema/openapi.json"):
            assert "cdn" not in (await it.get(path)).text


async def schemathesis(system: System, folder: Path, handoff: str, customer: str) -> str:
    """Let schemathesis send what the description allows and what it forbids. Returns its report of faults."""
    (folder / "schemathesis.toml").write_text(CONFIG.format(handoff=handoff, customer=customer))
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{system.url}/api/schema", "--no-color"]
    command += ["--header", f"Authorization: {system.staff.headers['authorization']}", "--seed", "1"]
    # One worker: Python 3.11 loses count when two threads read source at once, which hypothesis does.
    command += ["--phases", "coverage,fuzzing", "--max-examples", "1", "--workers", "1"]
    environ = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
    running = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await running.communicate()
    return output.decode() if running.returncode else ""


@pytest.mark.timeout(240)
async def test_schemathesis_finds_no_fault(system: System, tmp_path: Path) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, "スタッフと話したい")
    await system.decided(customer, 1)
    (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    report = await schemathesis(system, tmp_path, handoff["id"], customer)
    assert not report, report
