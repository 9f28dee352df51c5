"""Twinledger: two ledgers of one cloud bill, and the proof of how they differ.

Four floors, held by import-linter: `vocabulary`; the ports `lake`, `engine`, `store`, `quality`,
`outbox`, `places`, `clock`, `books`; the domain, one folder a subject; the edges `slack`, `web`,
`airflow`, `cloud`, `cli`, `sample`, `deployment`. Each floor imports only from those below it.

What belongs here: the version, and ports that are too small for a folder. What does not: rules,
which are in the folder of their subject, DAGs (`dags/`) and SQL (`sql/`).
"""

__version__ = "0.1.0"
