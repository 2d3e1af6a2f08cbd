"""Draw the figures that the pages show: ``python docs/images/make_figures.py``, from the root of the repository.

They are made of the fixtures, so they change when these do.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pqeval
from pqeval.figures import write_figures

HERE = Path(__file__).parent
SCENES = HERE.parents[1] / "tests" / "data" / "scenes"


def main() -> None:
    found = pqeval.diagnose(gt=SCENES / "truth.json", pred=SCENES / "panoptic_fcn.json")
    with tempfile.TemporaryDirectory() as folder:
        for path in write_figures(found, Path(folder)):
            shutil.copy(path, HERE / f"diagnose-{path.name}")


if __name__ == "__main__":
    main()
