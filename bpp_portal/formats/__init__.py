"""Dates and times where Django writes them by itself, above all in the administration."""
