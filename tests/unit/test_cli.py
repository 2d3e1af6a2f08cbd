"""The command as a person meets it: what is printed where, exit codes, files."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import pqeval
from pqeval import cli, selftest
from pqeval.formats import room
from pqeval.reports import table

TABLE = [
    {"id": 1, "name": "cat", "isthing": 1},
    {"id": 2, "name": "dog", "isthing": 1},
    {"id": 7, "name": "sky", "isthing": 0},
]
TRUTH = np.array([[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 3, 0]])
LISTED = [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 2}, {"id": 3, "category_id": 7}]
UNSURE = np.array([[1, 1, 0, 0], [1, 1, 0, 2], [3, 3, 3, 3]])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two images; in the prediction the dogs of both are mostly unknown."""
    pqeval.save_coco_panoptic(tmp_path / "gt.json", [(1, TRUTH, LISTED), (2, TRUTH, LISTED)], TABLE)
    pqeval.save_coco_panoptic(tmp_path / "pred.json", [(1, UNSURE, LISTED), (2, TRUTH, LISTED)], TABLE)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run the command in this process; exit code, standard output, standard error."""
    before = sys.argv
    sys.argv = ["pqeval", *map(str, arguments)]
    try:
        cli.main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        sys.argv = before
    out, err = capsys.readouterr()
    return code, out, err


def test_evaluate_prints_the_table_and_what_stands_under_it(data, capsys):
    code, out, err = run(capsys, "evaluate", "--gt", data / "gt.json", "--pred", data / "pred.json")
    assert (code, err) == (0, "")
    assert out == (
        "|        |    PQ |    SQ |    RQ | N |\n"
        "|--------|-------|-------|-------|---|\n"
        "| All    |  83.3 | 100.0 |  83.3 | 3 |\n"
        "| Things |  75.0 | 100.0 |  75.0 | 2 |\n"
        "| Stuff  | 100.0 | 100.0 | 100.0 | 1 |\n"
        "\n"
        "scores in %; convention coco; 2 images; 3 of 3 classes occur\n"
        "unknown: 16.7 % of predicted pixels, 0 segments; 1 FN lies under unknown "
        "(had that been wrong instead: PQ 80.0)\n"
        "false positives forgiven: 0 by void, 0 by crowd\n"
    )


def test_per_class_prints_a_row_for_each_class_that_occurs(data, capsys):
    code, out, _ = run(capsys, "evaluate", "--gt", data / "gt.json", "--pred", data / "pred.json", "--per-class")
    assert code == 0
    assert "|  1 | cat   | thing | 100.0 | 100.0 | 100.0 |  2 |  0 |  0 |\n" in out
    assert "|  2 | dog   | thing |  50.0 | 100.0 |  50.0 |  1 |  1 |  1 |\n" in out


def test_every_output_is_written(data, capsys, monkeypatch):
    monkeypatch.chdir(data)
    names = {"json": "r.json", "csv": "c.csv", "markdown": "r.md", "per-image": "i.csv", "per-segment": "s.csv"}
    outputs = [part for name, file in names.items() for part in (f"--{name}", file)]
    code, out, _ = run(capsys, "evaluate", "--gt", "gt.json", "--pred", "pred.json", *outputs)
    assert code == 0
    assert "| All " in out
    result = pqeval.Result.from_json("r.json")
    assert result == pqeval.evaluate(gt="gt.json", pred="pred.json")
    assert result.pq == (1 + 0.5 + 1) / 3
    assert Path("c.csv").read_text() == (
        "id,name,isthing,pq,sq,rq,iou_sum,tp,fp,fn\n"
        "1,cat,1,1.0,1.0,1.0,2.0,2,0,0\n"
        "2,dog,1,0.5,1.0,0.5,1.0,1,1,1\n"
        "7,sky,0,1.0,1.0,1.0,2.0,2,0,0\n"
    )
    assert Path("i.csv").read_text() == (
        "image_id,tp,fp,fn,iou_sum,pq,forgiven_by_void,forgiven_by_crowd,pixels,unknown_pixels\n"
        "1,2,1,1,2.0,0.6666666666666666,0,0,12,3\n"
        "2,3,0,0,3.0,1.0,0,0,12,1\n"
    )
    assert Path("s.csv").read_text().splitlines()[:7] == [
        "image_id,side,segment_id,category_id,category,outcome,partner_id,iou,inter,union,area,"
        "void_pixels,crowd_pixels,score",
        "1,gt,1,1,cat,tp,1,1.0,4,4,4,0,0,",
        "1,gt,2,2,dog,fn,,,,,4,3,0,",
        "1,gt,3,7,sky,tp,3,1.0,3,3,3,0,0,",
        "1,pred,1,1,cat,tp,1,1.0,4,4,4,0,0,",
        "1,pred,2,2,dog,fp,,,,,1,0,0,",
        "1,pred,3,7,sky,tp,3,1.0,3,3,4,1,0,",
    ]
    assert (
        Path("r.md")
        .read_text()
        .startswith(
            "|  | PQ | SQ | RQ | N |\n| :-- | --: | --: | --: | --: |\n| All | 83.3 | 100.0 | 83.3 | 3 |\n"
        )
    )
    assert sorted(path.name for path in data.iterdir()) == sorted(
        ["gt", "gt.json", "pred", "pred.json", *names.values()]
    )


def test_a_dash_is_standard_output_and_nothing_else_is_printed_there(data, capsys):
    code, out, _ = run(capsys, "evaluate", "--gt", data / "gt.json", "--pred", data / "pred.json", "--json", "-")
    assert code == 0
    assert json.loads(out)["schema"] == "pqeval.result/1"
    assert json.loads(out)["groups"]["All"]["n"] == 3


def test_own_groups(data, capsys):
    arguments = ("evaluate", "--gt", data / "gt.json", "--pred", data / "pred.json", "--group", "Pets=1,2")
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert "| Pets   |  75.0 | 100.0 |  75.0 | 2 |\n" in out
    code, out, err = run(capsys, *arguments[:-1], "Pets=1,x")
    assert (code, out) == (2, "")
    assert err == (
        "error: --group Pets=1,x\n"
        "  expected: NAME=ID,ID,..., every name once\n"
        "  do: for example --group Vehicles=3,4,6\n"
    )
    for wrong in (("--group", "=1"), ("--group", "Pets=1", "--group", "Pets=2")):
        code, _, err = run(capsys, *arguments[:-2], *wrong)
        assert code == 2
        assert "every name once" in err


def test_warnings_go_to_standard_error_and_quiet_drops_them(data, capsys):
    content = json.loads((data / "gt.json").read_text())
    content["annotations"][1]["segments_info"][0]["area"] = 99
    (data / "gt.json").write_text(json.dumps(content))
    arguments = ("evaluate", "--gt", data / "gt.json", "--pred", data / "pred.json")
    code, out, err = run(capsys, *arguments)
    assert code == 0
    place = data / "gt" / "000000000002.png"
    assert err == (
        f"warning: [gt-area] 1 image, first {place} (image 2): ground-truth segment id 1 states area 99 but has 4 "
        "pixels; pixels are counted; do: correct the area fields of the ground truth\n"
    )
    code, quiet_out, err = run(capsys, *arguments, "--quiet")
    assert (code, quiet_out, err) == (0, out, "")


def test_wrong_usage_is_exit_code_2(data, capsys):
    code, out, err = run(capsys, "evaluate", "--gt", data / "gt.json")
    assert (code, out) == (2, "")
    assert err == (
        "error: no predictions\n"
        "  expected: ground truth and predictions, or a saved run as --pred, which has its ground truth in it\n"
        "  do: name them with --pred (pred=)\n"
    )
    for option, value in (("--convention", "mine"), ("--metric", "ap"), ("--format", "x"), ("--workers", "0")):
        code, _, err = run(
            capsys, "evaluate", "--gt", data / "gt.json", "--pred", data / "pred.json", option, value
        )
        assert code == 2, option
        assert err.startswith("error: ")
        assert "\n  do: " in err


def test_unusable_data_is_exit_code_3_and_nothing_is_written(data, capsys):
    (data / "pred" / "000000000001.png").unlink()
    (data / "pred" / "000000000002.png").write_bytes(b"")
    target = data / "result.json"
    code, out, err = run(
        capsys, "evaluate", "--gt", data / "gt.json", "--pred", data / "pred.json", "--json", target
    )
    assert (code, out) == (3, "")
    assert err == (
        "error: 2 errors:\n"
        f"{data / 'pred' / '000000000001.png'} (image 1): does not exist\n"
        "  expected: a file\n"
        "  do: check the file name\n"
        f"{data / 'pred' / '000000000002.png'} (image 2): the file is empty\n"
        "  expected: a sound PNG\n"
        "  do: write the file again\n"
    )
    assert not target.exists()


def test_a_dataset_without_segments_is_no_pass(tmp_path, capsys):
    pqeval.save_coco_panoptic(tmp_path / "gt.json", [(1, np.zeros((2, 2), int), [])], TABLE)
    code, out, err = run(capsys, "evaluate", "--gt", tmp_path / "gt.json", "--pred", tmp_path / "gt.json")
    assert code == 3
    assert "| All    | n/a | n/a | n/a | 0 |\n" in out
    assert err.startswith(f"error: {tmp_path / 'gt.json'}: there was nothing to average")


def test_validate_lists_everything_at_once(data, capsys):
    code, out, _ = run(capsys, "validate", "--gt", data / "gt.json", "--pred", data / "pred.json")
    assert (code, out) == (0, "2 images checked: 0 errors, 0 warnings\n")
    content = json.loads((data / "pred.json").read_text())
    content["annotations"][0]["segments_info"][0]["category_id"] = 44
    content["annotations"][1]["segments_info"].append({"id": 9, "category_id": 1})
    content["annotations"].append(content["annotations"][0] | {"image_id": 5})
    (data / "pred.json").write_text(json.dumps(content))
    code, out, _ = run(capsys, "validate", "--gt", data / "gt.json", "--pred", data / "pred.json", "--json", "-")
    assert code == 3
    found = json.loads(out)
    assert found["schema"] == "pqeval.validation/1"
    assert [(entry["code"], entry["image_id"], entry["segment_id"]) for entry in found["errors"]] == [
        ("pred-category-unknown", 1, 1),
        ("pred-id-without-pixels", 2, 9),
    ]
    assert [entry["code"] for entry in found["warnings"]] == ["prediction-extra"]
    code, out, _ = run(capsys, "validate", "--gt", data / "gt.json", "--pred", data / "pred.json")
    assert code == 3
    assert out.endswith("2 images checked: 2 errors, 1 warnings\n")
    assert out.count("\n  do: ") == 3


def test_formats(capsys):
    code, out, _ = run(capsys, "formats")
    assert code == 0
    names = room.available()
    width = max(map(len, names)) + 2
    assert out.splitlines()[:-2] == [f"{name:<{width}}{room.get(name).DESCRIPTION}" for name in names]
    assert f"\n{'coco':<{width}}COCO panoptic: " in f"\n{out}"
    code, out, _ = run(capsys, "formats", "coco")
    assert code == 0
    assert "├── 000000000139.png" in out
    assert out.endswith("\nConvention: coco\nCan be written: pqeval convert SOURCE OUTPUT --to coco\n")
    code, out, _ = run(capsys, "formats", "kitti-step")
    assert code == 0
    assert "\nOptions (--gt-option, --pred-option):\n  instance0  what a thing with" in out
    code, _, err = run(capsys, "formats", "cocoa")
    assert code == 2
    assert "no format is called 'cocoa'" in err


def test_selftest(capsys, monkeypatch):
    code, out, _ = run(capsys, "selftest")
    assert code == 0
    assert out.endswith("8 cases, two conventions: all as expected\n")
    planted = selftest.Case("a planted fault", selftest.cases()[0].pred, (2, 0, 1), 1.0)
    monkeypatch.setattr(selftest, "cases", lambda: [planted])
    code, out, _ = run(capsys, "selftest")
    assert code == 1
    assert "failed: a planted fault (coco): TP, FP, FN are (3, 0, 0), PQ is 1.0; expected (2, 0, 1)" in out
    assert out.endswith("1 cases, two conventions: NOT as expected\n")


def test_version_and_help(capsys):
    assert run(capsys, "--version") == (0, f"pqeval, version {pqeval.__version__}\n", "")
    code, out, _ = run(capsys, "--help")
    assert code == 0
    for name in ("demo", "evaluate", "formats", "selftest", "validate"):
        assert f"\n  {name} " in out


def test_python_dash_m(data):
    command = [sys.executable, "-m", "pqeval", "formats"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\ncoco " in f"\n{done.stdout}"


def test_an_interrupt_is_exit_code_130(data, capsys, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pqeval.opening.Opened.count", interrupted)
    target = data / "result.json"
    code, out, err = run(
        capsys, "evaluate", "--gt", data / "gt.json", "--pred", data / "pred.json", "--json", target
    )
    assert (code, out, err) == (130, "", "\ninterrupted; no file was left half-written\n")
    assert not target.exists()


@pytest.mark.skipif(os.name == "nt", reason="signals are sent differently there")
def test_ctrl_c_while_images_are_read(tmp_path):
    many = [(number, TRUTH, LISTED) for number in range(3)]
    pqeval.save_coco_panoptic(tmp_path / "gt.json", many, TABLE)
    script = (
        "import os, signal, sys, threading\n"
        "import pqeval.opening\n"
        "pressed = threading.Event()\n"
        "def interrupt(*_):\n"
        "    pressed.set()\n"
        "    raise KeyboardInterrupt\n"
        "signal.signal(signal.SIGINT, interrupt)\n"  # shells ignore it in what runs behind
        "def count(self, task):\n"
        "    os.write(1, b'reading\\n')\n"  # whole, though several threads write
        "    pressed.wait()\n"  # not for a while: on a busy machine the signal may take longer
        "    return None, []\n"
        "pqeval.opening.Opened.count = count\n"
        "from pqeval.cli import main\n"
        f"sys.argv = ['pqeval', 'evaluate', '--gt', {str(tmp_path / 'gt.json')!r}, "
        f"'--pred', {str(tmp_path / 'gt.json')!r}, '--json', {str(tmp_path / 'result.json')!r}]\n"
        "main()\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert first == "reading\n"
    assert process.returncode == 130
    assert err == "\ninterrupted; no file was left half-written\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gt", "gt.json"]


@pytest.mark.skipif(os.name == "nt", reason="pipes end differently there")
def test_a_reader_that_leaves_early_is_no_error(data):
    command = [sys.executable, "-m", "pqeval", "evaluate", "--gt", data / "gt.json", "--pred", data / "pred.json"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def _read(terminal: int) -> str:
    """What is left on a pseudo-terminal; Linux ends with an error where others end with nothing."""
    try:
        return os.read(terminal, 4096).decode()
    except OSError:
        return ""


def test_progress_is_shown_on_a_terminal_only(data):
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "pqeval", "evaluate", "--gt", data / "gt.json", "--pred", data / "pred.json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=slave, text=True, check=False)
    os.close(slave)
    shown = ""
    while "2/2" not in shown and (part := _read(master)):
        shown += part
    os.close(master)
    assert done.returncode == 0
    assert "2/2" in shown
    assert "2/2" not in done.stdout


def test_who_waits_for_a_compilation_is_told(data, monkeypatch, capfd):
    """On a terminal; the kernels were compiled by other tests, so the event is played."""
    monkeypatch.setattr("pqeval.core.compiled.tell_compiling", lambda tell: tell())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("pqeval.demo.run_demo", lambda *args, **options: None)
    inputs = ("--gt", data / "gt.json", "--pred", data / "pred.json")
    for command in (("evaluate", *inputs), ("validate", *inputs), ("demo", "--output", data / "demo")):
        assert run(capfd, *command)[2].count("compiling; once for this installation") == 1
    assert "compiling" not in run(capfd, "evaluate", *inputs, "--quiet")[2]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert "compiling" not in run(capfd, "evaluate", *inputs)[2]


def test_ids_that_do_not_line_up_are_a_failed_check(data, capsys):
    rows = [row | {"category_id": {1: 2, 2: 7, 7: 1}[row["category_id"]]} for row in LISTED]
    pqeval.save_coco_panoptic(data / "off.json", [(1, TRUTH, rows), (2, TRUTH, rows)], TABLE)
    target = data / "result.json"
    inputs = ("evaluate", "--gt", data / "gt.json", "--pred", data / "off.json")
    code, out, err = run(capsys, *inputs, "--json", target)
    assert code == 1
    assert "| All    | 0.0 | 0.0 | 0.0 | 3 |\n" in out
    assert err.startswith("warning: [categories-misaligned] 6 of 6 ground-truth segments are found with IoU > 0.5")
    assert pqeval.Result.from_json(target).pq == 0.0


def test_a_target_that_cannot_be_written_is_found_before_the_work(data, capsys, monkeypatch):
    monkeypatch.setattr("pqeval.opening.Opened.count", lambda *_: pytest.fail("counted"))
    inputs = ("evaluate", "--gt", data / "gt.json", "--pred", data / "pred.json")
    code, out, err = run(capsys, *inputs, "--csv", data / "none" / "c.csv")
    assert (code, out) == (3, "")
    assert err == (
        f"error: {data / 'none' / 'c.csv'}: cannot write into {data / 'none'}\n"
        "  expected: a file name in an existing folder that may be written\n"
        "  do: create the folder, or choose another place\n"
    )


def test_no_report_takes_the_place_of_an_input_or_of_another_report(data, capsys, monkeypatch):
    monkeypatch.chdir(data)
    inputs = ("evaluate", "--gt", "gt.json", "--pred", "pred.json")
    before = Path("gt.json").read_bytes()
    code, out, err = run(capsys, *inputs, "--json", data / "gt.json")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {data / 'gt.json'} cannot take the report json: it is an input\n")
    assert Path("gt.json").read_bytes() == before
    code, _, err = run(capsys, *inputs, "--json", "r", "--csv", "gt/../r")
    assert code == 2
    assert err.startswith("error: gt/../r cannot take the report csv: it takes the report json\n")
    assert not Path("r").exists()


def test_links_are_written_through_and_pipes_are_written_to(data, capsys, monkeypatch):
    monkeypatch.chdir(data)
    inputs = ("evaluate", "--gt", "gt.json", "--pred", "pred.json")
    Path("real.json").write_text("old")
    Path("link.json").symlink_to("real.json")
    assert run(capsys, *inputs, "--json", "link.json")[0] == 0
    assert Path("link.json").is_symlink()
    assert pqeval.Result.from_json("real.json").pq == (1 + 0.5 + 1) / 3
    if not hasattr(os, "mkfifo"):
        return
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert run(capsys, *inputs, "--csv", "pipe")[0] == 0
    assert os.read(reader, 100).startswith(b"id,name,isthing,pq,")
    os.close(reader)
    assert Path("pipe").is_fifo()


def test_names_are_shown_as_they_are(tmp_path, capsys):
    names = ["[/x] [bold]b[/bold]", "a|b", "two\nlines", ":smile:", "人"]
    categories = [{"id": number, "name": name, "isthing": 1} for number, name in enumerate(names, 1)]
    rows = [{"id": number, "category_id": number} for number in range(1, 6)]
    pqeval.save_coco_panoptic(tmp_path / "gt.json", [(1, np.array([[1, 2, 3, 4, 5]]), rows)], categories)
    inputs = ("evaluate", "--gt", tmp_path / "gt.json", "--pred", tmp_path / "gt.json")
    code, out, _ = run(capsys, *inputs, "--per-class", "--group", "[/a]=1")
    assert code == 0
    shown = [line.split(" | ")[1].strip() for line in out.splitlines()[2:7]]
    assert shown == ["[/x] [bold]b[/bold]", "a\\|b", "two\\nlines", ":smile:", "人"]
    assert "\n| [/a]   | 100.0 |" in out


def test_a_terminal_that_is_too_narrow_folds_names_and_keeps_numbers(data):
    name = "traffic sign back and support pole, thin"
    result = pqeval.panoptic_quality(
        gt=(TRUTH, LISTED), pred=(TRUTH, LISTED), categories=[TABLE[0] | {"name": name}, *TABLE[1:]]
    )
    for width in (30, 60, 80):
        stream = io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                table,
                "console_for",
                lambda _, width=width: Console(force_terminal=True, width=width, color_system=None),
            )
            table.draw(result, stream, per_class=True)
        (line,) = [line for line in stream.getvalue().splitlines() if "traffic" in line]
        assert [cell.strip() for cell in line.split("│")][4:] == ["100.0", "100.0", "100.0", "1", "0", "0", ""]


def test_a_full_disk_is_no_traceback(data):
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    command = [sys.executable, "-m", "pqeval", "evaluate", "--gt", data / "gt.json", "--pred", data / "pred.json"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr == "error: standard output: cannot write: No space left on device\n"


def test_validate_refuses_what_evaluate_refuses(data, capsys):
    inputs = ("validate", "--gt", data / "gt.json", "--pred", data / "pred.json")
    code, _, err = run(capsys, *inputs, "--missing", "bogus")
    assert code == 2
    assert err.startswith("error: no missing policy is called 'bogus'\n")
    code, out, err = run(capsys, *inputs, "--json", data / "none" / "v.json")
    assert (code, out) == (3, "")
    assert err.startswith(f"error: {data / 'none' / 'v.json'}: cannot write into {data / 'none'}\n")
