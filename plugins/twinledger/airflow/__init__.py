"""Airflow: when the domain's work is done, and how Airflow and the store stay of one mind.

What belongs here: assets, the policy that every DAG shares, the approval operator, and the client of
Airflow's own REST API. What does not: the DAGs (`dags/`) and what their tasks do, which is the
domain's. Nothing heavy is imported here: DAG files are parsed all the time.
"""
