"""Words of the domain: money, periods, identities, errors, settings.

What belongs here: values that every other folder speaks in. What does not: anything that reads or
writes. Imports nothing of ours.
"""
