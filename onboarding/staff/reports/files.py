"""A report as a CSV file that a spreadsheet may open without harm.

A cell that begins like a formula would be run by the spreadsheet of whoever opens the file, and
merchants choose names. Such a cell gets an apostrophe in front, which spreadsheets show as text.
Source: OWASP, "CSV Injection".
"""

import csv
import io

from onboarding.staff.reports.values import Cell, Report

# Also as full-width characters, which some spreadsheets take for the same.
_FORMULA_STARTS = "=+-@\uff1d\uff0b\uff0d\uff20|%"
_BYTE_ORDER_MARK = "\ufeff"


def as_csv(report: Report) -> str:
    """The table of a report with its heads; UTF-8 with a mark, by which Excel knows it."""
    file = io.StringIO()
    file.write(_BYTE_ORDER_MARK)
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow([harmless(column) for column in report.columns])
    writer.writerows([harmless(cell) for cell in row] for row in report.rows)
    return file.getvalue()


def harmless(cell: Cell) -> Cell:
    """A cell that no spreadsheet runs; numbers stay numbers."""
    if isinstance(cell, int):
        return cell
    is_formula = cell.lstrip()[:1] in tuple(_FORMULA_STARTS) or cell[:1] in ("\t", "\r", "\n")
    return f"'{cell}" if is_formula and cell.strip() else cell
