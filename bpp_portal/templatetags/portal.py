"""Tags and filters for pages: icons, status chips, amounts, texts whose blanks matter."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django import template
from django.forms import BoundField, CheckboxInput, Select
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

ICON_OF_KIND = {
    "success": "checkmark-circle",
    "info": "arrow-sync-circle",
    "warning": "warning",
    "danger": "dismiss-circle",
    "unknown": "question-circle",
    "neutral": "circle",
}
# Words whose picture says more than that of their kind.
ICON_OF_WORD = {
    "Awaiting approval": "hourglass",
    "Partly completed": "circle-half-fill",
    "Queued": "clock",
    "Draft": "document-text",
    "Sent": "send",
    "Cancelled": "subtract-circle",
    "Reversed": "arrow-undo",
    "Cube, package and Finance agree": "scales",
}
# A picture beside word and colour: production is told from a sandbox by any one of the three.
ICON_OF_ENVIRONMENT = {"sandbox": "flask", "production": "shield-keyhole"}
# Blanks that a reader would not see: at the edges, doubled, or other than an ordinary blank (tab, no-break …).
HIDDEN_BLANK = re.compile(r"^\s+|\s+$|\s{2,}|[^\S ]")
EMPTY = "–"


@register.simple_tag
def icon(name: str, size: int = 20) -> SafeString:
    """An icon of the sprite, 16 or 20 px. It is decoration: the words beside it carry the meaning."""
    return format_html(
        '<svg class="icon" width="{0}" height="{0}" aria-hidden="true" focusable="false">'
        '<use href="{1}#{2}-{0}"></use></svg>',
        size,
        static("icons/sprite.svg"),
        name,
    )


@register.simple_tag
def chip(kind: str, word: str, icon_name: str = "") -> SafeString:
    """A status chip: icon and word on a tint. `kind` is success, info, warning, danger, unknown or neutral."""
    name = icon_name or ICON_OF_WORD.get(word) or ICON_OF_KIND[kind]
    return format_html('<span class="chip chip-{}">{}{}</span>', kind, icon(name, 16), word)


def says_kind(name: str, word: str, others: Iterable[str]) -> bool:
    """Whether the name of an environment tells its kind by itself, without naming another kind as well."""
    words = set(re.findall(r"\w+", name.lower()))
    return word.lower() in words and not words & {other.lower() for other in others if other != word}


@register.simple_tag
def environment_chip(environment: Any, shows: str = "name") -> SafeString:
    """An environment in the colour of its kind: icon, word and name, the word once only.

    `shows` is "name", "kind" for a list that has the name in another column, or "beside" for a chip right after the
    name, whose word is left to that name if it says it.
    """
    word = environment.get_kind_display()
    known = says_kind(environment.name, word, [label for _, label in environment.Kind.choices])
    picture = icon(ICON_OF_ENVIRONMENT[environment.kind], 16)
    text = environment.name if known and shows == "name" else word
    look = "visually-hidden" if known and shows == "beside" else "env-text"
    body = format_html(
        '<span class="env env-{}">{}<span class="{}">{}</span></span>', environment.kind, picture, look, text
    )
    if known or shows != "name":
        return body
    return format_html('{} <span class="environment-name">{}</span>', body, environment.name)


def amount_text(value: Decimal | int | None, currency: str = "") -> str:
    """Grouped, with two decimals or the currency's minor units; never rounded: further decimals stay visible."""
    if value is None:
        return EMPTY
    exact = Decimal(value)
    wanted = get_currency_precision(currency) if currency else 2
    held = len(f"{exact:f}".partition(".")[2].rstrip("0"))
    text = f"{exact:,.{max(wanted, held)}f}"
    return text[1:] if exact == 0 and text.startswith("-") else text


@register.simple_tag
def amount(value: Decimal | int | None, currency: str = "") -> str:
    """An amount as the ledger writes it; – when there is none."""
    return amount_text(value, currency)


@register.filter
def grouped(value: int | None) -> str:
    """A count with grouped digits; – when it is not known."""
    return EMPTY if value is None else f"{value:,}"


@register.filter
def dots(text: str) -> str:
    """Hidden blanks as · in plain text, for places that take no markup (options, SVG). Not for copying."""
    return HIDDEN_BLANK.sub(lambda found: "·" * len(found.group()), str(text))


@register.simple_tag
def shown(text: str) -> SafeString:
    """A code or name with its hidden blanks visible as ·, while copying gives the real ones."""
    parts: list[str] = []
    at = 0
    for found in HIDDEN_BLANK.finditer(str(text)):
        parts.append(escape(text[at : found.start()]))
        parts += [f'<span class="blank">{escape(blank)}</span>' for blank in found.group()]
        at = found.end()
    parts.append(escape(str(text)[at:]))
    return mark_safe(f'<span class="shown">{"".join(parts)}</span>')  # noqa: S308  every part is escaped above


@register.simple_tag
def day(value: date | None) -> str:
    """A date as `1 Jul 2021`."""
    return EMPTY if value is None else f"{value.day} {value:%b %Y}"


@register.simple_tag
def moment(value: datetime | None, seconds: bool = False) -> SafeString | str:
    """A time as `23 Nov 2026 10:58` in the reader's zone, inside a `<time>` with the exact instant."""
    if value is None:
        return EMPTY
    local = timezone.localtime(value)
    text = f"{local.day} {local:%b %Y %H:%M:%S}" if seconds else f"{local.day} {local:%b %Y %H:%M}"
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), text)


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, **changes: object) -> str:
    """The query string of this page with some parameters replaced; an empty value removes its parameter."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in ("", None):
            query[name] = str(value)
    return f"?{query.urlencode()}" if query else "?"


@register.filter
def control(field: BoundField) -> SafeString:
    """A form field's control in the portal's look, tied to its error. Labels replace placeholders."""
    widget = field.field.widget
    widget.attrs.pop("placeholder", None)
    attrs: dict[str, str | bool] = {"class": "form-select" if isinstance(widget, Select) else "form-control"}
    if isinstance(widget, CheckboxInput):
        attrs["class"] = "form-check-input"
    if field.errors:
        attrs |= {"aria-invalid": "true", "aria-describedby": f"{field.auto_id}_error"}
    return field.as_widget(attrs=attrs)


@register.filter
def sentence_case(text: str) -> str:
    """A heading of the account pages, which come with Every Word In Capitals."""
    words = text.split()
    return " ".join([*words[:1], *(word.lower() if word.istitle() and word != "BPP" else word for word in words[1:])])
