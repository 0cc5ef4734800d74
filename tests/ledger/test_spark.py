"""The same ledger on Apache Spark, in local mode: equal tables, types included. `make test-slow` installs what it needs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from polars.testing import assert_frame_equal

from recoup import law
from recoup.errors import RecoupError
from recoup.ledger import compute, engine_named
from tests.ledger.engine import LEA, YEAR, checked
from tests.plain.bundle import read_csv
from tests.plain.case import bundle, cases
from tests.plain.districts import random_district

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from recoup.ledger import Engine
    from tests.plain.bundle import Tables

ROOT = Path(__file__).parents[2]
CASES = dict(cases(ROOT / "tests" / "cases"))
#: Policies under which the ledger goes by other ways: loops over segments, over the n-th day, over the n-th student.
OTHER = {
    "day_remainder": "drop",
    "long_study_bank": "void",
    "ratio_breach": "drop_excess",
    "continuation_weekly": "cap",
    "match_order": "newest_first",
    "excess_same_date": "carry",
}


@pytest.fixture(scope="module")
def spark() -> Iterator[Engine]:
    """Give an engine on a small local session: no page of its own, two tasks, no compilation of plans that run once."""
    pytest.importorskip("pyspark", reason="pyspark is not installed: make test-slow installs it")
    if not shutil.which("java"):
        pytest.skip("Java is not installed, and Spark runs on it")
    from pyspark.sql import SparkSession

    from recoup.ledger.spark import SparkEngine

    small = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.log.level": "ERROR",
    }
    session = SparkSession.builder.master("local[2]").appName("recoup tests").config(map=small).getOrCreate()
    yield SparkEngine(session)
    session.stop()


def assert_equal(tables: Tables, engine: Engine, policy: dict[str, Any] | None = None, as_of: date = YEAR.last) -> None:
    """Compare every result table, in its order and with its types."""
    made = checked(tables)
    told = (made.tables, made.absent, law.load(YEAR.name), law.policy(policy or {}), as_of, LEA)
    here, there = compute(*told), compute(*told, engine=engine)
    assert list(here) == list(there)
    for name, table in here.items():
        assert_frame_equal(there[name], table)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["contract-1", "contract-3"])
def test_a_sample_district_is_the_same_on_spark(name: str, spark: Engine) -> None:
    assert_equal(read_csv(ROOT / "fixtures" / "samples" / name / "data"), spark)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["W07", "W41"])
def test_a_worked_example_is_the_same_on_spark(name: str, spark: Engine) -> None:
    assert_equal(bundle(CASES[name]), spark)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "policy"), [(1, {}), (2, {}), (4, OTHER)])
def test_a_random_district_is_the_same_on_spark(seed: int, policy: dict[str, Any], spark: Engine) -> None:
    drawn = random_district(Random(seed))
    assert_equal(drawn.tables, spark, policy, drawn.as_of)


def test_without_pyspark_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    with pytest.raises(RecoupError) as caught:
        engine_named("spark")
    assert (caught.value.code, int(caught.value.status)) == ("ENGINE_MISSING", 2)
    assert "recoup[spark]" in str(caught.value)
