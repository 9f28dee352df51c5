"""The commands of monthly reviews: make, show, send, answer, list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import AsJson, ByOption, PeriodArgument, open_books, out, print_json, progress, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twinledger.books import Books
    from twinledger.reviews import CompanyReview, FinanceItemView, ItemView, Outcome, Review
    from twinledger.reviews.company_words import FinanceSection
    from twinledger.reviews.words import Section
    from twinledger.vocabulary.periods import Period

review = typer.Typer(help="Monthly reviews: what moved, why, and what its owners answer.", no_args_is_help=True)

DepartmentOption = Annotated[
    str,
    typer.Option("--department", help="A department of departments.yaml; left out, the whole company, for finance."),
]
OutOption = Annotated[Path, typer.Option("--out", help="The folder that files are written to; made if need be.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be asked, and send nothing.")]
ItemArgument = Annotated[str, typer.Argument(help="An item, as `review list` names it: variance, request:req-1.")]
TextOption = Annotated[str, typer.Option("--text", help="An explanation; left out, the item is done.")]
NotOption = Annotated[bool, typer.Option("--not-applicable", help="The question has no place here.")]


@review.command()
def make(period: PeriodArgument, department: DepartmentOption = "", folder: OutOption = Path()) -> None:
    """Write reviews as PDF and JSON: of every department and of the company, or of one department.

    Files whose names have `finance` in them are for finance only; all others hold internal prices alone.

    Examples: [bold]twinledger review make 2026-10 --out reviews[/];
    [bold]twinledger review make 2026-10 --department storefront[/]
    """
    from twinledger.reviews import FORMATS, month_reviews, review_file, review_of

    with open_books() as books, progress(f"reviews of {period}") as say:
        if department:
            made: list[Review | CompanyReview] = [review_of(books, department, period)]
        else:
            found = month_reviews(books, period, say)
            made = [*found.departments, found.company.shared, found.company]
        say("writing")
        files = [review_file(one, kind) for one in made for kind in FORMATS]
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file.name).write_bytes(file.content)
        out.print(str(folder / file.name), markup=False, soft_wrap=True)


@review.command()
def show(period: PeriodArgument, department: DepartmentOption = "", as_json: AsJson = False) -> None:
    """What a month came to against its plan, why it moved, and what is asked of its owner.

    Examples: [bold]twinledger review show 2026-10 --department storefront[/]; for finance, of the company:
    [bold]twinledger review show 2026-10[/]
    """
    from twinledger.reviews import review_for_finance, review_json, review_of

    with open_books() as books, progress(f"review of {period}", shown=not as_json):
        found = review_of(books, department, period) if department else review_for_finance(books, period)
    if as_json:
        print_json(review_json(found))
        return
    _show(found)


@review.command()
def send(period: PeriodArgument, dry_run: DryRunOption = False, as_json: AsJson = False) -> None:
    """Send every department its review, and finance the company's, with the questions that it asks.

    What says nothing new is not sent again; where figures changed, the message is brought up to date.

    Example: [bold]twinledger review send 2026-10 --dry-run[/]
    """
    from twinledger.reviews import month_reviews, send_reviews

    with open_books() as books, progress(f"reviews of {period}", shown=not as_json) as say:
        found = month_reviews(books, period, say)
        if not dry_run:
            say("queueing messages")
            sent = send_reviews(books, found, "command line")
    if dry_run:
        _asked([found.company, *(one for one in found.departments if not one.empty)], as_json=as_json)
    elif as_json:
        print_json({"told": sent.told, "unchanged": sent.unchanged, "empty": sent.empty})
    else:
        for title, names in (("sent", sent.told), ("as before", sent.unchanged), ("nothing to review", sent.empty)):
            out.print(f"{title}: {', '.join(names) or 'none'}", markup=False)


@review.command()
def answer(
    period: PeriodArgument, item: ItemArgument, who: ByOption, department: DepartmentOption = "", text: TextOption = "",
    not_applicable: NotOption = False,
) -> None:  # fmt: skip
    """Answer an item of a review that was sent, once: done, explained with --text, or not applicable.

    For the owner or budget holder of the department, those above them, and finance; the company's review is finance's.

    Example: [bold]twinledger review answer 2026-10 variance --department storefront --by bob --text "the sale"[/]
    """
    from twinledger.reviews import Reply
    from twinledger.reviews import answer as answered

    outcome: Outcome = "not applicable" if not_applicable else "explained" if text else "done"
    with open_books() as books:
        answered(books, Reply(str(period), department, item, outcome, who, "command line", text))
    out.print(f"{item}: {outcome}", markup=False)


@review.command("list")
def list_items(period: PeriodArgument, as_json: AsJson = False) -> None:
    """What the reviews of a month ask, and who answered what.

    Example: [bold]twinledger review list 2026-10[/]
    """
    with open_books() as books:
        rows = _items(books, period)
    if as_json:
        print_json([dict(zip(_COLUMNS, row, strict=True)) for row in rows])
        return
    waiting = sum(row[2] == "open" for row in rows)
    table(f"{period}: {len(rows)} items, {waiting} wait", _COLUMNS, rows)


_COLUMNS = ("review", "item", "state", "question", "answered by", "text")


def _items(books: Books, period: Period) -> list[tuple[str, ...]]:
    from twinledger.reviews import COMPANY, company_items, department_items, sent_reviews

    found: list[tuple[str, ItemView | FinanceItemView]] = []
    with books.store.reading() as session:
        for name in [one.department for one in sent_reviews(session, str(period))]:
            if name == COMPANY:
                found += [("company", one) for one in company_items(session, str(period))]
            else:
                found += [(name, one) for one in department_items(session, str(period), name)]
    return [(name, one.id, one.state, one.question, one.answered_by, one.said) for name, one in found]


def _show(found: Review | CompanyReview) -> None:
    from twinledger.reviews import CompanyReview
    from twinledger.reviews.company_words import finance_questions, finance_sections
    from twinledger.reviews.words import questions, sections, small_print, summary

    shared = found.shared if isinstance(found, CompanyReview) else found
    out.print(f"Review of {shared.title}, {shared.period}", style="bold", markup=False)
    out.print(small_print(shared), markup=False)
    out.print(summary(shared) + "\n", markup=False)
    if isinstance(found, CompanyReview):
        _tables([*finance_sections(found), *sections(shared), finance_questions(found)])
    else:
        _tables([*sections(shared), questions(shared)])


def _tables(found: Iterable[Section | FinanceSection]) -> None:
    for one in found:
        title = f"{one.title}: {one.note}" if one.note else one.title
        if one.rows:
            table(title, [name for name, _ in one.heads], one.rows, [name for name, number in one.heads if number])
        else:
            out.print(f"{title}\n", markup=False)


def _asked(found: list[Review | CompanyReview], *, as_json: bool) -> None:
    from twinledger.reviews import CompanyReview, checklist, company_checklist

    rows = [
        ("company" if isinstance(one, CompanyReview) else one.department, item.id, item.question)
        for one in found
        for item in (company_checklist(one) if isinstance(one, CompanyReview) else checklist(one))
    ]
    columns = ("review", "item", "question")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        table(f"{len(rows)} questions would be asked", columns, rows)
