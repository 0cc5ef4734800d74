from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import responses

from recoup.errors import Exit, RecoupError
from recoup.ports import SignIn
from recoup.transports import HttpSettings, RetrySettings, Timeouts, open_http
from tests.servers.loopback import Asked, Reply, System, serving
from tests.transports.conftest import Told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recoup.transports.http import HttpTransport

KEY = SignIn("header", header="AERIES-CERT")
TOKEN = SignIn("oauth2", token_path="oauth/access_token/")
SETTINGS = HttpSettings(
    token=Told("hush-token"),
    retry=RetrySettings(3, 0, 0),
    timeouts=Timeouts(connect=2, read=0.5),
)
CLIENT = replace(SETTINGS, token=None, client_id=Told("id"), client_secret=Told("pass word"[:4]))
Answer = Callable[[Asked], Reply]


class Scripted(System):
    """Answers by a function of the request; the n-th call by the n-th of several, the last of them for good."""

    def __init__(self, *answers: Answer | Reply) -> None:
        super().__init__(Path())
        self.answers = answers

    def answer(self, asked: Asked) -> Reply:
        chosen = self.answers[min(len(self.asked), len(self.answers)) - 1]
        return chosen if isinstance(chosen, Reply) else chosen(asked)


def fault(client: HttpTransport, path: str = "x") -> RecoupError:
    with pytest.raises(RecoupError) as caught:
        client.get(path)
    assert "hush" not in str(caught.value)
    return caught.value


def test_an_answer_is_the_bytes_as_they_came_and_their_value() -> None:
    with serving(Scripted(Reply(raw=b'[ {"a": 1} ]\n', headers={"X-Total-Count": "7"}))) as system:
        answer = open_http(system.url, KEY, SETTINGS).get("x", {"page": "1"})
    assert (answer.body, answer.value, answer.total, answer.next) == (b'[ {"a": 1} ]\n', [{"a": 1}], 7, "")
    assert system.asked[0].headers["AERIES-CERT"] == "hush-token"
    assert system.asked[0].headers["User-Agent"].startswith("Recoup/")


