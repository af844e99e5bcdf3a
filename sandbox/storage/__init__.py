"""Blob storage for packages."""
