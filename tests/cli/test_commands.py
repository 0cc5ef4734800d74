"""The commands as a person and a scheduler meet them: what is printed where, and the status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import recoup
from recoup import pipeline
from recoup.cli import main
from recoup.cli.app import ORDER
from recoup.cli.document import pages
from recoup.store import Workspace

if TYPE_CHECKING:
    from click.testing import Result

    from tests.conftest import District


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def told(*words: str | Path) -> Any:
    result = call(*words, "--json")
    return json.loads(result.stdout)


def process(*words: str | Path, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own, as a scheduler does."""
    command = [sys.executable, "-m", "recoup", *map(str, words)]
    return subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def run(district: District, *words: str) -> Result:
    return call("run", "--config", district.config, "--as-of", "2026-06-30", *words)


# --- what every command has -------------------------------------------------------------------------


def test_every_command_has_a_place_in_the_list_and_the_common_options() -> None:
    assert set(ORDER) == set(main.commands)
    for name in ORDER:
        text = call(name, "--help").output
        for option in ("--config", "--json", "--quiet", "--verbose", "--version"):
            assert option in text


def test_the_documented_command_line_is_the_real_one() -> None:
    written = Path(recoup.__file__).parent.parent / "docs" / "cli.md"
    assert written.read_text(encoding="utf-8") == pages(), "run: python -m recoup.cli.document > docs/cli.md"


