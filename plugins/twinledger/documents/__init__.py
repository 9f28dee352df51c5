"""Files that people take away: cells, workbooks and paper, the same bytes for the same content.

What belongs here: how CSV, XLSX and PDF are written, and keeping spreadsheets from running what people wrote. What
does not: what a file says, which is its subject's (`statements`, `reconciliation`).

`workbook` (openpyxl) and `paper` (reportlab) take a second to import: load them when a file is asked for.
"""

from twinledger.documents.cells import Value, cell_text, csv_text
from twinledger.documents.files import File

__all__ = ["File", "Value", "cell_text", "csv_text"]
