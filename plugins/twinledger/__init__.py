"""Twinledger: two ledgers of one cloud bill, and the proof of how they differ.

Four floors, held by import-linter: `vocabulary`; the ports `lake`, `engine`, `store`, `quality`,
`outbox`, `clock`, `books`; the domain, one folder a subject; the edges `slack`, `web`, `airflow`,
`cloud`, `cli`. Each floor imports only from those below it.
"""

__version__ = "0.1.0"
