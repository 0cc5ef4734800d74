"""For every test: on a build machine (RECOUP_NO_SKIP=1) a skip is a failure, since what it needs must be installed there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

NO_SKIP = os.environ.get("RECOUP_NO_SKIP") == "1"

R = TypeVar("R", pytest.TestReport, pytest.CollectReport)


def _forbid_skip(report: R) -> R:
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and RECOUP_NO_SKIP=1 allows no skip: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _forbid_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _forbid_skip((yield))
