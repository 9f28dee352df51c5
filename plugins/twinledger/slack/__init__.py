"""Slack: what a message looks like, how it leaves, and what happens when somebody presses a button.

What belongs here: cards (facts to blocks), the sender (outbox item to Slack), the handler (button
to decision). What does not: who may decide, which `approvals` knows, and when something is sent,
which the outbox knows.
"""