@pytest.mark.parametrize("bad", [Reply({}, 500), Reply({}, 503), Reply({}, 429), Reply(raw=b'[{"a"'), Reply(raw=b"[1, 2, 3]", cut=4)])
def test_what_can_pass_is_asked_again(bad: Reply) -> None:
    with serving(Scripted(bad, bad, Reply([1]))) as system:
        assert open_http(system.url, KEY, SETTINGS).get("x").value == [1]
    assert len(system.asked) == 3


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply({}, 500), "HTTP_SERVER"),
        (Reply({}, 429), "HTTP_BUSY"),
        (Reply(raw=b"<html>"), "HTTP_NOT_JSON"),
        (Reply(raw=b"[1]", cut=1), "HTTP_BROKEN"),
    ],
)
def test_what_does_not_pass_in_the_end_is_status_3(reply: Reply, code: str) -> None:
    with serving(Scripted(reply)) as system:
        found = fault(open_http(system.url, KEY, SETTINGS))
    assert (found.code, found.status, len(system.asked)) == (code, Exit.SOURCE, 3)


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "HTTP_REFUSED"), (401, "HTTP_SIGN_IN"), (403, "HTTP_DENIED"), (404, "HTTP_NOT_FOUND"), (501, "HTTP_NOT_OFFERED")],
)
def test_what_cannot_pass_is_asked_once(status: int, code: str) -> None:
    with serving(Scripted(Reply({}, status))) as system:
        assert fault(open_http(system.url, KEY, SETTINGS)).code == code
    assert len(system.asked) == 1


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("7", 7),
        ("86400", 60),
        (timedelta(seconds=30), 30),
        (timedelta(hours=-1), 0),
        ("soon", 0),
    ],
)
def test_a_busy_server_says_how_long_to_wait_and_is_heeded_up_to_a_minute(
    asked: str | timedelta, waited: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A date is made when it is sent: the workers must all name the same tests, and a slow start must not use the wait up.
    when = asked if isinstance(asked, str) else format_datetime(datetime.now(UTC) + asked, usegmt=True)
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    with serving(Scripted(Reply({}, 429, {"Retry-After": when}), Reply([1]))) as system:
        client = open_http(system.url, KEY, replace(SETTINGS, retry=RetrySettings(3, 0, 60)))
        assert client.get("x").value == [1]
    assert abs(waits[0] - waited) < 5


def test_no_answer_is_a_failure_that_can_pass() -> None:
    hold = threading.Event()

    def slow(asked: Asked) -> Reply:
        hold.wait(5)
        return Reply([1])

    with serving(Scripted(slow)) as system:
        found = fault(open_http(system.url, KEY, replace(SETTINGS, retry=RetrySettings(2, 0, 0))))
        hold.set()
    assert (found.code, len(system.asked)) == ("HTTP_TIMEOUT", 2)


def test_nobody_there_is_told_as_such() -> None:
    with serving(Scripted(Reply([]))) as system:
        pass
    assert fault(open_http(system.url, KEY, SETTINGS)).code == "HTTP_BROKEN"


class Guarded(Scripted):
    """Gives tokens t1, t2 …, and takes those of ``good``."""

    def __init__(self, good: str, seconds: int = 3600) -> None:
        super().__init__(Reply([]))
        self.good = good
        self.seconds = seconds
        self.given = 0

    def answer(self, asked: Asked) -> Reply:
        if asked.path.endswith("/oauth/access_token/"):
            self.given += 1
            return Reply({"access_token": f"t{self.given}", "expires_in": self.seconds})
        return Reply([1]) if asked.headers["Authorization"] in {f"Bearer {good}" for good in self.good.split()} else Reply({}, 401)


def test_one_token_serves_many_requests_and_is_asked_for_as_the_vendor_wants_it() -> None:
    with serving(Guarded("t1")) as system:
        client = open_http(system.url + "/ps", TOKEN, CLIENT)
        assert [client.get("x").value for _ in range(3)] == [[1]] * 3
    assert system.given == 1
    first = system.asked[0]
    assert (first.method, first.path, first.body) == ("POST", "/ps/oauth/access_token/", b"grant_type=client_credentials")
    assert first.headers["Authorization"] == "Basic aWQ6cGFzcw=="


def test_client_credentials_can_go_in_the_body() -> None:
    with serving(Guarded("t1")) as system:
        open_http(system.url, SignIn("oauth2", token_path="oauth/access_token/", style="body"), CLIENT).get("x")
    assert "client_secret=pass" in system.asked[0].body.decode()
    assert "Authorization" not in system.asked[0].headers


def test_a_token_that_is_refused_is_renewed_once() -> None:
    with serving(Guarded("t2")) as system:
        assert open_http(system.url, TOKEN, CLIENT).get("x").value == [1]
        assert system.given == 2
    with serving(Guarded("none")) as system:
        assert fault(open_http(system.url, TOKEN, CLIENT)).code == "HTTP_SIGN_IN"
        assert system.given == 2


def test_a_token_is_renewed_before_it_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Guarded("t1 t2", seconds=100)) as system:
        client = open_http(system.url, TOKEN, CLIENT)
        client.get("x")
        client._credentials._until -= 100
        client.get("x")
    assert system.given == 2


@pytest.mark.parametrize("answer", [Reply({}, 400), Reply({"error": "x"}), Reply(["x"])])
def test_no_token_is_no_sign_in(answer: Reply) -> None:
    with serving(Scripted(answer)) as system:
        assert fault(open_http(system.url, TOKEN, CLIENT)).code == "HTTP_SIGN_IN"


def test_a_token_that_was_cut_short_is_asked_for_again_and_a_page_in_its_place_is_no_sign_in() -> None:
    with serving(Scripted(Reply(raw=b'{"access_to'), Reply({"access_token": "t"}), Reply([1]))) as system:
        assert open_http(system.url, TOKEN, CLIENT).get("x").value == [1]
    with serving(Scripted(Reply(raw=b"<html>Sign in</html>"))) as system:
        assert fault(open_http(system.url, TOKEN, CLIENT)).code == "HTTP_SIGN_IN"


