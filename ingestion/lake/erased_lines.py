"""Takes the person out of a landed line: the view stays, and is judged and counted as before.

Of a line remain the fields that its topic's schema names, but those of a person; of a bot's user
agent the pattern that it was found by. A value that made the line wrong stays wrong, without its
text; a line that is no JSON object becomes `NO_JSON`, which is none either.
"""

import hashlib
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from ingestion.contract.strict_json import json_problem, schema
from ingestion.contract.topics import DEAD_LETTERS

CLICKSTREAM = "clickstream"
PERSONAL = ("visitor_id", "session_id", "url", "referrer", "order_id", "user_agent")
POSITION = ("_topic", "_partition", "_offset", "_timestamp")
NO_JSON = "the text of this line was erased"
MAY_ESCAPE = re.compile(rb"\\u00[2-7]")
"""A line with such an escape may have written the name of its fields with it."""
_VISITOR = re.compile(
    rb'"visitor_id"\s*:\s*(?:"((?:[^"\\\n]|\\.)*)(?:"|$)|(-?[\w.+-]+))'
    rb'|\\+"visitor_id\\+"\s*:\s*\\+"((?:[^"\\\n]|\\[^"\n])*?)\\+(?:"|$)',
    re.MULTILINE,
)
"""As a text, which may be cut; as another value; within a text, as a letter holds a record."""
_DECODER = json.JSONDecoder()
_BLANK, _COLON = re.compile(r"[ \t\r\n]*"), re.compile(r"[ \t\r\n]*:[ \t\r\n]*")


