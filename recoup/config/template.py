"""The text of a new ``recoup.toml``, with a word about every setting that a district is likely to touch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from recoup.config.model import URL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recoup.ports import Option, SignIn

#: The county-district code that the template has in place of the district's own; ``recoup doctor`` asks for it.
PLACEHOLDER = "0000000"

_TEXT = """\
# Recoup's configuration. Relative paths are relative to this file. Check it with: recoup doctor
school_year = {year}
workspace = ".recoup"                   # archive, snapshots, journal, lock; nothing is written anywhere else but OUT

[lea]
county_district_code = "{placeholder}"        # your seven digits, county and district
name = "Your district"

[[sources]]
name = "sis"
adapter = {adapter}
location = {location}
{beside}# [sources.files]                       # when the files have other names than `recoup adapters {bare}` lists
# participation = {{ match = "AR_SESSIONS_*.csv", mode = "append" }}
# [sources.mapping]                     # the district's own column names and codes
# columns.students = {{ ssid = "State ID" }}
{options}{access}
[limits]                                # both the share and the count must be passed to close the gate
quarantine = {{ share = 0.02, rows = 10 }}
shrink = {{ share = 0.10, rows = 10 }}    # against the last good run, by table

[periods]                               # or the table `periods`; needed only for P-1 / P-2 / Annual
# P1 = {{ ends = 2025-12-19, days_taught = 84 }}

[attest]                                # a required check that your data cannot show, and who answers for it
# ratio = {{ by = "Director of Attendance", on = 2026-01-06, evidence = "binder 3" }}

[policy]                                # readings of the rules; the defaults when left out

[[exports]]
exporter = "calpads_stas"

[[exports]]
exporter = "program_updater"

[[exports]]
exporter = "audit_workbook"
"""

_BESIDE = """\
# beside = "data"                       # a folder or sftp:// place with files of what the interface does not give: see the guide
"""

_SFTP = """
[sources.sftp]                          # a secret is a reference: {{ env = … }}, {{ file = … }} or {{ keyring = … }}
{mark}known_hosts = "known_hosts"           # the server's key, as `ssh-keyscan` prints it and its operator confirms it
{mark}password = {{ env = "RECOUP_SFTP_PASSWORD" }}
# private_key = "id_ed25519"
# passphrase = {{ env = "RECOUP_KEY_PASSPHRASE" }}
"""

_HTTP = """
[sources.http]                          # a secret is a reference: {{ env = … }}, {{ file = … }} or {{ keyring = … }}
{secrets}# ca_bundle = "district-ca.pem"         # the district's own certificate authorities
# proxy = "http://proxy.district.example:3128"
# concurrency = 2                       # requests at the same time
# overlap_days = 30                     # how far behind the last fetch to look again; `recoup fetch --full` takes the whole year
"""

#: Which secrets a way to sign in needs, where it is not an id and its secret.
_SECRETS = {"header": ("token",)}
_CLIENT = ("client_id", "client_secret")


def template(adapter: str, location: str, year: str, options: Sequence[Option], sign_in: SignIn | None = None, beside: bool = False) -> str:
    """Return the text of a ``recoup.toml`` for one source; options that the adapter requires stand in it to be filled in.

    ``sign_in``: how the system that the adapter fetches from over HTTP is signed in to, if it does. ``beside``: whether
    files may bring what that system does not give.
    """
    wanted = [option for option in options if option.required or option.default is None]
    lines = ["\n[sources.options]\n" if wanted else ""]
    lines += [f"# {option.help}\n{option.name} = {_empty(option)}\n" for option in wanted]
    remote = bool(URL.match(location))
    return _TEXT.format(
        year=json.dumps(year),
        placeholder=PLACEHOLDER,
        adapter=json.dumps(adapter),
        bare=adapter,
        location=json.dumps(location, ensure_ascii=False),
        beside=_BESIDE if beside else "",
        options="".join(lines),
        access=_access(remote, sign_in),
    )


def _access(remote: bool, sign_in: SignIn | None) -> str:
    if sign_in is None:
        return _SFTP.format(mark="") if remote else ""
    secrets = "".join(f'{name} = {{ env = "RECOUP_{name.upper()}" }}\n' for name in _SECRETS.get(sign_in.kind, _CLIENT))
    if sign_in.kind == "oauth2" and not sign_in.token_path:
        secrets += 'token_url = "https://"                  # where tokens are issued; the vendor shows it beside the client id\n'
    return _HTTP.format(secrets=secrets)


def _empty(option: Option) -> str:
    return {"list": "[]", "bool": "false", "int": "0"}.get(option.type, '""')
