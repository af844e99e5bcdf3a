"""Signing in with Entra ID: OpenID Connect through allauth, and portal roles from app roles."""
