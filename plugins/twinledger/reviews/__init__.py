"""Reviews: a month of each department and of the company, and what its owners answer to it.

What belongs here: putting together what the rooms below know of a month, its PDF and JSON, the checklist and its
answers. What does not: any analysis of its own, how an amount comes about (`rating`, `budgets`, `reconciliation`), and
how a page or message looks (`web`, `slack`).

    read ──► build ──► Review ──────────┬─► page, PDF, JSON
                         └─► company ───┤
                                        └─► checklist ──► keep ──► message ──► answers
"""

from twinledger.reviews.answer import LONGEST_TEXT, Outcome, Reply, answer, may_answer
from twinledger.reviews.checklist import FinanceItem, Item, checklist, company_checklist
from twinledger.reviews.company import CompanyReview
from twinledger.reviews.files import FORMATS, review_file, review_json
from twinledger.reviews.keep import keep, sending_of
from twinledger.reviews.month import (
    MonthReviews,
    SentReviews,
    month_reviews,
    review_for_everyone,
    review_for_finance,
    review_of,
    send_reviews,
)
from twinledger.reviews.remind import remind_due
from twinledger.reviews.review import COMPANY, Review
from twinledger.reviews.told import CARD, COMPANY_CARD, REMINDER
from twinledger.reviews.view import FinanceItemView, ItemView, company_items, department_items, sent_reviews

__all__ = [
    "CARD",
    "COMPANY",
    "COMPANY_CARD",
    "FORMATS",
    "LONGEST_TEXT",
    "REMINDER",
    "CompanyReview",
    "FinanceItem",
    "FinanceItemView",
    "Item",
    "ItemView",
    "MonthReviews",
    "Outcome",
    "Reply",
    "Review",
    "SentReviews",
    "answer",
    "checklist",
    "company_checklist",
    "company_items",
    "department_items",
    "keep",
    "may_answer",
    "month_reviews",
    "remind_due",
    "review_file",
    "review_for_everyone",
    "review_for_finance",
    "review_json",
    "review_of",
    "send_reviews",
    "sending_of",
    "sent_reviews",
]
