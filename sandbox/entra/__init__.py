"""Entra ID as far as a web application meets it: one tenant, one registered application, its accounts."""
