"""What must never be read on a page, in a log or in a stored text: signatures, tokens, passwords."""

import re

HIDDEN = "(hidden)"
_NAMES = (
    r"(?:access_token|refresh_token|id_token|device_code|client_secret|client_assertion|assertion|code_verifier"
    r"|password|secret|token|sig|signature)"
)
_RULES = (
    # The query of an address: a storage address carries its signature there, a sign-in its code.
    (re.compile(r"(?i)\b(https?://[^\s?\"'<>]+)\?[^\s\"'<>]*"), rf"\1?{HIDDEN}"),
    (re.compile(rf"(?i)\b({_NAMES})=[^&\s\"']+"), rf"\1={HIDDEN}"),
    (re.compile(r"(?i)([?&]code)=[^&\s\"']+"), rf"\1={HIDDEN}"),
    (re.compile(rf"(?i)([\"']{_NAMES}[\"']\s*:\s*[\"'])[^\"']*"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/-]{8,}=*"), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]*(?:\.[\w-]*)?"), HIDDEN),
)


def without_secrets(text: str) -> str:
    """`text` with every signature, token, password and query of an address taken out."""
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
