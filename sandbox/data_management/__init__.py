"""Packages, their import, and the actions around them."""