def test_a_redirect_on_the_same_host_is_followed_and_one_to_another_never() -> None:
    with serving(Scripted(Reply({}, 302, {"Location": "/y"}), Reply([1]))) as system:
        assert open_http(system.url, KEY, SETTINGS).get("x").value == [1]
    with serving(Scripted(Reply([1]))) as other, serving(Scripted(Reply({}, 302, {"Location": f"{other.url}/y"}))) as system:
        assert fault(open_http(system.url, KEY, SETTINGS)).code == "HTTP_ELSEWHERE"
        assert other.asked == []
    with serving(Scripted(Reply({}, 302, {"Location": "/x"}))) as system:
        assert fault(open_http(system.url, KEY, SETTINGS)).code == "HTTP_ELSEWHERE"


def test_a_next_link_to_another_host_is_refused_and_one_to_the_same_is_told() -> None:
    with serving(Scripted(Reply([], headers={"Link": '</a?offset=2>; rel="next"'}))) as system:
        client = open_http(system.url, KEY, SETTINGS)
        assert client.get(client.get("x").next).body == b"[]"
        assert system.asked[1].path == "/a"
    with serving(Scripted(Reply([], headers={"Link": '<https://elsewhere.example/a>; rel="next"'}))) as system:
        assert fault(open_http(system.url, KEY, SETTINGS)).code == "HTTP_ELSEWHERE"


def test_a_count_and_the_token_of_the_next_page_stand_in_headers_of_either_name() -> None:
    with serving(Scripted(Reply([], headers={"Total-Count": "7", "Next-Page-Token": "MjU"}))) as system:
        answer = open_http(system.url, KEY, SETTINGS).get("a")
    assert (answer.total, answer.token) == (7, "MjU")


def test_one_page_and_all_pages_have_a_limit() -> None:
    with serving(Scripted(Reply(raw=b"[" + b" " * 5000 + b"]"))) as system:
        found = fault(open_http(system.url, KEY, replace(SETTINGS, max_page_bytes=4000)))
        assert (found.code, found.status) == ("HTTP_PAGE_TOO_BIG", Exit.REFUSED)
        client = open_http(system.url, KEY, replace(SETTINGS, max_total_bytes=8000))
        client.get("x")
        assert fault(client).code == "HTTP_TOO_MUCH"


def test_the_log_has_names_of_the_query_and_no_values(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="recoup"), serving(Scripted(Reply([1]))) as system:
        open_http(system.url, KEY, SETTINGS).get("x?cert=hush-token", {"StartDate": "20250818"})
    assert "?StartDate" in caplog.text
    assert "hush" not in caplog.text
    assert "20250818" not in caplog.text.replace("recoup", "")


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://sis.example.org/api", "HTTP_NO_TLS"),
        ("http://127.evil.example/", "HTTP_NO_TLS"),
        ("https://user:hunter2@sis.example.org/", "HTTP_SECRET_IN_URL"),
        ("https://sis.example.org/?cert=hunter2", "HTTP_BAD_URL"),
        ("https:///api", "HTTP_BAD_URL"),
        ("https://sis.example.org:port/", "HTTP_BAD_URL"),
    ],
)
def test_a_location_that_cannot_be_meant_is_status_2(location: str, code: str) -> None:
    with pytest.raises(RecoupError) as caught:
        open_http(location, KEY, SETTINGS)
    assert (caught.value.code, caught.value.status) == (code, Exit.USAGE)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("sign_in", "settings", "code"),
    [(KEY, replace(SETTINGS, token=None), "HTTP_NO_CREDENTIAL"), (KEY, replace(SETTINGS, token=Told("a b\n")), "HTTP_BAD_CREDENTIAL"),
     (TOKEN, replace(SETTINGS, token=None), "HTTP_NO_CREDENTIAL")],
)  # fmt: skip
def test_a_missing_or_mangled_credential_is_status_2(sign_in: SignIn, settings: HttpSettings, code: str) -> None:
    with serving(Scripted(Reply([1]))) as system:
        found = fault(open_http(system.url, sign_in, settings))
    assert (found.code, found.status, system.asked) == (code, Exit.USAGE, [])


