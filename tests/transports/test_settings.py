from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from recoup.config import Secret, Sftp, Source
from recoup.transports import RetrySettings, Timeouts, TransportSettings

if TYPE_CHECKING:
    import pytest


def test_settings_are_taken_from_a_source_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "RECOUP_TEST_PASSWORD", "hunter2")
    sftp = Sftp(password=Secret("env", "RECOUP_TEST_PASSWORD"), known_hosts=Path("known_hosts"), agent=True, retries=2, timeout=9)
    source = Source("sis", "bundle", "sftp://sis@files.example.org/", after_fetch="move:done", done_suffix=".ok", recursive=True, sftp=sftp)
    settings = TransportSettings.of(source)
    assert (settings.after_fetch, settings.done_suffix, settings.recursive) == ("move:done", ".ok", True)
    assert (settings.sftp.known_hosts, settings.sftp.agent) == (Path("known_hosts"), True)
    assert settings.sftp.timeouts == Timeouts(9, 9, 9, 9)
    assert settings.retry == RetrySettings(attempts=3)
    assert settings.sftp.password and settings.sftp.password.reveal() == "hunter2"
    assert "hunter2" not in repr(settings)


def test_what_a_source_does_not_say_is_the_transports_default() -> None:
    assert TransportSettings.of(Source("sis", "bundle", "data")) == TransportSettings()
