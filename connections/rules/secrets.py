"""What must never be read on a page, in a log or in a stored text: signatures, tokens, passwords."""

import re

HIDDEN = "(hidden)"
# A secret comes as the other side happened to write it: in a form, a header, JSON, JSON inside JSON, percent-encoded.
_PERCENT = r"%(?:25)*"
_QUOTE = rf"(?:\\*[\"']|{_PERCENT}2[27])"
_EQUALS = rf"(?:[=:]|{_PERCENT}3[AD]|\\+u003d)"
_SLASHES = rf"(?::|{_PERCENT}3A)(?:\\*/|{_PERCENT}2F){{2}}"
# Ends of names: access_token, clientSecret, x-functions-key …; no start of a word is asked for, as in %3Fsig%3D.
_NAME = (
    r"(?:token|secret|assertion|password|passwd|pwd|sig|signature|device_code|code_verifier|estsauth\w{0,20}"
    r"|(?:account|access|shared|api|subscription|functions)[_-]?key)"
)
_COOKIE = r"(?:cookie2?)"
_BEFORE = rf"{_QUOTE}?\s{{0,20}}(?:{_EQUALS}|,(?=\s{{0,20}}b[\"']))\s{{0,20}}+"
_OPENING = r"\\*[\"']"  # a percent-encoded quote opens nothing: what follows has no end that is sure before a blank
_QUOTED = rf"b?(?P<quote>{_OPENING}).*?(?:(?<!\\)(?P=quote)|\Z)"
_TABLE = (
    # The person in front of a host, then the query behind it: a storage address carries its signature there.
    (rf"([a-z]{_SLASHES})[^\s/?#\"'<>]{{1,500}}(?:@|{_PERCENT}40)", rf"\1{HIDDEN}@"),
    (
        rf"(https?{_SLASHES}[^\s?\"'<>]{{1,1200}}?)(\?|{_PERCENT}3F)(?:=[\"'][^\"']*[\"']?|[^\s\"'<>])*",
        rf"\1\2{HIDDEN}",
    ),
    (rf"((?:{_NAME}|{_COOKIE}){_BEFORE}){_QUOTED}", rf"\1\g<quote>{HIDDEN}\g<quote>"),
    (rf"({_COOKIE}{_BEFORE})(?!{_OPENING})[^\r\n]+", rf"\1{HIDDEN}"),
    (rf"({_NAME}{_BEFORE})(?!{_OPENING})[^\s&\"<>]+", rf"\1{HIDDEN}"),
    (rf"((?:[?&]|{_PERCENT}3F|{_PERCENT}26)code{_EQUALS})[^\s&\"'<>]+", rf"\1{HIDDEN}"),
    (
        rf"(?:\b|(?<=%20))(bearer|basic|sharedkey|sharedkeylite)(?:\s|\+|{_PERCENT}20)+[\w.~+/:-]{{8,}}=*",
        rf"\1 {HIDDEN}",
    ),
    (r"(?:(?<![\w-])|(?<=%[0-9A-F]{2}))eyJ[\w-]{5,}\.[\w-]*(?:\.[\w-]*)?", HIDDEN),
)
_RULES = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), text) for pattern, text in _TABLE)


def without_secrets(text: str) -> str:
    """`text` with every signature, token, password, cookie and query of an address taken out."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def storable(text: str) -> str:
    """`text` as every database takes it: no NUL, no half of a surrogate pair; the rest as it is."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")


def readable(text: str) -> str:
    """`text` on one line, cut to what a page can show; secrets and what a terminal would obey taken out."""
    printable = "".join(c if c.isprintable() else " " for c in without_secrets(text[:20_000]))
    return " ".join(storable(printable).split())[:500]