@pytest.mark.parametrize("words", [["--version"], ["run", "--version"]])
def test_version(words: list[str]) -> None:
    assert call(*words).output == f"recoup {recoup.__version__}\n"


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["rnu"], "run"),
        (["exportres"], "exporters"),
        (["run", "--ofline"], "--offline"),
        (["adapters", "bundel"], "bundle"),
        (["exporters", "calpads"], "calpads_stas"),
        (["schema", "table:student"], "students"),
        (["schema", "konfig"], "config"),
        (["init", "--adapter", "aeries"], "aeries_files"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one_and_status_2(words: list[str], near: str) -> None:
    result = call(*words)
    assert result.exit_code == 2
    assert near in result.stderr
    assert result.stdout == ""


def test_completion_is_there() -> None:
    done = process(_RECOUP_COMPLETE="bash_complete", COMP_WORDS="recoup ex", COMP_CWORD="1")
    assert {line.split(",")[1] for line in done.stdout.splitlines()} == {"export", "explain", "exporters"}


# --- the road ---------------------------------------------------------------------------------------


def test_run_prints_a_summary_shorter_than_a_screen(district: District) -> None:
    result = run(district)
    assert result.exit_code == 0
    assert "35 read, 35 kept, 0 refused" in result.stdout
    assert "2 earned by 2 of 2 students, 2 credited" in result.stdout
    assert str(district.out) in result.stdout
    assert len(result.stdout.splitlines()) < 24
    assert result.stderr == ""


def test_run_json_is_whole_and_alone_on_stdout(district: District) -> None:
    result = run(district, "--json")
    document = json.loads(result.stdout)
    assert (document["status"], document["rows"]["read"], document["days"]["credited"]) == (0, 35, 2)
    assert {"ledger.csv", "quarantine.csv"} <= {file["name"] for file in document["files"]}
    assert document["fetched"][0]["source"] == "sis"


def test_verbose_tells_the_steps_on_stderr(district: District) -> None:
    result = run(district, "-v", "--json")
    assert [line.split(" INFO ")[1] for line in result.stderr.splitlines()][-3:] == [
        "reading and checking",
        "computing the ledger",
        "writing calpads_stas",
    ]
    json.loads(result.stdout)


def test_nothing_new_is_said(district: District) -> None:
    run(district)
    assert "nothing new: the same bytes as before" in run(district).stdout


def test_quiet_is_quiet(district: District) -> None:
    result = run(district, "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_options_before_the_command_count_too(district: District) -> None:
    assert call("--config", district.config, "--quiet", "run").exit_code == 0


def test_the_configuration_may_come_from_the_environment(district: District, tmp_path: Path) -> None:
    done = process("fetch", "--json", cwd=tmp_path.parent, RECOUP_CONFIG=str(district.config))
    assert done.returncode == 0, done.stderr
    assert min(json.loads(done.stdout)["sources"][0]["new"]) == "attendance.csv"


def test_a_bad_date_is_wrong_usage(district: District) -> None:
    assert call("run", "--config", district.config, "--as-of", "6/30/2026").exit_code == 2


@pytest.mark.parametrize(
    ("break_it", "status", "words"),
    [
        (lambda d: None, 0, ""),
        (lambda d: d.config.unlink(), 2, "recoup init"),
        (lambda d: d.configure('[lea2]\nname = "x"\n'), 2, "Did you mean 'lea'?"),
        (lambda d: (d.folder / "data").rename(d.folder / "gone"), 3, "no such folder"),
        (lambda d: (d.folder / "data" / "schools.csv").unlink(), 4, "schools"),
        (lambda d: d.edit("attendance", "08-20,excused", "08-20,exkused"), 6, ""),
    ],
    ids=["done", "no configuration", "unknown key", "no source", "no schools", "withheld"],
)
def test_the_exit_statuses_of_the_process(district: District, break_it: Any, status: int, words: str) -> None:
    break_it(district)
    done = process("run", "--config", district.config)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_withheld_export_is_told_on_stderr_though_quiet(district: District) -> None:
    district.edit("attendance", "08-20,excused", "08-20,exkused")
    result = run(district, "--quiet")
    assert (result.exit_code, result.stdout) == (6, "")
    assert result.stderr.startswith("recoup: calpads_stas was withheld")


def test_another_run_holds_the_lock(district: District) -> None:
    with Workspace.open(district.folder / ".recoup", command="run"):
        done = process("run", "--config", district.config)
    assert done.returncode == 5
    assert "Another run is at work" in done.stderr


def test_an_error_is_json_too(district: District) -> None:
    (district.folder / "data" / "schools.csv").unlink()
    document = told("run", "--config", district.config)
    assert document["status"] == 4
    assert document["error"]["mend"]


def test_a_fault_of_the_program_shows_no_trace_and_no_value(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    value = "Ana Arce"

    def broken(*_: object) -> None:
        raise ValueError(value)

    run(district)
    monkeypatch.setattr(pipeline, "run", broken)
    result = run(district)
    assert result.exit_code == 1
    assert "Ana" not in result.output
    assert "Traceback" not in result.output
    log = district.folder / ".recoup" / "faults.log"
    assert str(log) in result.stderr
    assert "Ana Arce" in log.read_text(encoding="utf-8")
    loud = run(district, "-vv")
    assert "test_commands.py" in loud.stderr
    assert "Ana" not in loud.output


# --- the other commands -------------------------------------------------------------------------------


def test_init_writes_a_configuration_that_loads_and_never_overwrites(tmp_path: Path) -> None:
    assert call("init", tmp_path, "--adapter", "bundle", "--location", "sftp://recoup@sftp.example.org/out").exit_code == 0
    path = tmp_path / "recoup.toml"
    written = path.read_text(encoding="utf-8")
    assert 'location = "sftp://recoup@sftp.example.org/out"' in written
    from recoup.config import load

    assert load(path).sources[0].sftp.password is not None
    again = call("init", tmp_path, "--adapter", "bundle")
    assert again.exit_code == 2
    assert path.read_text(encoding="utf-8") == written


@pytest.mark.parametrize("adapter", ["edfi", "oneroster", "synergy"])
@pytest.mark.parametrize(
    ("location", "access"),
    [("https://sis.example.org", "[sources.http]"), ("sftp://recoup@sftp.example.org/out", "[sources.sftp]"), ("data", "")],
)
def test_init_asks_a_system_with_two_ways_in_for_the_access_that_its_location_needs(
    adapter: str, location: str, access: str, tmp_path: Path
) -> None:
    assert call("init", tmp_path, "--adapter", adapter, "--location", location).exit_code == 0
    text = (tmp_path / "recoup.toml").read_text(encoding="utf-8")
    assert [name for name in ("[sources.http]", "[sources.sftp]") if f"\n{name}" in text] == [access] * bool(access)
    from recoup.config import load

    assert load(tmp_path / "recoup.toml").sources[0].location.endswith(location)


@pytest.mark.parametrize(("adapter", "beside"), [("aeries_api", True), ("powerschool_api", True), ("oneroster", False)])
def test_init_says_what_an_interface_does_not_give_and_files_bring(adapter: str, beside: bool, tmp_path: Path) -> None:
    assert call("init", tmp_path, "--adapter", adapter, "--location", "https://sis.example.org").exit_code == 0
    from recoup.config import load

    text = (tmp_path / "recoup.toml").read_text(encoding="utf-8")
    (tmp_path / "recoup.toml").write_text(text.replace("# beside", "beside"), encoding="utf-8")
    assert load(tmp_path / "recoup.toml").sources[0].beside.endswith("data") == beside


@pytest.mark.parametrize("adapter", ["infinite_campus_files", "oneroster", "edfi"])
def test_a_column_that_is_worked_out_is_none_that_a_file_must_have(adapter: str) -> None:
    assert " _" not in call("adapters", adapter).output


def test_init_names_the_options_that_an_adapter_needs(tmp_path: Path) -> None:
    assert call("init", tmp_path, "--adapter", "aeries_files").exit_code == 0
    assert "ar_type_codes = []" in (tmp_path / "recoup.toml").read_text(encoding="utf-8")


def test_doctor_is_content_with_a_good_district(district: District) -> None:
    result = call("doctor", "--config", district.config)
    assert result.exit_code == 0, result.output
    assert f"{district.config}:2" not in result.stdout  # a table has no value of its own
    assert f"{district.config}:3" in result.stdout
    assert "default" in result.stdout
    assert not district.out.exists()


def test_doctor_tells_every_fault_with_its_mend(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RECOUP_TEST_SECRET", raising=False)
    text = (
        district.config.read_text(encoding="utf-8").replace('"1964733"', '"0000000"').replace('location = "data"', 'location = "nowhere"')
    )
    district.config.write_text(text.replace("settle_seconds = 0", 'sftp.password = { env = "RECOUP_TEST_SECRET" }'), encoding="utf-8")
    document = told("doctor", "--config", district.config)
    faults = {check["topic"]: check["fault"] for check in document["checks"] if not check["ok"]}
    assert set(faults) == {"district", "sis: password", "sis: files"}
    assert document["status"] == 2
    assert any(setting["origin"] == "default" for setting in document["settings"])


def test_fetch_then_check(district: District) -> None:
    config = ("--config", district.config)
    district.edit("participation", "S1,9000000002", "S9,9000000002")
    assert told("fetch", *config)["sources"][0]["known"] == 0
    assert told("fetch", *config)["sources"][0]["new"] == []
    result = call("check", *config)
    assert result.exit_code == 0
    assert "35 read, 34 kept, 1 refused" in result.stdout
    assert "1 refused: REF_MISSING 1" in result.stdout
    assert "9000000002" not in result.output


def test_check_ends_with_4_where_a_run_would(district: District) -> None:
    district.configure("[limits]\nquarantine = { share = 0.0, rows = 0 }\n")
    district.edit("participation", "S1,9000000002", "S9,9000000002")
    call("fetch", "--config", district.config)
    result = call("check", "--config", district.config)
    assert result.exit_code == 4
    assert "REF_MISSING" in result.stdout
    assert "GATE_QUARANTINE" in result.stderr


def test_runs_lists_and_shows_what_changed(district: District) -> None:
    assert "Nothing has run" in call("runs", "--config", district.config).stdout
    run(district)
    district.edit("attendance", "9000000002,6010000,2025-08-19,unexcused,true,U,\n", "")
    run(district)
    (district.folder / "data" / "schools.csv").write_text("nonsense\n", encoding="utf-8")
    run(district)
    listed = told("runs", "--config", district.config)
    assert [entry["outcome"] for entry in listed] == ["refused", "done", "done"]
    one = told("runs", listed[1]["run_id"], "--config", district.config)
    assert one["changed"] == {"attendance": -1}
    assert "attendance  -1" in call("runs", listed[1]["run_id"], "--config", district.config).stdout
    assert call("runs", "none", "--config", district.config).exit_code == 2


def test_export_again(district: District) -> None:
    run(district)
    result = call("export", "bundle", "--out", district.folder / "other", "--config", district.config)
    assert result.exit_code == 0, result.output
    assert (district.folder / "other" / "bundle" / "datapackage.json").exists()


def test_adapters_and_exporters_are_listed_with_their_options() -> None:
    assert {"bundle", "aeries_files"} <= {entry["name"] for entry in told("adapters")}
    assert "students.csv" in call("adapters", "bundle").stdout
    assert {"calpads_stas", "program_updater", "bundle"} <= {entry["name"] for entry in told("exporters")}
    assert "identifier" in call("exporters", "program_updater").stdout


@pytest.mark.parametrize("what", ["table:students", "table:ledger", "config", "manifest", "mapping", "story", "comparison"])
def test_schemas_are_json(what: str) -> None:
    assert isinstance(json.loads(call("schema", what).stdout), dict)
