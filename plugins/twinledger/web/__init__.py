"""Pages: what is decided and counted, for people who are not in Slack or want to see more.

What belongs here: routes, what each page shows, templates. What does not: who somebody is, which
the app's owner (Airflow's plugin) tells by a dependency, and every rule, which is the domain's.
"""

from twinledger.web.app import create_app

__all__ = ["create_app"]
