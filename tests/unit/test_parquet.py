"""Rows per image and per segment as Parquet."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from triggers import Triggers, name_of

import pqeval
from pqeval.errors import PqevalError, UsageError

trigger = Triggers()

TABLE = [{"id": 1, "name": "cat", "isthing": 1}]
CAT = {"id": 1, "category_id": 1}


@pytest.fixture
def saved(tmp_path):
    metric = pqeval.PanopticQuality(TABLE)
    metric.update(gt=(np.array([[1, 1]]), [CAT]), pred=(np.array([[1, 1]]), [CAT | {"score": 0.5}]), image_id=1)
    metric.update(gt=(np.array([[1, 1]]), [CAT]), pred=(np.array([[0, 0]]), []), image_id="two")
    metric.run().save(tmp_path / "run.pqe")
    return tmp_path


def test_both_tables_are_what_the_run_has(saved):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    run = pqeval.Run.load(saved / "run.pqe")
    files = {"per_image": saved / "i.parquet", "per_segment": saved / "s.PARQUET"}
    pqeval.evaluate(pred=saved / "run.pqe", **files)
    read = parquet.read_table(files["per_segment"]).to_pydict()
    assert read == run.segments() | {"image_id": ["1", "1", "two"]}
    assert read["score"] == [None, 0.5, None]
    read = parquet.read_table(files["per_image"]).to_pydict()
    assert read == run.images() | {"image_id": ["1", "two"]}
    first = files["per_image"].read_bytes()
    pqeval.evaluate(pred=saved / "run.pqe", **files)
    assert files["per_image"].read_bytes() == first


def test_numbers_stay_numbers(saved):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    metric = pqeval.PanopticQuality(TABLE)
    metric.update(gt=(np.array([[1, 1]]), [CAT]), pred=(np.array([[1, 1]]), [CAT]), image_id=7)
    metric.run().save(saved / "run.pqe")
    pqeval.evaluate(pred=saved / "run.pqe", per_image=saved / "i.parquet")
    assert parquet.read_table(saved / "i.parquet").to_pydict()["image_id"] == [7]


def said(**options) -> str:
    with pytest.raises(PqevalError) as caught:
        pqeval.evaluate(gt="none.json", pred="none.json", **options)
    assert isinstance(caught.value, UsageError)
    return str(caught.value)


@trigger
def report_that_is_no_table(folder):
    assert said(csv=folder / "x.parquet") == (
        f"{folder}/x.parquet cannot take the report csv\n"
        "  expected: Parquet for --per-image and --per-segment only\n"
        "  do: choose another suffix"
    )


@trigger
def parquet_without_what_writes_it(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pyarrow.parquet", None)
        patch.setitem(sys.modules, "pyarrow", None)
        message = said(per_image=folder / "x.parquet")
    assert message == (
        "pyarrow is not installed\n"
        "  expected: the package that writes Parquet\n"
        "  do: pip install 'pqeval[parquet]', or name a .csv file"
    )


@pytest.mark.parametrize("case", trigger, ids=name_of)
def test_text(case, tmp_path):
    case(tmp_path)