def visitor_hash(salt: str, visitor: str) -> str:
    """What the registry knows a visitor by: as `sha256(salt || visitor_id)` in DuckDB."""
    return hashlib.sha256(f"{salt}{visitor}".encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Forgotten(Container[object]):
    """The visitors to forget, by their hashes."""

    salt: str
    hashes: frozenset[str]

    def __contains__(self, visitor: object) -> bool:
        return visitor_hash(self.salt, str(visitor)) in self.hashes


def visitors(text: bytes) -> Iterator[tuple[int, str]]:
    """The position and value of each visitor_id in a text of lines, also where it is not JSON."""
    for found in _VISITOR.finditer(text):
        times = {1: 1, 2: 0, 3: 2}[found.lastindex or 1]
        yield found.start(), _unescaped(found[found.lastindex or 1], times)
    if MAY_ESCAPE.search(text):
        start = 0
        for line in text.split(b"\n"):
            if MAY_ESCAPE.search(line) and b'"visitor_id' not in line:
                yield from ((start, each) for each in _parsed_visitors(line))
            start += len(line) + 1


def _unescaped(value: bytes, times: int) -> str:
    text = value.decode(errors="backslashreplace")
    try:
        for _ in range(times if "\\" in text else 0):
            text = json.loads(f'"{text}"')
    except ValueError:
        pass  # not JSON: the text as it is
    return text


def _parsed_visitors(line: bytes) -> Iterator[str]:
    try:
        event = json.loads(line)
        if isinstance(event, dict) and isinstance(event.get("raw_value"), str):
            event = json.loads(event["raw_value"])
    except (ValueError, RecursionError):
        return
    if isinstance(event, dict) and isinstance(event.get("visitor_id"), str):
        yield event["visitor_id"]


@dataclass(frozen=True)
class Eraser:
    """Erases lines, with the settings that tell a bot."""

    bot_patterns: str
    bot_exceptions: str

    def erase(
        self,
        text: bytes,
        topic: str,
        is_forgotten: Callable[[str], bool],
        mentions: Callable[[bytes], Iterable[tuple[int, str]]] = lambda _: (),
    ) -> tuple[bytes, list[str]]:
        """A text of whole lines without the forgotten ones' fields, and whose lines they were.

        A line that is no JSON object, or the letter of such a record, goes where it `mentions` one
        of them at all.
        """
        places = [(at, who) for at, who in visitors(text) if is_forgotten(who)]
        mentioned = list(mentions(text))
        if not places and not mentioned:
            return text, []
        starts = [match.end() for match in re.finditer(b"\n", text)]
        lines = text.split(b"\n")
        whose = {bisect_right(starts, at): who for at, who in places}
        for at, who in mentioned:
            number = bisect_right(starts, at)
            if number not in whose and _is_loose(lines[number], topic):
                whose[number] = who
        for number in whose:
            lines[number] = self.line(lines[number], topic)
        return b"\n".join(lines), list(whose.values())

    def erase_all(self, text: bytes, topic: str) -> bytes:
        """The same of every line, whoever it is of; of dead letters those of the clickstream."""
        if topic == DEAD_LETTERS:
            mark = re.compile(rb'"origin_topic"\s*:\s*"clickstream"')
            return b"\n".join(
                self.line(line, topic) if mark.search(line) else line for line in text.split(b"\n")
            )
        return b"\n".join(self.line(line, topic) if line else line for line in text.split(b"\n"))

    def of_text(
        self, line: str, topic: str, forgotten: Container[object], *, always: bool = False
    ) -> str:
        """A line as a table keeps it, erased where it is a forgotten one's, or `always`."""
        text = line.rstrip("\n").encode(errors="surrogatepass")
        if always:
            return self.erase_all(text, topic).decode(errors="surrogatepass")
        return self.erase(text, topic, forgotten.__contains__)[0].decode(errors="surrogatepass")

    def line(self, line: bytes, topic: str) -> bytes:
        """One line without its person."""
        if _is_no_json(line, topic):
            return NO_JSON.encode()
        return self.text(line.decode(), topic).encode()

    def text(self, text: str, topic: str) -> str:
        """One line without its person, as text."""
        if _is_no_json(text.encode(errors="surrogatepass"), topic):
            return NO_JSON
        kept = []
        for name, key, value in _members(text):
            if topic == CLICKSTREAM and name in PERSONAL:
                value = self._personal(name, value)
            elif topic == DEAD_LETTERS and name in ("raw_value", "reason"):
                value = self._of_letter(name, value)
            elif name not in POSITION and name not in schema(topic)["properties"]:
                continue
            if value:
                kept.append(f"{key}:{value}")
        return "{" + ",".join(kept) + "}"

    def _personal(self, name: str, value: str) -> str:
        """What stays of a person's field, as JSON; '' for nothing."""
        found = json.loads(value)
        if not isinstance(found, str):
            return "" if found is None else "false"
        if len(found) > (_length(CLICKSTREAM, name) or len(found)):
            return json.dumps("-" * (len(found) if len(found) < 1000 else 1000))
        pattern = self.bot_pattern(found) if name == "user_agent" else None
        return json.dumps(pattern) if pattern else ""

    def _of_letter(self, name: str, value: str) -> str:
        """A letter's record likewise; its reason, which may quote that, to its first colon."""
        found = json.loads(value)
        if not isinstance(found, str):
            return "" if found is None else "false"
        if name == "raw_value":
            return json.dumps(self.text(found, CLICKSTREAM), ensure_ascii=False)
        too_long = len(found) > (_length(DEAD_LETTERS, name) or len(found))
        return json.dumps("-" * 513 if too_long else reason_without_quotes(found))

    def bot_pattern(self, user_agent: str) -> str | None:
        """The first pattern that makes a user agent a bot's; None for a human."""
        agent = user_agent.lower()
        for exception in self.bot_exceptions.split(","):
            agent = agent.replace(exception.strip(), "") if exception.strip() else agent
        patterns = (pattern.strip() for pattern in self.bot_patterns.split(","))
        return next((pattern for pattern in patterns if pattern in agent), None)


def reason_without_quotes(reason: str) -> str:
    """Of a dead letter's reason the stage at which it failed."""
    return reason.partition(":")[0]


def _is_loose(line: bytes, topic: str) -> bool:
    """Whether nothing tells which field of a line a text is in."""
    if _is_no_json(line, topic) or topic != DEAD_LETTERS:
        return _is_no_json(line, topic)
    record = json.loads(line).get("raw_value")
    return isinstance(record, str) and _is_no_json(record.encode(errors="replace"), CLICKSTREAM)


def _is_no_json(line: bytes, topic: str) -> bool:
    try:
        return (json_problem(line.decode(), topic) or "").startswith("not JSON")
    except UnicodeDecodeError:
        return True


@cache
def _length(topic: str, field: str) -> int | None:
    found: int | None = schema(topic)["properties"][field].get("maxLength")
    return found


def _members(text: str) -> Iterator[tuple[str, str, str]]:
    """The members of a JSON object: name, and name and value as they are written."""
    at = text.index("{") + 1
    while True:
        at = _end(_BLANK, text, at)
        if text[at] == "}":
            return
        name, end = _DECODER.raw_decode(text, at)
        begin = _end(_COLON, text, end)
        _, after = _DECODER.raw_decode(text, begin)
        yield name, text[at:end], text[begin:after]
        at = _end(_BLANK, text, after)
        at += text[at] == ","


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
