"""Reads files of other people: everything as text, every record with its place in the file."""

from .reader import open_table
from .source import Batch, FileRefused, Refusal, Source, Table
from .workbook import sheet_names

__all__ = ["Batch", "FileRefused", "Refusal", "Source", "Table", "open_table", "sheet_names"]
