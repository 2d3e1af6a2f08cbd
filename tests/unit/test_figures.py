"""Figures: the numbers in the axes are the diagnosis', and the files are the same each time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from unittest import mock

import msgspec
import network_scenes
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import pqeval
from pqeval.cli import cli
from pqeval.diagnosis.kinds import TERMS
from pqeval.errors import FileError

matplotlib = pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")

from pqeval import figures  # noqa: E402
from pqeval.figures import classes, confusion, style, thresholds, unknown, waterfall  # noqa: E402

DATA = {"gt": network_scenes.TRUTH, "pred": network_scenes.FOLDER / "panoptic_fcn.json"}


@pytest.fixture(scope="module")
def found():
    return pqeval.diagnose(**DATA)


@pytest.fixture(autouse=True)
def look():
    with style.styled():
        yield


def made(count: int, **options) -> pqeval.Run:
    """A run of many classes, each found as the next one in one image and as itself in another."""
    table = [
        {"id": number, "name": f"a rather long name of class number {number} $x$", "isthing": number % 2}
        for number in range(1, count + 1)
    ]
    metric = pqeval.PanopticQuality(table, **options)
    line = np.arange(1, count + 1)[None]
    for place, shift in enumerate((0, 1)):
        gt = [{"id": number, "category_id": number} for number in range(1, count + 1)]
        pred = [
            {"id": number, "category_id": (number - 1 + shift) % count + 1, "score": number / count}
            for number in range(1, count + 1)
        ]
        metric.update(gt=(line, gt), pred=(line, pred), image_id=place)
    return metric.run()


def every_other_found(*scores) -> pqeval.Run:
    """An image per score, each with a cat; every other one is found, the others are taken for dogs."""
    metric = pqeval.PanopticQuality(
        [{"id": 1, "name": "cat", "isthing": 1}, {"id": 2, "name": "dog", "isthing": 1}]
    )
    for place, score in enumerate(scores):
        row = {"id": 1, "category_id": 1 if place % 2 else 2} | ({} if score is None else {"score": score})
        metric.update(gt=([[1, 1]], [{"id": 1, "category_id": 1}]), pred=([[1, 1]], [row]), image_id=place)
    return metric.run()


def test_the_files_are_written_and_the_same_each_time(found, tmp_path) -> None:
    first = figures.write_figures(found, tmp_path / "a" / "deep")
    second = figures.write_figures(found, tmp_path / "b")
    assert [path.name for path in first] == [f"{name}.png" for name in figures.FIGURES]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
        with Image.open(one) as image:
            assert image.format == "PNG"
            assert 300 <= image.width <= 900
            assert not image.info.keys() & {"Software", "Creation Time"}
            colours = image.convert("RGB").getcolors(maxcolors=2**24)
        assert len(colours) > 10


def test_the_users_settings_neither_matter_nor_change(found, tmp_path) -> None:
    plain = figures.write_figures(found, tmp_path / "plain")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 30}):
        before = dict(matplotlib.rcParams)
        other = figures.write_figures(found, tmp_path / "other")
        assert dict(matplotlib.rcParams) == before
    assert [path.read_bytes() for path in plain] == [path.read_bytes() for path in other]


def test_the_waterfall_falls_by_the_terms(found) -> None:
    axes = waterfall.draw(found).axes[0]
    bars = axes.patches
    loss = found.groups["All"].loss
    heights = [100 * getattr(loss, term) for term in TERMS] + [100 * found.pq]
    assert [bar.get_height() for bar in bars] == pytest.approx(heights)
    assert bars[0].get_y() + bars[0].get_height() == 100
    for one, other in pairwise(bars[:-1]):
        assert other.get_y() + other.get_height() == pytest.approx(one.get_y())
    assert bars[-2].get_y() == pytest.approx(100 * found.pq)
    assert axes.get_title() == f"Where the lost PQ went: {100 * (1 - found.pq):.1f} points"


def test_what_the_convention_takes_is_a_step_too() -> None:
    lidar = pqeval.diagnose(**DATA, convention="conic")
    labels = [text.get_text() for text in waterfall.draw(lidar).axes[0].get_xticklabels()]
    assert labels[-2:] == ["convention", "PQ"]


def test_the_classes_fill_a_hundred_points(found) -> None:
    axes = classes.draw(found).axes[0]
    names = [text.get_text() for text in axes.get_yticklabels()]
    order = sorted(found.per_class, key=lambda row: -row.of_all.total)
    assert names == [row.name for row in order]
    widths = np.array([[bar.get_width() for bar in group] for group in axes.containers])
    assert widths.sum(axis=0) == pytest.approx([100.0] * len(names))
    assert widths[0].tolist() == [100 * row.pq for row in order]
    assert widths[1] == pytest.approx([100 * row.loss.mask for row in order])


def test_the_thresholds_are_drawn(found) -> None:
    lines = {line.get_label(): line for line in thresholds.draw(found).axes[0].lines}
    assert list(lines) == ["PQ All", "PQ Things", "PQ Stuff", "RQ All"]
    assert list(lines["PQ Things"].get_xdata()) == [point.iou for point in found.thresholds]
    assert list(lines["PQ Things"].get_ydata()) == [100 * point.groups["Things"].pq for point in found.thresholds]
    assert list(lines["RQ All"].get_ydata()) == [100 * point.groups["All"].rq for point in found.thresholds]


def test_the_curve_and_its_best_point_are_drawn(found) -> None:
    what = found.unknown.by_score
    curve, _, best = unknown.draw(found).axes[0].lines
    assert list(curve.get_xdata()) == [point.threshold for point in what.points]
    assert list(curve.get_ydata()) == [100 * point.pq for point in what.points]
    # Between two scores a threshold does what the upper one does.
    assert curve.get_drawstyle() == "steps-pre"
    assert (list(best.get_xdata()), list(best.get_ydata())) == ([what.best.threshold], [100 * what.best.pq])


@pytest.mark.parametrize(
    ("scores", "label"),
    [
        ((0.66858, 0.66859), "best: 66.67 below 0.66859, 1 segment unknown"),
        ((0.3, None, 0.4, 0.5), "best: 66.67 below 0.5, 2 segments unknown"),
        ((0.3, None, 0.4), "best: 50.00 with all 2 segments unknown"),
        ((0.3, None), "best: 66.67 with the only segment unknown"),
    ],
)
def test_the_best_point_is_named_as_the_sentence_names_it(scores, label) -> None:
    axes = unknown.draw(pqeval.diagnose(every_other_found(*scores))).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == label


def test_figures_of_an_earlier_diagnosis_do_not_stay(found, tmp_path) -> None:
    figures.write_figures(found, tmp_path)
    (tmp_path / "mine.png").write_text("kept")
    (tmp_path / "unknown.txt").write_text("kept")
    perfect = pqeval.diagnose(gt=DATA["gt"], pred=DATA["gt"])
    figures.write_figures(perfect, tmp_path)
    left = ["classes.png", "mine.png", "thresholds.png", "unknown.txt", "waterfall.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == left
    (tmp_path / "unknown.png").mkdir()  # a folder is none of ours
    figures.write_figures(perfect, tmp_path)
    assert (tmp_path / "unknown.png").is_dir()


def test_an_earlier_figure_that_cannot_be_removed_is_an_error(tmp_path) -> None:
    (tmp_path / "confusion.png").write_text("")
    perfect = pqeval.diagnose(gt=DATA["gt"], pred=DATA["gt"])
    with (
        mock.patch.object(Path, "unlink", side_effect=PermissionError(1, "Operation not permitted")),
        pytest.raises(FileError) as caught,
    ):
        figures.write_figures(perfect, tmp_path)
    assert caught.value.code == "not-writable"
    assert str(caught.value).startswith(f"{tmp_path / 'confusion.png'}: cannot remove: Operation not permitted\n")


def test_the_confusions_are_drawn(found) -> None:
    axes = confusion.draw(found).axes[0]
    names = [text.get_text() for text in axes.get_yticklabels()]
    drawn = {
        (names[row], names[column]): int(count)
        for (row, column), count in np.ndenumerate(axes.images[0].get_array())
        if count
    }
    assert drawn == {(pair.gt_name, pair.pred_name): pair.count + pair.near for pair in found.confusions}


def test_many_classes_are_cut_to_those_that_matter() -> None:
    many = pqeval.diagnose(made(133))
    bars = classes.draw(many).axes[0]
    assert len(bars.get_yticklabels()) == classes.MOST
    assert bars.get_title().endswith("(the 25 of 133 that cost most)")
    assert bars.get_yticklabels()[0].get_text().endswith("…")
    heat = confusion.draw(many).axes[0]
    assert heat.images[0].get_array().shape == (confusion.MOST, confusion.MOST)
    assert heat.get_title() == "Confused classes (the 20 of 133 most confused)"


def test_what_has_nothing_to_show_is_left_out(tmp_path) -> None:
    perfect = pqeval.diagnose(gt=DATA["gt"], pred=DATA["gt"])
    written = figures.write_figures(perfect, tmp_path)
    assert [path.stem for path in written] == ["waterfall", "classes", "thresholds"]
    empty = pqeval.diagnose(pqeval.PanopticQuality([{"id": 1, "name": "cat"}]).run())
    assert figures.write_figures(empty, tmp_path / "none") == []


def test_no_figure_is_left_to_pyplot(found, tmp_path) -> None:
    figures.write_figures(found, tmp_path)
    pyplot = pytest.importorskip("matplotlib.pyplot")
    assert pyplot.get_fignums() == []


def test_names_are_shown_as_they_are() -> None:
    assert style.short("a$b$") == r"a\$b\$"
    assert style.short("x" * 40) == "x" * 21 + "…"
    assert style.short("a\nb") == "a?b"


def test_the_command_writes_them(tmp_path) -> None:
    arguments = ["diagnose", "--gt", str(DATA["gt"]), "--pred", str(DATA["pred"]), "--figures"]
    done = CliRunner().invoke(cli, [*arguments, str(tmp_path / "out")])
    assert done.exit_code == 0
    assert sorted(path.stem for path in (tmp_path / "out").iterdir()) == sorted(figures.FIGURES)
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(cli, [*arguments, str(tmp_path / "file" / "below")])
    assert isinstance(done.exception, FileError)


def test_a_diagnosis_that_was_read_back_draws_the_same(found, tmp_path) -> None:
    again = msgspec.json.decode(found.to_json(), type=type(found))
    one = figures.write_figures(found, tmp_path / "one")
    other = figures.write_figures(again, tmp_path / "other")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]
