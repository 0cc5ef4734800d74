"""Where files come from: bytes in, and nothing else. What the bytes mean is the adapters' affair."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recoup.errors import RecoupError, nearest
from recoup.transports.location import parse_sftp, scheme
from recoup.transports.settings import HttpSettings, RetrySettings, SftpSettings, Timeouts, TransportSettings

if TYPE_CHECKING:
    from recoup.ports import SignIn, Transport
    from recoup.transports.http import HttpTransport

__all__ = ["CHANGING", "HttpSettings", "RetrySettings", "SftpSettings", "Timeouts", "TransportSettings", "open_http", "open_transport"]

#: The code with which ``fetch`` leaves a file that changed since it was listed; the next run takes it.
CHANGING = "TRANSPORT_FILE_CHANGING"


def open_transport(location: str, settings: TransportSettings | None = None) -> Transport:
    """Return the transport for a folder, a single file, or an ``sftp://user@host:port/path`` URL.

    Nothing is connected before the first use. Raises ``RecoupError`` of status 2 for a location or a
    setting that cannot be meant.
    """
    settings = settings or TransportSettings()
    deed, _, folder = settings.after_fetch.partition(":")
    if settings.after_fetch not in {"leave", "delete"} and not (deed == "move" and folder.strip("/. ")):
        raise RecoupError("TRANSPORT_AFTER_FETCH", value=settings.after_fetch)
    match scheme(location):
        case "":
            from recoup.transports.local import LocalTransport

            return LocalTransport(Path(location), settings)
        case "sftp":
            from recoup.transports.sftp import SftpTransport

            return SftpTransport(parse_sftp(location), settings)
        case "http" | "https":
            raise RecoupError("TRANSPORT_NO_HTTP")
        case other:
            raise RecoupError("TRANSPORT_UNKNOWN_SCHEME", scheme=other, nearest=nearest(other, ["sftp"]))


def open_http(location: str, sign_in: SignIn, settings: HttpSettings) -> HttpTransport:
    """Return the client of a system that answers over HTTP.

    Nothing is connected before the first use. Raises ``RecoupError`` of status 2 for a location or a setting that cannot be meant.
    """
    from recoup.transports.http import HttpTransport

    return HttpTransport(location, sign_in, settings)