def test_no_variable_of_the_environment_is_heeded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login thief password thief\n", encoding="utf-8")
    for name, value in {"HTTP_PROXY": "http://127.0.0.1:9", "NETRC": str(tmp_path / ".netrc"), "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    with serving(Scripted(Reply([1]))) as system:
        assert open_http(system.url, KEY, SETTINGS).get("x").value == [1]
    assert "Authorization" not in system.asked[0].headers


def test_a_proxy_is_gone_through_and_a_broken_one_is_named() -> None:
    with serving(Scripted(Reply([1]))) as proxy:
        client = open_http("http://localhost:9", KEY, replace(SETTINGS, proxy=proxy.url))
        assert client.get("x").value == [1]
    assert fault(open_http("http://localhost:9", KEY, replace(SETTINGS, proxy=proxy.url))).code == "HTTP_PROXY"


@responses.activate
def test_the_settings_reach_the_request() -> None:
    responses.get("https://sis.example.org/api/x", json=[1])
    assert open_http("https://sis.example.org/api/", KEY, SETTINGS).get("x").value == [1]
    kwargs = responses.calls[0].request.req_kwargs  # type: ignore[attr-defined]
    assert (kwargs["verify"], kwargs["timeout"]) == (True, (2, 0.5))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody but the district knows, for 127.0.0.1, and its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Cedar Valley Unified")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "district.pem"
    path.write_bytes(made.public_bytes(pem) + private)
    return path


@pytest.fixture
def tls(certificate: Path) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[1]")

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_certificate_is_always_verified_and_the_districts_own_can_be_named(tls: str, certificate: Path) -> None:
    found = fault(open_http(tls, KEY, SETTINGS))
    assert (found.code, found.status) == ("HTTP_TLS", Exit.SOURCE)
    client = open_http(tls, KEY, replace(SETTINGS, ca_bundle=certificate))
    assert client.get("x").value == [1]
    client.close()


def test_a_ca_bundle_that_cannot_be_read_is_status_2(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(RecoupError) as caught:
            open_http("https://sis.example.org", KEY, replace(SETTINGS, ca_bundle=path))
        assert (caught.value.code, caught.value.status) == ("HTTP_CA_BUNDLE", Exit.USAGE)


FORM = SignIn("form", fields=("userID", "password"))


def _whole(body: bytes) -> bytes:
    if not body.endswith(b"</ok>"):
        raise ValueError("cut")
    return body[4:-5]


def test_a_form_carries_what_we_sign_in_with_and_keeps_its_session_but_tells_neither(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "recoup")
    with serving(Scripted(Reply(raw=b"<ok>1</ok>", headers={"Set-Cookie": "session=7; path=/"}))) as system:
        client = open_http(system.url, FORM, CLIENT)
        assert [client.form("x", {"method": "a b"}, _whole).value for _ in range(2)] == [b"1", b"1"]
        client.close()
    first, second = system.asked
    assert first.body == second.body == b"method=a+b&userID=id&password=pass"
    assert ("Cookie" in first.headers, second.headers.get("Cookie")) == (False, "session=7")
    assert "pass" not in caplog.text


def test_another_way_to_sign_in_keeps_no_cookie() -> None:
    with serving(Scripted(Reply([], headers={"Set-Cookie": "session=7; path=/"}))) as system:
        client = open_http(system.url, KEY, SETTINGS)
        client.get("x")
        client.get("x")
        client.close()
    assert "Cookie" not in system.asked[1].headers


@pytest.mark.parametrize(("last", "code"), [(Reply(raw=b"<ok>1"), "HTTP_CUT_SHORT"), (Reply(raw=b"", status=500), "HTTP_SERVER")])
def test_a_form_whose_answer_is_cut_short_is_sent_again_and_then_given_up(last: Reply, code: str) -> None:
    with serving(Scripted(last)) as system:
        client = open_http(system.url, FORM, CLIENT)
        with pytest.raises(RecoupError) as caught:
            client.form("x", {}, _whole)
        client.close()
    assert (caught.value.code, caught.value.status, len(system.asked)) == (code, Exit.SOURCE, 3)
    assert "pass" not in str(caught.value)
