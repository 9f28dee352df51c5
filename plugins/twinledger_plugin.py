"""What Airflow loads: our pages and Slack's route at /twinledger, and the link to them.

What belongs here: the plugin, thin: it is imported by every process of Airflow, also by each task.
What does not: anything that takes long to import; that is imported where Airflow asks for it.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin


class TwinledgerPlugin(AirflowPlugin):
    """Pages of both ledgers, beside Airflow's own."""

    name = "twinledger"
    external_views = [  # noqa: RUF012 - Airflow reads a class attribute
        {
            "name": "Twinledger",
            "href": "/twinledger/",
            "destination": "nav",
            "category": "browse",
            "url_route": "twinledger",
        }
    ]

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # read once, by the api-server alone
        """The app; made only where pages are served."""
        from twinledger.airflow.pages import app  # noqa: PLC0415 - heavy, and only the api-server needs it

        return [{"app": app(), "url_prefix": "/twinledger", "name": "twinledger"}]
