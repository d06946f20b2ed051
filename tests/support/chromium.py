"""A real browser, and what is looked for on every page that it shows."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from tests.support.needs import needs

CHROMIUM = shutil.which("chromium")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# Everything that is clicked and smaller than a finger (44 px), texts' own links apart.
_SMALL = """() => [...document.querySelectorAll('button, a, summary, input:not([type=hidden]), select, textarea')]
  .filter((e) => e.checkVisibility() && !e.closest('p') && !e.classList.contains('skip'))
  .filter((e) => e.getBoundingClientRect().height < 44 || e.getBoundingClientRect().width < 44)
  .map((e) => e.outerHTML)"""
_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@asynccontextmanager
async def run_chromium() -> AsyncGenerator[Browser]:
    """Chromium as installed on this machine."""
    needs(CHROMIUM, "chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        await browser.close()


@asynccontextmanager
async def open_page(
    browser: Browser, *, width: int = 390, height: int = 844, dark: bool = False, scripts: bool = True
) -> AsyncGenerator[Page]:
    """A window of a person of their own. At its end nothing may have gone wrong in it unseen."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        locale="ja-JP",
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
    )
    context.set_default_timeout(10_000)
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if "Content Security" in message.text else None)
    yield page
    await context.close()
    assert problems == []


async def faults(page: Page) -> list[str]:
    """What some people could not use on this page: by axe, too small to be hit, wider than the screen."""
    found = cast("dict[str, Any]", (await Axe().run(page, options=_RULES)).response)
    said = [
        f"{rule['id']}: {node['target']} {node.get('failureSummary', '')}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
    small = cast("list[str]", await page.evaluate(_SMALL))
    wide = cast("int", await page.evaluate(_WIDE))
    return [*said, *(f"small: {one}" for one in small), *([f"wider than the screen by {wide} px"] if wide > 0 else [])]
