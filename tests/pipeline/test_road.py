"""The whole road on a district of two students: what is published, what stops it, and what then still stands."""

from __future__ import annotations

import json
import shutil
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from recoup import pipeline
from recoup.config import load
from recoup.errors import Exit, RecoupError
from recoup.exporters import audit_tables
from recoup.pipeline import Request
from recoup.reports import summary
from recoup.schemas import TABLES, frame_schema
from recoup.store import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.pipeline import Outcome
    from tests.conftest import District

YEAR_END = date(2026, 6, 30)


def run(district: District, as_of: date = YEAR_END, **asked: Any) -> Outcome:
    return pipeline.run(load(district.config), Request(as_of=as_of, **asked))


def refused(district: District, as_of: date = YEAR_END, **asked: Any) -> RecoupError:
    with pytest.raises(RecoupError) as caught:
        run(district, as_of, **asked)
    return caught.value


def everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_run_leaves_what_the_contract_names(district: District) -> None:
    outcome = run(district)
    assert outcome.status == Exit.DONE
    names = {"ledger.csv", "credits.csv", "credit_sessions.csv", "time_entries.csv", "holds.csv", "quarantine.csv", "manifest.json"}
    assert names <= {path.name for path in district.out.iterdir()}
    manifest = json.loads((district.out / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["status"], manifest["as_of"], manifest["withheld"]) == (0, "2026-06-30", [])
    assert [(item["name"], item["rows_read"], item["rows_kept"]) for item in manifest["inputs"] if item["feed"] == "students"] == [
        ("students.csv", 2, 2)
    ]
    assert {item["name"] for item in manifest["outputs"]} == {path.name for path in district.out.iterdir()} - {"manifest.json"}


def test_times_and_booleans_are_spelled_as_in_a_bundle(district: District) -> None:
    run(district)
    entry = district.rows("time_entries.csv")[0]
    assert (entry["date"], entry["start_time"], entry["end_time"]) == ("2025-08-23", "08:00", "12:00")
    assert district.rows("credits.csv")[0]["paid_elsewhere"] in {"", "false"}


def test_a_day_earned_for_the_charter_never_meets_an_absence_of_the_district(district: District) -> None:
    run(district)
    # On Saturday the 23rd Ben had left Alder; the next enrollment is Birch's, so the day is Birch's, though Alder's absence is older.
    credited = [(row["ssid"], row["absence_date"], row["absence_school_code"]) for row in district.rows("credits.csv")]
    assert credited == [("9000000001", "2025-08-20", "6010000"), ("9000000002", "2025-08-26", "0190001")]
    ben = district.rows("ledger.csv")[1]
    assert [row["ssid"] for row in district.rows("ledger.csv")] == ["9000000001", "9000000002"]
    assert (ben["minutes_raw"], ben["days_credited"], ben["eligible_absences"], ben["absences_left"]) == ("240", "1", "2", "1")
    assert {path.name for path in district.out.glob("STAS_*")} == {"STAS_1964733_2025-2026.txt", "STAS_0190001_2025-2026.txt"}


def test_a_day_that_the_charter_applied_is_its_own(district: District) -> None:
    head = "ssid,absence_date,school_code,recovered_on,source,paid_elsewhere,reporting_lea\n"
    row = "9000000002,2025-08-26,0190001,2025-08-23,sis,false,0190001\n"
    (district.folder / "data" / "applied_days.csv").write_text(head + row, encoding="utf-8")
    run(district)
    ben = [(row["absence_date"], row["origin"]) for row in district.rows("credits.csv") if row["ssid"] == "9000000002"]
    assert ben == [("2025-08-26", "applied")]


def test_the_same_inputs_give_the_same_bytes_and_it_is_said(district: District) -> None:
    assert not run(district).unchanged
    before = everything(district.out)
    again = run(district)
    after = everything(district.out)
    assert again.unchanged
    assert [fetched.new for fetched in again.fetched] == [()]
    manifests = [json.loads(files.pop("manifest.json")) for files in (before, after)]
    assert before == after
    for manifest in manifests:
        for key in ("run_id", "started", "ended"):
            del manifest[key]
    assert manifests[0] == manifests[1]


def test_offline_replays_the_archive_when_the_source_is_gone(district: District) -> None:
    run(district)
    before = (district.out / "ledger.csv").read_bytes()
    shutil.rmtree(district.folder / "data")
    assert refused(district).status == Exit.SOURCE
    assert run(district, offline=True).unchanged
    assert (district.out / "ledger.csv").read_bytes() == before


def test_a_dry_run_publishes_nothing_and_leaves_the_source_alone(district: District) -> None:
    district.config.write_text(
        district.config.read_text(encoding="utf-8").replace("settle_seconds = 0", 'settle_seconds = 0\nafter_fetch = "delete"'),
        encoding="utf-8",
    )
    outcome = run(district, dry_run=True)
    assert outcome.out is None
    assert "ledger.csv" in {output.name for output in outcome.outputs}
    assert not district.out.exists()
    assert [path.name for path in district.folder.glob("out*")] == []
    assert (district.folder / "data" / "students.csv").exists()
    run(district)
    assert not (district.folder / "data" / "students.csv").exists()
    assert district.out.exists()


def test_what_lies_after_as_of_is_listed_and_counts_for_nothing(district: District) -> None:
    outcome = run(district, as_of=date(2025, 8, 22))
    assert {(finding.code, finding.rows) for finding in outcome.run.findings if finding.code == "after_as_of"} == {
        ("after_as_of", 1),
        ("after_as_of", 10),
    }
    assert {row["days_earned"] for row in district.rows("ledger.csv")} == {"0"}


def test_periods_of_the_configuration_stand_in_for_the_table(district: District) -> None:
    district.configure("[periods]\nP1 = { ends = 2025-12-19, days_taught = 84 }\n")
    outcome = run(district)
    (period,) = outcome.run.tables["periods"].to_dicts()
    assert (period["period"], period["first_date"], period["last_date"], period["days_taught"]) == (
        "P1",
        date(2025, 7, 1),
        date(2025, 12, 19),
        84,
    )
    assert ("periods", "") not in outcome.run.absent


def test_a_period_outside_the_year_is_refused(district: District) -> None:
    district.configure("[periods]\nP1 = { ends = 2026-12-19 }\n")
    assert refused(district).code == "CONFIG_PERIOD"


def test_a_reading_without_its_input_is_refused_and_nothing_is_published(district: District) -> None:
    district.configure('[policy]\nmatch_order = "manual"\n')
    error = refused(district)
    assert (error.code, int(error.status)) == ("POLICY_INPUT_MISSING", 2)
    assert "dispositions" in str(error)
    assert not district.out.exists()


def test_an_accepted_risk_is_stamped_on_manifest_and_summary(district: District) -> None:
    district.configure('[policy]\nrecover_suspension = "yes"\naccept_risk = true\n')
    outcome = run(district)
    manifest = json.loads((district.out / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["policy"]["recover_suspension"], manifest["policy"]["accept_risk"]) == ("yes", "true")
    (stamp,) = [finding["message"] for finding in manifest["findings"] if finding["code"] == "RISK_ACCEPTED"]
    told = summary.summarize(outcome.run, status=0, out="", files=[], unchanged=False, withheld={})
    assert told["risks"] == [stamp]
    assert stamp in " ".join(summary.as_text(told).split())
    assert stamp in audit_tables.facts(outcome.run)["meaning"].to_list()


def test_a_day_outside_the_year_is_no_as_of(district: District) -> None:
    assert refused(district, as_of=date(2026, 7, 1)).code == "AS_OF_OUTSIDE_YEAR"


def test_too_many_refused_rows_close_the_gate_and_the_last_outputs_stand(district: District) -> None:
    run(district)
    before = everything(district.out)
    district.configure("[limits]\nquarantine = { share = 0.01, rows = 0 }\n")
    district.edit("participation", "S1,9000000002", "S9,9000000002")
    fault = refused(district)
    assert (fault.code, fault.status) == ("GATE_QUARANTINE", Exit.REFUSED)
    assert "REF_MISSING" in fault.what
    assert everything(district.out) == before
    kept = (district.folder / ".recoup" / "quarantine.csv").read_text(encoding="utf-8")
    assert "REF_MISSING" in kept


def test_a_table_that_shrank_closes_the_gate(district: District) -> None:
    run(district)
    district.configure("[limits]\nshrink = { share = 0.1, rows = 0 }\n")
    district.edit("attendance", "9000000002,6010000,2025-08-19,unexcused,true,U,\n", "")
    fault = refused(district)
    assert (fault.code, fault.status) == ("GATE_SHRINK", Exit.REFUSED)
    assert "attendance has 2 rows and had 3" in str(fault)


def test_strict_refuses_what_a_plain_run_lets_pass(district: District) -> None:
    district.edit("participation", "S1,9000000002", "S9,9000000002")
    assert run(district).status == Exit.DONE
    fault = refused(district, strict=True)
    assert (fault.code, fault.status) == ("GATE_STRICT", Exit.REFUSED)


def test_strict_refuses_a_hold_of_a_required_check(district: District) -> None:
    district.edit("participation", "S1,9000000002,240,08:00,12:00,T1", "S1,9000000002,240,08:00,12:00,")
    assert refused(district, strict=True).code == "GATE_STRICT"


def test_a_missing_required_table_is_refused(district: District) -> None:
    (district.folder / "data" / "calendar.csv").unlink()
    assert refused(district).status == Exit.REFUSED
    assert not district.out.exists()


def test_a_withheld_export_is_six_and_the_others_stand(district: District) -> None:
    district.edit("attendance", "2025-08-20,excused", "2025-08-20,exkused")
    outcome = run(district)
    assert outcome.status == Exit.WITHHELD
    assert "calpads_stas" in outcome.withheld
    manifest = json.loads((district.out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["status"] == 6
    assert [item["export"] for item in manifest["withheld"]] == ["calpads_stas"]
    assert not list(district.out.glob("STAS_*"))
    assert (district.out / "ledger.csv").exists()


def test_a_folder_that_is_not_ours_is_never_replaced(district: District) -> None:
    district.out.mkdir()
    (district.out / "thesis.txt").write_text("mine", encoding="utf-8")
    assert refused(district).status == Exit.USAGE
    assert everything(district.out) == {"thesis.txt": b"mine"}


def test_two_runs_never_share_a_workspace(district: District) -> None:
    with Workspace.open(district.folder / ".recoup", command="run"):
        assert refused(district).status == Exit.LOCKED


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[[exports]]\nexporter = "calpads_sta"\n', "PLUGIN_UNKNOWN"),
        ('[[exports]]\nexporter = "bundle"\noptions = { nonsense = 1 }\n', "OPTION_UNKNOWN"),
        ('[policy]\ntime_unt = "x"\n', "POLICY_UNKNOWN_KNOB"),
    ],
)
def test_wrong_names_are_told_before_anything_is_fetched(district: District, text: str, code: str) -> None:
    district.configure(text)
    fault = refused(district)
    assert (fault.code, fault.status) == (code, Exit.USAGE)
    assert not (district.folder / ".recoup").exists()


def test_an_unknown_feed_names_the_nearest(district: District) -> None:
    text = district.config.read_text(encoding="utf-8")
    district.config.write_text(text.replace("settle_seconds = 0", 'files.participaton = { match = "p*.csv" }'), encoding="utf-8")
    assert "Did you mean 'participation'?" in str(refused(district))


def test_a_wrong_option_is_told_before_anything_is_fetched(district: District) -> None:
    text = district.config.read_text(encoding="utf-8")
    district.config.write_text(text.replace("settle_seconds = 0", "options = { date_form = [] }"), encoding="utf-8")
    assert refused(district).code == "OPTION_UNKNOWN"
    assert not (district.folder / ".recoup").exists()


def test_julys_first_run_is_not_held_against_last_june(district: District) -> None:
    run(district)
    for table in ("attendance", "sessions", "participation", "session_staff"):
        path = district.folder / "data" / f"{table}.csv"
        path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    for table in ("calendar", "enrollments"):
        district.edit(table, "2025-08-", "2026-08-")
    text = district.config.read_text(encoding="utf-8").replace("2025-2026", "2026-2027")
    district.config.write_text(text + "[limits]\nshrink = { share = 0, rows = 0 }\n", encoding="utf-8")
    outcome = run(district, date(2026, 7, 1))
    assert outcome.status == Exit.DONE
    with Workspace.look(district.folder / ".recoup") as workspace:
        assert [record.school_year for record in workspace.runs()] == ["2026-2027", "2025-2026"]


def test_a_file_that_no_feed_asks_for_is_told_and_left(district: District) -> None:
    (district.folder / "data" / "notes.csv").write_text("a\n1\n", encoding="utf-8")
    found = [finding.message for finding in run(district).run.findings if finding.code == "unmatched"]
    assert found == ["sis: files that no feed asks for were left: notes.csv"]


def test_a_file_that_came_and_comes_no_more_is_told(district: District) -> None:
    run(district)
    (district.folder / "data" / "attendance.csv").unlink()
    outcome = run(district)
    told = [finding.message for finding in outcome.run.findings if finding.code == "not_offered"]
    assert [message.split(",")[0] for message in told] == ["sis: there is no whole file of attendance any more"]
    text = summary.as_text(summarize(outcome))
    assert "Fetch     sis: there is no whole file of attendance any more" in text


def summarize(outcome: Outcome) -> dict[str, Any]:
    return summary.summarize(outcome.run, status=0, out="", files=[], unchanged=False, withheld={})


def test_a_row_held_for_two_reasons_counts_its_minutes_once(district: District) -> None:
    district.edit("participation", "S1,9000000001,240,08:00,12:00,T1", "S1,9000000001,240,08:00,12:00,")
    district.edit("staff", "T1,Tess Tran,true", "T1,Tess Tran,false")
    told = summarize(run(district))
    assert sum(one["minutes"] or 0 for one in told["holds"] if one["severity"] == "hold") > 480
    assert told["minutes_held"] == 480
    assert (told["days"]["students"], told["days"]["students_earning"]) == (2, 0)


def test_exports_are_written_again_from_the_last_good_run(district: District) -> None:
    config = load(district.config)
    with pytest.raises(RecoupError, match="NO_GOOD_RUN"):
        pipeline.export_again(config, [], Request())
    run(district)
    before = everything(district.out)
    shutil.rmtree(district.folder / "data")
    assert pipeline.export_again(config, [], Request()).unchanged
    elsewhere = district.folder / "elsewhere"
    pipeline.export_again(config, ["program_updater"], Request(out=elsewhere))
    assert not list(elsewhere.glob("STAS_*"))
    assert list(elsewhere.glob("updater_*"))
    assert {name: body for name, body in everything(district.out).items() if name != "manifest.json"} == {
        name: body for name, body in before.items() if name != "manifest.json"
    }


def test_check_says_what_a_run_would_refuse_and_writes_only_in_the_workspace(district: District) -> None:
    config = load(district.config)
    with pytest.raises(RecoupError, match="ARCHIVE_EMPTY"):
        pipeline.check_only(config, Request())
    district.edit("participation", "S1,9000000002", "S9,9000000002")
    pipeline.fetch_only(config, Request())
    found = pipeline.check_only(config, Request(as_of=YEAR_END))
    assert (found.desk.rows_read - found.desk.rows_refused, found.desk.rows_refused) == (34, 1)
    assert found.closed is None
    assert {path.name for path in district.folder.iterdir()} == {"data", "recoup.toml", ".recoup"}


def test_a_run_that_an_earlier_version_saved_has_the_tables_of_this_one(district: District) -> None:
    """Tables and columns are only ever added, so what the older model did not have is empty and was not given."""
    run(district)
    config = load(district.config)
    with Workspace.look(config.workspace) as workspace:
        saved = config.workspace / "snapshots" / (workspace.snapshots.last_good() or "")
        facts = json.loads((saved / "run.json").read_text(encoding="utf-8"))
        facts["tables_in_order"].remove("terms")
        (saved / "run.json").write_text(json.dumps(facts), encoding="utf-8")
        sessions = pl.read_parquet(saved / "tables" / "sessions.parquet", memory_map=False)
        sessions.drop("meal_offered").write_parquet(saved / "tables" / "sessions.parquet")
        again = pipeline.last_good(workspace, config.school_year)
    assert {("terms", ""), ("sessions", "meal_offered")} <= again.absent
    assert (again.tables["terms"].height, list(again.tables["terms"].schema), again.tables["sessions"].schema) == (
        0,
        list(frame_schema(TABLES["terms"])),
        sessions.schema,
    )
    assert pipeline.export_again(config, [], Request()).status == Exit.DONE


@pytest.mark.parametrize("name", ["manifest.json", "updater_records.csv", "ledger.csv"])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_no_export_takes_the_name_of_another_file(district: District, name: str, before: bool) -> None:
    ours = f'[[exports]]\nexporter = "tabular"\noptions = {{ files = {{ "{name}" = {{ table = "ledger" }} }} }}\n'
    theirs = '[[exports]]\nexporter = "program_updater"\n'
    text = district.config.read_text(encoding="utf-8").split("[[exports]]")[0]
    district.config.write_text(text + (ours + theirs if before else theirs + ours), encoding="utf-8")
    error = refused(district)
    assert error.code in {"EXPORT_FILE_TWICE", "TABULAR_NAME"}
    assert not district.out.exists()
