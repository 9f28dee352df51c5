"""The app's manifest has what the code answers and calls, and no scope beyond it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from twinledger.slack.ask_form import PROVISION
from twinledger.vocabulary.settings import ROOT
from twinledger.web.slack_route import router

SCOPES = {
    "apps_connections_open": set(),  # of the app-level token, which no manifest has
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_list": {"channels:read"},
    "conversations_open": {"im:write"},
    "conversations_replies": {"channels:history", "groups:history", "im:history"},
    "files_delete": {"files:write"},
    "files_upload_v2": {"files:write"},
    "views_open": set(),
    "views_publish": set(),
    "views_update": set(),
}
"""What each method of Slack that is called needs; https://docs.slack.dev/reference/methods"""


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docs" / "slack-manifest.yaml").read_text()))


def _called() -> set[str]:
    code = "".join(path.read_text() for path in Path(ROOT / "plugins" / "twinledger" / "slack").glob("*.py"))
    return set(re.findall(r"_?client\.([a-z]+_\w+)\(", code))


def test_the_scopes_are_those_of_the_methods_that_are_called_and_of_commands(manifest: dict[str, Any]) -> None:
    called = _called() - {"send_socket_mode_response"}
    assert called <= set(SCOPES)
    needed = {"commands"}.union(*(SCOPES[name] for name in called))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed


def test_what_it_announces_is_what_is_answered_and_where(manifest: dict[str, Any]) -> None:
    features, settings = manifest["features"], manifest["settings"]
    assert [one["callback_id"] for one in features["shortcuts"]] == [PROVISION]
    assert [one["command"] for one in features["slash_commands"]] == [f"/{PROVISION}"]
    assert settings["event_subscriptions"]["bot_events"] == ["app_home_opened"]
    addresses = {
        features["slash_commands"][0]["url"],
        settings["event_subscriptions"]["request_url"],
        settings["interactivity"]["request_url"],
        settings["interactivity"]["message_menu_options_url"],
    }
    served = {f"https://airflow.example.com/twinledger{getattr(route, 'path', '')}" for route in router.routes}
    assert addresses <= served
