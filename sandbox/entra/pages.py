"""What a person sees of Entra ID: HTML without scripts, but for the one that posts the answer back."""

from html import escape

from sandbox.entra.directory import Account


def account_page(people: list[Account], asked: dict[str, str], reason: str = "") -> str:
    """The accounts to choose from; a hinted one comes first, and alone when `prompt=login` asks for its sign-in."""
    hint = asked.get("login_hint", "").lower()
    hinted = [person for person in people if person.upn.lower() == hint]
    others = [person for person in people if person.upn.lower() != hint and person.enabled]
    shown = hinted if hinted and asked.get("prompt") == "login" else [*hinted, *others]
    heading = "Sign in" if asked.get("prompt") == "login" else "Pick an account"
    buttons = "".join(
        f'<p><button name="user" value="{escape(person.upn)}"><b>{escape(person.name)}</b> '
        f"{escape(person.upn)}</button></p>"
        for person in shown
    )
    alert = f'<p role="alert">{escape(reason)}</p>' if reason else ""
    kept = {name: value for name, value in asked.items() if name != "user"}
    return _page(
        f"<h1>{heading}</h1>{alert}<p>Sandbox sign-in. No password is asked.</p>"
        f'<form method="get">{_hidden(kept)}{buttons}</form>'
    )


def consent_page(application: str, person: Account, asked: dict[str, str]) -> str:
    kept = {name: value for name, value in asked.items() if name != "answer"}
    return _page(
        f"<h1>Permissions requested</h1><p>{escape(application)} asks to act for {escape(person.upn)}: access "
        f'Dynamics 365 as you, and keep that access.</p><form method="get">{_hidden(kept)}'
        '<p><button name="answer" value="accept">Accept</button> '
        '<button name="answer" value="cancel">Cancel</button></p></form>'
    )


def form_post_page(address: str, values: dict[str, str]) -> str:
    return _page(
        f'<form method="post" action="{escape(address)}">{_hidden(values)}<button>Continue</button></form>'
        "<script>document.forms[0].submit()</script>"
    )


def error_page(text: str) -> str:
    return _page(f'<h1>Sorry, but we’re having trouble signing you in.</h1><p role="alert">{escape(text)}</p>')


def _hidden(values: dict[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in values.items()
    )


def _page(content: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sign in to your account</title>'
        '<link rel="icon" href="data:,"></head>'
        f'<body style="font-family:Segoe UI,sans-serif;max-width:30rem;margin:4rem auto">{content}</body></html>'
    )
