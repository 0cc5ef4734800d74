from __future__ import annotations

import pytest

from recoup.errors import Exit, RecoupError
from recoup.transports import TransportSettings, open_transport
from recoup.transports.local import LocalTransport
from recoup.transports.location import Place, parse_sftp


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("sftp://sis@files.example.org/exports/ar", Place("files.example.org", 22, "sis", "/exports/ar")),
        ("sftp://sis@FILES.example.org:2222/~/ar", Place("files.example.org", 2222, "sis", "ar")),
        ("sftp://sis%40cv@files.example.org", Place("files.example.org", 22, "sis@cv", ".")),
        ("sftp://sis@[::1]:2222/a%20b", Place("::1", 2222, "sis", "/a b")),
    ],
)
def test_an_sftp_url_is_taken_apart(location: str, place: Place) -> None:
    assert parse_sftp(location) == place


def test_known_hosts_spells_the_port_unless_it_is_22() -> None:
    assert Place("a.example", 22, "u", ".").name == "a.example"
    assert Place("a.example", 2222, "u", ".").name == "[a.example]:2222"


def test_a_password_in_the_url_is_refused_and_never_repeated() -> None:
    with pytest.raises(RecoupError) as caught:
        open_transport("sftp://sis:hunter2@files.example.org/ar")
    assert (caught.value.code, caught.value.status) == ("TRANSPORT_SECRET_IN_URL", Exit.USAGE)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("https://files.example.org/", "TRANSPORT_NO_HTTP"),
        ("ftp://files.example.org/", "TRANSPORT_UNKNOWN_SCHEME"),
        ("sftp://files.example.org/ar", "TRANSPORT_BAD_URL"),
        ("sftp://sis@/ar", "TRANSPORT_BAD_URL"),
        ("sftp://sis@files.example.org:port/ar", "TRANSPORT_BAD_URL"),
        ("sftp://sis@files.example.org/ar#2", "TRANSPORT_BAD_URL"),
        ("sftp://sis@files.example.org/a%00r", "TRANSPORT_BAD_URL"),
    ],
)
def test_what_cannot_be_meant_is_refused(location: str, code: str) -> None:
    with pytest.raises(RecoupError) as caught:
        open_transport(location)
    assert (caught.value.code, caught.value.status) == (code, Exit.USAGE)


@pytest.mark.parametrize("location", ["data", "/srv/data", r"C:\district\data", r"\\server\share"])
def test_a_path_is_local(location: str) -> None:
    assert isinstance(open_transport(location), LocalTransport)


@pytest.mark.parametrize("after", ["", "remove", "move", "move:", "move:.", "delete:now"])
def test_after_fetch_is_one_of_three(after: str) -> None:
    with pytest.raises(RecoupError, match="TRANSPORT_AFTER_FETCH"):
        open_transport("data", TransportSettings(after_fetch=after))
