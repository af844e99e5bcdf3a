"""Finance's OData service."""
