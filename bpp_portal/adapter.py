"""Sign-in rules that allauth asks for."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class NoSignUpAdapter(DefaultAccountAdapter):
    """People get their account from an administrator; nobody signs up alone."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
