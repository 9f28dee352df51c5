"""Clouds: where bytes and credentials of vendors are reached.

What belongs here: adapters of the ports of lower floors to vendors' own libraries (boto3). What does
not: what the files mean.
"""
