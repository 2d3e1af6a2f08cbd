"""Settings of the property tests, and the order of the tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "pqeval",
    max_examples=100,
    deadline=None,  # the first example of a kernel compiles it
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI", "").lower() in ("1", "true"),
    print_blob=True,
)
settings.register_profile("brief", settings.get_profile("pqeval"), max_examples=25)
settings.load_profile("pqeval")


@pytest.fixture(autouse=True)
def _outside_of_github(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what makes `pqeval check` write annotations: the tests compare what it prints."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that look at what all others left behind at the end."""
    items.sort(key=lambda item: item.get_closest_marker("run_last") is not None)
    if "PYTEST_XDIST_WORKER" in os.environ:
        for item in items:
            if item.get_closest_marker("run_last") is not None:
                item.add_marker(pytest.mark.skip(reason="one of several processes ran only some of the others"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "run_last: looks at what the other tests left behind")
