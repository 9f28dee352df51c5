"""Statements: a department's month, what moved since the last one, and the files that people take away.

What belongs here: comparing months, the chart's geometry, CSV, XLSX, PDF and JSON, and telling departments
when a period is closed. What does not: how an amount comes about (`rating`), what anything really cost, which
nothing in here can read, and how a page or message looks (`web`, `slack`).
"""

from twinledger.statements.chart import Box, Chart, Label, columns
from twinledger.statements.document import Document, DocumentLine, MonthTotal, document, documents
from twinledger.statements.files import FORMATS, document_json, statement_file
from twinledger.statements.message import statement_messages
from twinledger.statements.words import CAUSES, number_text

__all__ = [
    "CAUSES",
    "FORMATS",
    "Box",
    "Chart",
    "Document",
    "DocumentLine",
    "Label",
    "MonthTotal",
    "columns",
    "document",
    "document_json",
    "documents",
    "number_text",
    "statement_file",
    "statement_messages",
]
