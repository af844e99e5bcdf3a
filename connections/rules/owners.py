"""Who may stand behind a flow: an active owner who may manage connections, signed in with their own account."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unfit:
    """What keeps a sign-in from being used, and the next step."""

    cause: str
    hint: str

    def __str__(self) -> str:
        return f"{self.cause} {self.hint}"


TAKE_OWNERSHIP = "A BPP administrator takes ownership of the flows."


def account_problem(*, account: str, user: str, email: str) -> Unfit | None:
    """Why `account` is not the own one of the portal's `user`; None when it is. The case of letters does not count."""
    correct = "ask a user administrator to correct your e-mail address here."
    if not email.strip():
        return Unfit(
            f"The sign-in is {account}, and {user} has no e-mail address here to compare it with.",
            f"{correct[0].upper()}{correct[1:]}",
        )
    if account.strip().casefold() == email.strip().casefold():
        return None
    return Unfit(f"The sign-in is {account}, but {user} is {email} here.", f"Sign in as {email}, or {correct}")


def owner_problem(*, owner: str, is_active: bool, may_own: bool) -> Unfit | None:
    """Why flows can't run as `owner`; None when they can."""
    if not is_active:
        return Unfit(f"The flow owner {owner} is deactivated.", TAKE_OWNERSHIP)
    if not may_own:
        return Unfit(f"The flow owner {owner} has no role that may own flows.", TAKE_OWNERSHIP)
    return None
