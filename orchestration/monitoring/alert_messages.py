"""Incidents, and the messages about them: one when it begins, one when it is over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingestion.settings import Settings

MOST_LINES = 20


@dataclass(frozen=True)
class Changes:
    """Incidents that began and those that ended: key → sentence."""

    begun: dict[str, str]
    over: dict[str, str]


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> Changes:
    """What changed. An incident is identified by its key; its sentence may change."""
    return Changes(
        {key: sentence for key, sentence in now.items() if key not in before},
        {key: sentence for key, sentence in before.items() if key not in now},
    )


def message(found: Changes) -> dict[str, Any]:
    """The Slack-shaped JSON: one post for all that changed at once."""
    lines = [f":red_circle: *{key}*: {sentence}" for key, sentence in found.begun.items()]
    lines += [f":large_green_circle: *{key}*: recovered" for key in found.over]
    more = len(lines) - MOST_LINES
    shown = lines[:MOST_LINES] + ([f"… and {more} more: see Dagster"] if more > 0 else [])
    return {"text": "\n".join(shown)}


def post(settings: Settings, found: Changes) -> None:
    """Post the changes to TWIST_ALERT_WEBHOOK.

    Raises:
        RuntimeError: it was not accepted. The address is a secret and not part of the message.
    """
    import httpx

    try:
        answer = httpx.post(
            settings.alert_webhook.get_secret_value(), json=message(found), timeout=10
        )
        answer.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise RuntimeError(
            f"the webhook answered {error.response.status_code}: check TWIST_ALERT_WEBHOOK; the "
            "alert is posted again at the next evaluation"
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RuntimeError(
            f"the webhook cannot be reached ({type(error).__name__}): check TWIST_ALERT_WEBHOOK; "
            "the alert is posted again at the next evaluation"
        ) from None
