"""Entra ID as a provider of allauth, which brings state, PKCE, the way back and the second factor."""

from typing import Any

import structlog
from allauth.socialaccount.providers.base import ProviderAccount, ProviderException
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter
from django.conf import settings

from .rules import Person, person_of
from .tokens import TokenRefused, claims_of, nonce_of
from .transport import EntraSession

ID = "entra"
log = structlog.get_logger(__name__)


class NotForUs(ProviderException):
    """The answer is genuine or not, but not for this organization, application or sign-in."""


def is_configured() -> bool:
    return bool(settings.ENTRA_SIGN_IN_TENANT and settings.ENTRA_SIGN_IN_CLIENT_ID)


def issuer() -> str:
    return f"{settings.ENTRA_SIGN_IN_AUTHORITY.rstrip('/')}/{settings.ENTRA_SIGN_IN_TENANT}/v2.0"


class EntraClient(OAuth2Adapter):
    """One sign-in's conversation with Entra ID: its addresses come from discovery, its answer is checked here."""

    provider_id = ID

    def __init__(self, request: Any) -> None:
        super().__init__(request)
        self._document: dict[str, Any] | None = None
        self._verifier = ""

    def address(self, name: str) -> str:
        """An address of the discovery document, asked for once. Raises OAuth2Error when it cannot be had."""
        if self._document is None:
            with EntraSession() as session:
                answer = session.get(f"{issuer()}/.well-known/openid-configuration")
            answer.raise_for_status()
            self._document = answer.json()
        found = self._document.get(name)
        if not isinstance(found, str) or self._document.get("issuer") != issuer():
            raise OAuth2Error(f"The discovery document is not the tenant's: {name}.")
        return found

    @property
    def access_token_url(self) -> str:
        return self.address("token_endpoint")

    @property
    def authorize_url(self) -> str:
        return self.address("authorization_endpoint")

    def get_access_token_data(self, request: Any, app: Any, client: Any, pkce_code_verifier: Any = None) -> Any:
        self._verifier = pkce_code_verifier or ""
        return super().get_access_token_data(request, app, client, pkce_code_verifier=pkce_code_verifier)

    def complete_login(self, request: Any, app: Any, token: Any, **kwargs: Any) -> Any:
        """allauth's login of the person that the id_token names; nothing else in the answer is believed."""
        with EntraSession() as session:
            answer = session.get(self.address("jwks_uri"))
        answer.raise_for_status()
        try:
            claims = claims_of(
                str(kwargs["response"].get("id_token", "")),
                keys=answer.json(),
                issuer=issuer(),
                audience=app.client_id,
                nonce=nonce_of(self._verifier),
            )
        except TokenRefused as error:
            raise NotForUs(str(error)) from error
        person = person_of(claims, tenant=settings.ENTRA_SIGN_IN_TENANT)
        if person is None:
            raise NotForUs("The account is of another tenant.")
        login = self.get_provider().sociallogin_from_response(request, person)
        login.person = person
        return login


class EntraAccount(ProviderAccount):
    """How allauth shows a linked account."""


class EntraProvider(OAuth2Provider):
    id = ID
    name = "Microsoft"
    account_class = EntraAccount
    oauth2_adapter_class = EntraClient
    pkce_enabled_default = True

    def get_scope(self) -> list[str]:
        return ["openid", "profile", "email"]

    def get_auth_params(self) -> dict[str, str]:
        return {"prompt": "select_account"}

    def get_pkce_params(self) -> dict[str, str]:
        """PKCE always, and the nonce that belongs to the same secret."""
        made: dict[str, str] = super().get_pkce_params()
        return {**made, "nonce": nonce_of(made["code_verifier"])}

    def extract_uid(self, data: Person) -> str:
        return data.uid

    def extract_extra_data(self, data: Person) -> dict[str, str]:
        """Kept beside the link: what the account was called at the last sign-in."""
        return {"name": data.name}


provider_classes = [EntraProvider]
