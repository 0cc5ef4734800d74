"""What Synergy's web service answers: an XML document whose text is another one, in whatever case and however often it was escaped."""

from __future__ import annotations

import base64
import binascii
import html
import re
from dataclasses import dataclass, field

from lxml import etree

from recoup.adapters.reading.xml import cells, local

#: An answer is unwrapped so often at most; a document within a document needs two.
_MOST_PASSES = 4
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")
_RESULT = re.compile(r"<(RESULT)(?:\s[^>]*)?>(.*)</\1\s*>", re.IGNORECASE | re.DOTALL)
_CDATA = re.compile(r"\s*<!\[CDATA\[(.*)\]\]>\s*", re.DOTALL)
#: Elements that only wrap: of the plain form, and of SOAP.
_WRAPPING = re.compile(r"string|Envelope|Body|ProcessWebService\w*(Response|Result)", re.IGNORECASE)
_ERROR = "RT_ERROR"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: the name of its document, and its fields, both in upper case. ``error``: what the service says went wrong."""

    name: str
    fields: dict[str, str] = field(default_factory=dict)
    error: str = ""

    def get(self, name: str) -> str:
        """Return a field without the blanks around it, empty where there is none."""
        return self.fields.get(name, "").strip()


def is_wrapped(text: bytes) -> bool:
    """Tell whether text (UTF-8) is an answer of the web service as it came, and no report itself."""
    head = text[:2048].upper()
    return b"REPORTRESULT" in head and b"<REV_REPORT" not in head


def opened(body: bytes) -> Answer:
    """Read an answer. Raises ``ValueError``, which holds nothing of it, when it is cut short or no answer at all."""
    inner = _parsed(body)
    if inner is None:
        raise ValueError("not XML")
    for _ in range(_MOST_PASSES):
        if not _WRAPPING.fullmatch(local(inner.tag)):
            break
        # Now and then a part of the inner document is not escaped: it stands as elements between texts.
        parts = (etree.tostring(child, encoding="unicode", with_tail=False) + (child.tail or "") for child in inner)
        text = (inner.text or "") + "".join(parts)
        following = _document(text)
        if isinstance(following, Answer):
            return following
        inner = following
    return _answer(inner)


def payload(answer: Answer) -> bytes:
    """Return the report in an answer, out of its base64 where it has one. Raises ``ValueError`` where there is none."""
    if "RESULT" not in answer.fields:
        raise ValueError("no result")
    text = answer.fields["RESULT"].strip()
    if len(text) > 3 and _BASE64.fullmatch(text):
        try:
            return base64.b64decode(text, validate=False)
        except binascii.Error:
            raise ValueError("base64 cut short") from None
    return text.encode()


def _document(text: str) -> etree._Element | Answer:
    """Parse the document within: escaped once more where it does not begin with ``<``, and its result alone where it is not well formed."""
    text = text.strip()
    for _ in range(_MOST_PASSES):
        if text.startswith("<"):
            break
        text = html.unescape(text).strip()
    found = _parsed(text.encode())
    if found is not None:
        return found
    # A report in CSV may hold characters that nobody escaped; the fields around it are plain.
    result = _RESULT.search(text)
    if result is None:
        raise ValueError("the document within is cut short")
    bare = _parsed((text[: result.start()] + text[result.end() :]).encode())
    if bare is None:
        raise ValueError("the document within is cut short")
    inside = _CDATA.fullmatch(result[2])
    told = _answer(bare)
    return Answer(told.name, {**told.fields, "RESULT": inside[1] if inside else html.unescape(result[2])}, told.error)


def _parsed(data: bytes) -> etree._Element | None:
    """Parse XML without entities, network or document type; None where it is not well formed.

    A result is one text of any length, which is why the size of a text is not limited here: that of an answer is, where it comes in.
    """
    if b"<!DOCTYPE" in data:
        raise ValueError("a document type")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, recover=False, remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        return etree.fromstring(re.sub(rb"^\s*<\?xml[^>]*\?>", b"", data.removeprefix(b"\xef\xbb\xbf")), parser)
    except etree.XMLSyntaxError:
        return None


def _answer(root: etree._Element) -> Answer:
    fields: dict[str, str] = {}
    error = ""
    for element in root.iter():
        for name, value in cells(element).items():
            if local(element.tag).upper() == _ERROR and name.upper() == "ERROR_MESSAGE":
                error = value
            fields.setdefault(name.upper(), value)
    return Answer(local(root.tag).upper(), fields, error)
