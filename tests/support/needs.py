"""What a test needs from the machine: a browser, a server binary, a second Python.

On a laptop a test whose need is not met is skipped and says so. In CI (`CI=true`) it fails: there everything is
installed, and a test that is skipped for ever protects nothing.
"""

import os

import pytest


def needs(condition: object, reason: str) -> None:
    """Skip the running test, or fail it in CI, unless `condition` is true. `reason` names what is missing."""
    __tracebackhide__ = True
    if condition:
        return
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(f"needed in CI: {reason}", pytrace=False)
    pytest.skip(reason)
