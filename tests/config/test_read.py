"""``recoup.toml``: what is read, what is refused, and what a person is told."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from recoup.config import Limit, Limits, Secret, load, schema
from recoup.errors import Exit, RecoupError
from recoup.schemas import TABLES

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
school_year = "2025-2026"
[lea]
county_district_code = "1964733"
name = "Cedar Valley Unified"
[[sources]]
name = "sis"
adapter = "bundle"
location = "sftp://recoup@127.0.0.1:22/out"
sftp = { password = { env = "RECOUP_TEST_SECRET" }, private_key = "keys/id" }
[[sources]]
name = "programs"
adapter = "bundle"
location = "data"
files.participation = { match = "AR_*.csv", mode = "append" }
mapping.columns.students = { ssid = "State ID" }
mapping.codes.kind = { "X" = "excused" }
[periods]
P1 = { ends = 2025-12-19, days_taught = 84 }
[attest]
ratio = { by = "Director", on = 2026-01-06, evidence = "binder 3" }
[policy]
K1 = "hour_floor_per_session"
[[exports]]
exporter = "calpads_stas"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "recoup.toml"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_reads_every_part(tmp_path: Path) -> None:
    config = load(write(tmp_path, GOOD))
    sis, programs = config.sources
    assert (config.lea.code, config.workspace, config.out) == ("1964733", tmp_path / ".recoup", tmp_path / "out")
    assert sis.remote
    assert sis.sftp.private_key == tmp_path / "keys" / "id"
    assert programs.location == str(tmp_path / "data")
    assert (programs.files["participation"].match, programs.files["participation"].mode) == ("AR_*.csv", "append")
    assert programs.mapping["columns"]["students"]["ssid"] == "State ID"
    assert (config.periods[0].ends, config.periods[0].days_taught) == (date(2025, 12, 19), 84)
    assert (config.attest[0].check, config.attest[0].on) == ("ratio", date(2026, 1, 6))
    assert config.limits.quarantine == Limit(0.02, 10)
    assert [export.exporter for export in config.exports] == ["calpads_stas"]


def test_every_value_has_its_origin(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    values = {value.key: value for value in load(path).values}
    assert values["sources[2].adapter"].origin == f"{path}:12"
    assert values["sources[1].sftp.password"] == ("sources[1].sftp.password", "(secret)", f"{path}:9, environment RECOUP_TEST_SECRET")
    assert values["limits.shrink"].origin == "default"
    assert values["workspace"].value == '".recoup"'


@pytest.mark.parametrize(
    ("old", "new", "code", "told"),
    [
        ('location = "data"', 'locaton = "data"', "CONFIG_UNKNOWN_KEY", ["recoup.toml:13", "'locaton'", "Did you mean 'location'?"]),
        ("ratio =", "ratios =", "CONFIG_UNKNOWN_KEY", [":20", "Did you mean 'ratio'?"]),
        ("P1 =", "P4 =", "CONFIG_UNKNOWN_KEY", [":18", "P1, P2, ANNUAL"]),
        ('= { env = "RECOUP_TEST_SECRET" }', '= "hunter2"', "CONFIG_SECRET_LITERAL", [":9", "sources[1].sftp.password"]),
        ('{ env = "RECOUP_TEST_SECRET" }', '{ env = "A", file = "b" }', "CONFIG_SECRET_LITERAL", [":9"]),
        ("recoup@127", "recoup:hunter2@127", "CONFIG_SECRET_LITERAL", [":8"]),
        ('"1964733"', '"19647"', "CONFIG_VALUE", [":3", "7-digit"]),
        ('mode = "append"', 'mode = "appnd"', "CONFIG_VALUE", [":14", "Did you mean 'append'?"]),
        ("on = 2026-01-06", 'on = "2026-02-30"', "CONFIG_VALUE", [":20", "no such day"]),
        ('name = "programs"', 'name = "sis"', "CONFIG_SOURCE_TWICE", [":11"]),
        ("2025-2026", "2025-2027", "CONFIG_YEAR", [":1"]),
        ("[[exports]]", '[[exports]]\nexporter = "calpads_stas"\n[[exports]]', "CONFIG_EXPORT_TWICE", [":26"]),
        ('name = "Cedar Valley Unified"', "", "CONFIG_REQUIRED", [":2", "'name'"]),
        ("[lea]", "[lea", "CONFIG_NOT_TOML", ["line 2"]),
    ],
)
def test_refuses_and_says_where_and_how_to_mend(tmp_path: Path, old: str, new: str, code: str, told: list[str]) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(RecoupError) as caught:
        load(path)
    assert (caught.value.code, caught.value.status) == (code, Exit.USAGE)
    for words in told:
        assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(RecoupError, match="CONFIG_MISSING") as caught:
        load(tmp_path / "recoup.toml")
    assert "recoup init" in str(caught.value)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    assert load(write(tmp_path, "\ufeff" + GOOD)).school_year == "2025-2026"


def test_a_secret_shows_its_reference_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOUP_TEST_SECRET", "hunter2")
    (tmp_path / "word").write_text("hunter3\n", encoding="utf-8")
    by_env, by_file = Secret("env", "RECOUP_TEST_SECRET"), Secret("file", str(tmp_path / "word"))
    assert (by_env.reveal(), by_file.reveal()) == ("hunter2", "hunter3")
    assert "hunter" not in f"{by_env} {by_env!r} {by_file} {by_file!r} {load(write(tmp_path, GOOD))!r}"


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecoupError, match="SECRET_MISSING") as caught:
        Secret("file", str(tmp_path / "none")).reveal()
    assert caught.value.status == Exit.USAGE


def test_a_limit_needs_both_share_and_count() -> None:
    limit = Limit(0.02, 10)
    assert not limit.passed(10, 20)
    assert not limit.passed(11, 1000)
    assert limit.passed(21, 1000)


def test_the_defaults_of_the_schema_are_those_of_the_program(tmp_path: Path) -> None:
    """Read the least configuration there is, and compare what it gives with what the published schema promises."""
    least = GOOD.split("[[sources]]", maxsplit=1)[0] + '[[sources]]\nname = "sis"\nadapter = "bundle"\nlocation = "data"\n'
    config = load(write(tmp_path, least))
    rules = schema()["properties"]["sources"]["items"]["properties"]
    source = config.sources[0]
    for name in ("after_fetch", "settle_seconds", "recursive"):
        assert getattr(source, name) == rules[name]["default"]
    assert list(source.partial_suffixes) == rules["partial_suffixes"]["default"]
    for name in ("agent", "retries"):
        assert getattr(source.sftp, name) == rules["sftp"]["properties"][name]["default"]
    assert config.limits == Limits()
    assert config.exports == ()


def test_the_checks_that_may_be_attested_are_those_of_the_ledger() -> None:
    from recoup.ledger import attestable

    assert tuple(schema()["properties"]["attest"]["propertyNames"]["enum"]) == attestable()


COMPOSED = GOOD + '[precedence]\nstudents = ["sis", "programs"]\n[fill]\nstudents = ["gender"]\n'


def test_reads_how_sources_compose(tmp_path: Path) -> None:
    config = load(write(tmp_path, COMPOSED.replace('location = "data"', 'location = "data"\ntables = ["students", "staff"]')))
    assert config.precedence == {"students": ("sis", "programs")}
    assert config.fill == {"students": ("gender",)}
    assert [source.tables for source in config.sources] == [(), ("students", "staff")]


def test_every_table_of_the_model_can_be_named() -> None:
    assert schema()["$defs"]["table"]["enum"] == list(TABLES)


@pytest.mark.parametrize(
    ("old", "new", "code", "told"),
    [
        ('students = ["sis", "programs"]', 'students = ["sis", "programms"]', "CONFIG_SOURCE_UNKNOWN", "programs"),
        ('students = ["sis", "programs"]', 'student = ["sis", "programs"]', "CONFIG_UNKNOWN_KEY", "students"),
        ('students = ["sis", "programs"]', 'students = ["sis", "sis"]', "CONFIG_VALUE", "twice"),
        ('students = ["sis", "programs"]', 'students = ["sis"]', "CONFIG_VALUE", "at least 2"),
        ('location = "data"', 'location = "data"\ntables = ["staff"]', "CONFIG_SOURCE_TABLES", "students"),
        ('location = "data"', 'location = "data"\ntables = ["stuff"]', "CONFIG_VALUE", "staff"),
        ("[fill]\nstudents", "[fill]\nstaff", "CONFIG_FILL", "staff"),
    ],
)
def test_a_composition_that_cannot_be_meant_is_told_with_its_line(old: str, new: str, code: str, told: str, tmp_path: Path) -> None:
    assert old in COMPOSED
    with pytest.raises(RecoupError, match=code) as caught:
        load(write(tmp_path, COMPOSED.replace(old, new)))
    assert caught.value.status == Exit.USAGE
    assert told in str(caught.value)
    assert "recoup.toml:" in str(caught.value)


def test_the_minutes_of_a_charter_may_stand_as_a_table(tmp_path: Path) -> None:
    from recoup import law

    text = GOOD.replace('K1 = "hour_floor_per_session"', 'charter_minimum = { "TK/K-3" = 200, "4-6" = 240, "7-8" = 240, "9-12" = 240 }')
    config = load(write(tmp_path, text))
    assert law.policy(config.policy)["charter_minimum"] == "4-6=240;7-8=240;9-12=240;TK/K-3=200"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (GOOD + "x = " + "[" * 5000 + "]" * 5000, "CONFIG_NOT_TOML"),
        ('workspace = "out/workspace"\n' + GOOD, "OUT_HOLDS_WORKSPACE"),
        ('workspace = "out"\n' + GOOD, "OUT_HOLDS_WORKSPACE"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(RecoupError, match=code) as told:
        load(write(tmp_path, text))
    assert told.value.status == Exit.USAGE
    assert [path.name for path in tmp_path.iterdir()] == ["recoup.toml"]
