"""A check as JUnit XML, which CI systems draw tables of: a suite per entry, a case per expectation.

There is no standard; what stands here is what Jenkins, GitLab and GitHub actions for test reports read. Times are
left out: the same check gives the same bytes.
"""

from __future__ import annotations

import xml.etree.ElementTree as Tree

from pqeval.gate.outputs.wording import clean, explained, sentence, title_of
from pqeval.gate.verdicts import Check, Entry

__all__ = ["junit"]

NAME = "pqeval check"


def junit(check: Check) -> str:
    """Return a check as JUnit XML.

    Parameters
    ----------
    check : Check
        What was found.

    Returns
    -------
    str
        An entry that could not be checked has one case, with an error.
    """
    suites = [_suite(entry) for entry in check.entries]
    totals = {key: sum(int(suite.get(key, 0)) for suite in suites) for key in ("tests", "failures", "errors")}
    root = Tree.Element("testsuites", {"name": clean(check.title) or NAME, **_texts(totals)})
    root.extend(suites)
    Tree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Tree.tostring(root, encoding="unicode")}\n'


def _suite(entry: Entry) -> Tree.Element:
    name = clean(entry.name) or NAME
    failures = sum(not verdict.passed for verdict in entry.verdicts)
    tests, errors = (len(entry.verdicts), 0) if entry.error is None else (1, 1)
    suite = Tree.Element(
        "testsuite", {"name": name, **_texts({"tests": tests, "failures": failures, "errors": errors})}
    )
    if entry.error is not None:
        case = Tree.SubElement(suite, "testcase", {"classname": name, "name": "evaluation"})
        text = clean(entry.error.text)
        error = Tree.SubElement(case, "error", {"type": entry.error.code, "message": text.partition("\n")[0]})
        error.text = text
    for verdict in entry.verdicts:
        case = Tree.SubElement(suite, "testcase", {"classname": name, "name": clean(title_of(verdict))})
        if not verdict.passed:
            said = clean(sentence(verdict))
            failure = Tree.SubElement(case, "failure", {"type": verdict.outcome, "message": said})
            failure.text = "\n".join([said, *explained(entry)])
    return suite


def _texts(numbers: dict[str, int]) -> dict[str, str]:
    return {key: str(number) for key, number in numbers.items()}
