"""OneRoster's records as rows: references, lists, extensions and roles, as 1.1 and 1.2 write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from recoup.adapters.oneroster import ADAPTER
from recoup.errors import Exit, RecoupError
from recoup.ports import Lea, ReadRequest
from tests.adapters.conftest import YEAR

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.ports import RawFile, Reading

    Raw = Callable[..., RawFile]

ORGS = {"orgs": [
    {"sourcedId": "D", "name": "Cedar Valley", "type": "district", "identifier": "1964733", "children": [{"sourcedId": "A"}]},
    {"sourcedId": "A", "name": "Cedar", "type": "school", "identifier": "19647336010000", "parent": {"href": "x", "sourcedId": "D"}},
]}  # fmt: skip
NEW = {  # 1.2
    "sourcedId": "S1", "status": "active", "dateLastModified": "2025-08-20T17:05:00.000Z", "metadata": {"ic.legacySourcedId": "s1"},
    "enabledUser": "true", "userIds": [{"type": "LDAP", "identifier": "ana"}, {"type": "SSID", "identifier": "9000000001"}],
    "givenName": "Ana", "familyName": "Lopez", "identifier": "104", "grades": ["05"], "userProfiles": [],
    "roles": [
        {"roleType": "primary", "role": "student", "org": {"sourcedId": "A"}, "beginDate": "2025-08-13"},
        {"roleType": "secondary", "role": "aide", "org": {"sourcedId": "A"}},
    ],
}  # fmt: skip
OLD = {  # 1.1, and the grade as some early servers have it
    **{name: value for name, value in NEW.items() if name not in {"roles", "grades"}},
    "role": "student", "orgs": [{"sourcedId": "A"}, {"sourcedId": "D"}], "grade": "05",
}  # fmt: skip
ENROLLED = {"enrollments": [
    {"sourcedId": "E1", "role": "student", "user": {"sourcedId": "S1"}, "class": {"sourcedId": "C1"}, "school": {"sourcedId": "A"},
     "beginDate": "2025-08-13"},
]}  # fmt: skip


def read(raw: Raw, user: dict[str, Any], **options: object) -> Reading:
    pages = {"orgs": ("orgs", ORGS), "users": ("users/students", {"users": [user]}), "enrollments": ("enrollments", ENROLLED)}
    given = [raw(f"pages/{path}/0001.json", json.dumps(value), feed) for feed, (path, value) in pages.items()]
    told = {"ssid": "userIds:SSID", **options}
    return ADAPTER.read(given, ReadRequest("rosters", YEAR, Lea("1964733", "Cedar Valley"), told))


@pytest.mark.parametrize("user", [NEW, OLD])
def test_a_student_of_either_version(user: dict[str, Any], raw: Raw) -> None:
    reading = read(raw, user)
    students = reading.tables["students"].select("ssid", "local_student_id", "legal_first_name").collect().rows()
    assert students == [("9000000001", "104", "Ana")]
    enrollments = reading.tables["enrollments"].select("ssid", "school_code", "entry_date", "grade").collect().rows()
    assert enrollments == [("9000000001", "6010000", "2025-08-13", "05")]
    assert reading.refused.is_empty()


def test_a_user_of_two_roles_is_one_user(raw: Raw) -> None:
    reading = read(raw, NEW, enrollment_from="roles")
    assert reading.tables["students"].collect().height == 1
    assert reading.tables["staff"].collect()["staff_id"].to_list() == ["104"]
    assert reading.tables["enrollments"].select("entry_date", "enrollment_status").collect().rows() == [("2025-08-13", "10")]


def test_extensions_are_named_by_the_mapping(raw: Raw) -> None:
    flat = [row for _, row in ADAPTER.flatten("users", "students", {"users": [NEW]})]
    assert {row["metadata.ic.legacySourcedId"] for row in flat} == {"s1"}
    assert flat[0]["userIds"] == "{LDAP:ana},{SSID:9000000001}"


@pytest.mark.parametrize("value", [[], {"orgs": [], "more": []}, {"message": "no"}, "text"])
def test_an_answer_that_is_no_collection_is_told(value: object) -> None:
    with pytest.raises(RecoupError, match="HTTP_SHAPE") as caught:
        list(ADAPTER.flatten("orgs", "", value))
    assert caught.value.status == Exit.SOURCE


@pytest.mark.parametrize(
    ("option", "kind", "style"), [("oauth2", "oauth2", "basic"), ("oauth2_body", "oauth2", "body"), ("oauth1", "oauth1", "sha256")]
)
def test_the_option_says_how_to_sign_in(option: str, kind: str, style: str) -> None:
    sign_in = ADAPTER.signs_in(ReadRequest("rosters", YEAR, Lea("1964733", "Cedar Valley"), {"sign_in": option}))
    assert (sign_in.kind, sign_in.style) == (kind, style)
