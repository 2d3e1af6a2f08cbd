"""pytest plugin: leaderboard files as tests, and a fixture for assertions of one's own.

Nothing heavy is imported before a test asks for it. ``pytest --pqeval leaderboard.toml`` adds a test for every
expectation of the file; ``-m pqeval`` runs those alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pqeval.gate.asserting import Scored
    from pqeval.gate.leaderboard import Leaderboard
    from pqeval.gate.plans import Plan
    from pqeval.gate.verdicts import Entry

__all__ = ["panoptic_quality"]

BASELINE = "baseline"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--pqeval``."""
    parser.getgroup("pqeval", "panoptic quality").addoption(
        "--pqeval",
        action="append",
        default=[],
        metavar="FILE",
        help="a leaderboard file: add a test for every expectation in it; repeatable",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of the tests that ``--pqeval`` adds."""
    config.addinivalue_line("markers", "pqeval: an expectation of a leaderboard file (--pqeval)")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the tests of leaderboard files behind all others, before any are deselected."""
    for path in _leaderboards(config):
        if path not in _arguments(config):
            items.extend(session.genitems(LeaderboardFile.from_parent(session, path=path)))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> LeaderboardFile | None:
    """Collect a leaderboard file of ``--pqeval`` that is an argument, too: its tests can be run by their ids."""
    path = file_path.resolve()
    wanted = path in _leaderboards(parent.config) and path in _arguments(parent.config)
    return LeaderboardFile.from_parent(parent, path=path) if wanted else None


def _arguments(config: pytest.Config) -> list[Path]:
    """Return the files and folders of the arguments, without what stands behind ``::``."""
    return [(config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args]


def _leaderboards(config: pytest.Config) -> list[Path]:
    """Return the files of ``--pqeval``: as seen from here, or else from the folder of the configuration."""
    here = config.invocation_params.dir
    names = config.getoption("--pqeval")
    return [((here if (here / name).exists() else config.rootpath) / name).resolve() for name in names]


class LeaderboardFile(pytest.File):
    """A leaderboard file."""

    def collect(self) -> Iterator[EntryCollector]:
        """Yield its entries."""
        from pqeval.errors import PqevalError
        from pqeval.gate.leaderboard import read_leaderboard

        try:
            board: Leaderboard = read_leaderboard(self.path)
        except PqevalError as error:
            raise self.CollectError(str(error)) from None
        for plan in board.plans:
            yield EntryCollector.from_parent(self, name=plan.name, plan=plan)


class EntryCollector(pytest.Collector):
    """An entry of a leaderboard file, which is evaluated when the first of its tests runs."""

    def __init__(self, *, plan: Plan, **rest: Any) -> None:
        super().__init__(**rest)
        self.plan = plan
        self.add_marker(pytest.mark.pqeval)
        if self.config.pluginmanager.hasplugin("xdist"):
            # With --dist loadgroup the tests of an entry stay together, and it is evaluated once.
            self.add_marker(pytest.mark.xdist_group(f"pqeval {self.name}"))
        self._entry: Entry | None = None

    def collect(self) -> Iterator[VerdictItem]:
        """Yield a test per expectation, and one for all that is compared with a baseline."""
        from pqeval.gate.baselines import Limits

        for expectation in self.plan.expectations:
            yield VerdictItem.from_parent(self, name=expectation.name)
        if self.plan.limits != Limits():
            yield VerdictItem.from_parent(self, name=BASELINE)

    def entry(self) -> Entry:
        """Return what was found, evaluating once."""
        if self._entry is None:
            from pqeval.gate.plans import attempt

            self._entry = attempt(self.plan)
        return self._entry


class VerdictItem(pytest.Item):
    """An expectation."""

    def runtest(self) -> None:
        """Raise where it does not hold."""
        from pqeval.gate.asserting import require

        assert isinstance(self.parent, EntryCollector)
        require(self.parent.entry(), None if self.name == BASELINE else self.name)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show what was found, and no traceback of pqeval."""
        from pqeval.gate.asserting import Moved

        if isinstance(excinfo.value, Moved):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Say where the test is from."""
        assert self.parent is not None
        return self.path, None, f"{self.parent.name}: {self.name}"


@pytest.fixture
def panoptic_quality() -> Callable[..., Scored]:
    """Evaluate predictions, or take a run or a result, and assert something about it.

    ``panoptic_quality(gt=..., pred=...)`` takes what ``pqeval.evaluate`` takes; ``panoptic_quality(run)`` takes a
    run, a result, or the file of either. What it returns has ``result``, ``run``, ``at_least``, ``equals`` and
    ``no_worse_than``.
    """

    def scored(saved: Any = None, /, **options: Any) -> Scored:
        __tracebackhide__ = True
        from pqeval.gate.asserting import Scored, briefly
        from pqeval.gate.plans import subject_of
        from pqeval.gating import plan_of

        return Scored(briefly(lambda: subject_of(plan_of(result=saved, **options)))())

    return scored
