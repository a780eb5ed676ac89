"""Pre-passes that make Teradata's own syntax readable for sqlglot, none of them by guessing.

sqlglot cannot parse some Teradata syntax the models need. Each such form is described here by one
narrow pattern and replaced by something sqlglot does parse. What no pattern describes stays as it
is, does not parse, and is a finding.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# The zone of an AT TIME ZONE that stands for an interval qualifier, see `mask`.
INTERVAL_QUALIFIER: Final = "an interval qualifier"
READ_NOS: Final = "read_nos_rows"

_LEXEME = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")""", re.DOTALL
)
_LITERAL = r"'[^']*'"


def name(group: str) -> str:
    """A pattern for a table's or column's name, qualified or not, as the named group."""
    word = r"""(?:"[^"]*"|\w+)"""
    return rf"(?P<{group}>{word}(?:\s*\.\s*{word})*)"


@dataclass(frozen=True)
class Source:
    """A statement twice, equally long: as `text`, and as `shape`.

    In both, comments are blanks. In `shape` the insides of literals and quoted names are blanks
    too, so that a pattern found in it is code.
    """

    text: str
    shape: str

    @classmethod
    def of(cls, sql: str) -> "Source":
        text = _LEXEME.sub(lambda m: _blank(m[0]) if m["comment"] else m[0], sql)
        shape = _LEXEME.sub(
            lambda m: _blank(m[0]) if m["comment"] else m[0][0] + _blank(m[0][1:-1]) + m[0][-1], sql
        )
        return cls(text, shape)

    def cut(self, start: int, end: int | None = None) -> "Source":
        return Source(self.text[start:end], self.shape[start:end])

    def replace(self, edits: Iterable[tuple[tuple[int, int], str]]) -> "Source":
        """Replace spans that do not overlap."""
        text, shape = self.text, self.shape
        for (start, end), new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
            shape = shape[:start] + new + shape[end:]
        return Source(text, shape)

    def near(self, start: int, end: int) -> str:
        """The code at a place, on one line, for a message."""
        return " ".join(self.text[max(0, start - 20) : end + 25].split())


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


# cast(x as varchar(64) character set unicode)
_CHARACTER_SET = re.compile(
    r"(?<=\))(?P<before>\s*)(?P<phrase>character\s+set\s+unicode\b)", re.IGNORECASE
)

# (a - b) day(4) to second(6), (a - b) minute(4). The leading precision is required: the default
# of 2 digits overflows (7453) after 99 days or minutes.
_QUALIFIER = re.compile(
    r"""(?<=\))\s*\b(?:
        day\s*\(\s*[1-4]\s*\)(?:\s*to\s+(?:hour|minute|second\s*\(\s*[0-6]\s*\)))?
      | hour\s*\(\s*[1-4]\s*\)(?:\s*to\s+(?:minute|second\s*\(\s*[0-6]\s*\)))?
      | minute\s*\(\s*[1-4]\s*\)(?:\s*to\s+second\s*\(\s*[0-6]\s*\))?
      | second\s*\(\s*[1-4]\s*,\s*[0-6]\s*\)
    )(?!\s*\(|\s*to\b)""",
    re.IGNORECASE | re.VERBOSE,
)

# read_nos (using location('/s3/...') returntype('NOSREAD_KEYS'))
_READ_NOS = re.compile(
    rf"""\bread_nos\s*\(\s*using\s+(?:
        (?:location|access_id|access_key|returntype|storedas|rowformat|header|fullscan|manifest
           |buffersize|sample_perc)\s*\(\s*{_LITERAL}\s*\)\s*
      | authorization\s*\(\s*{name("authorization")}\s*\)\s*
    )+\)""",
    re.IGNORECASE | re.VERBOSE,
)

# write_nos (on (select ...) using location('/s3/...')): the query in it is judged
_WRITE_NOS = re.compile(r"\bwrite_nos\s*\(\s*on\s*(?=\()", re.IGNORECASE)
_WRITES = re.compile(
    rf"""(?<=\))\s*using\s+(?:
        (?:location|storedas|compression|naming|maxobjectsize)\s*\(\s*{_LITERAL}\s*\)\s*
      | authorization\s*\(\s*{name("authorization")}\s*\)\s*
    )+\)""",
    re.IGNORECASE | re.VERBOSE,
)

# $path.$dt: a part of the key of the object that a line of a foreign table comes from
_PATH = re.compile(r"\$path\.\$(?P<part>\w+)", re.IGNORECASE)


def mask(source: Source) -> Source:
    """Replace what sqlglot cannot read by what it can; both are the same to the rules."""
    edits = [(m.span("phrase"), "") for m in _CHARACTER_SET.finditer(source.shape)]
    zone = f" at time zone '{INTERVAL_QUALIFIER}'"
    edits += [(m.span(), zone) for m in _QUALIFIER.finditer(source.shape)]
    edits += [(m.span(), READ_NOS) for m in _READ_NOS.finditer(source.shape)]
    if _WRITE_NOS.search(source.shape):
        edits += [(m.span(), "") for m in _WRITE_NOS.finditer(source.shape)]
        edits += [(m.span(), "") for m in _WRITES.finditer(source.shape)]
    edits += [(m.span(), f"{m['part']}_of_path") for m in _PATH.finditer(source.shape)]
    return source.replace(edits)


_WORD = r"""(?:"[^"]*"|\w+)"""
_RANGE = rf"""range_n\s*\(\s*{_WORD}\s+between\s+(?:date|timestamp)\s+{_LITERAL}
    \s+and\s+(?:date|timestamp)\s+{_LITERAL}\s+each\s+interval\s+{_LITERAL}\s+(?:month|day|hour)
    (?:\s*,\s*no\s+range(?:\s+or\s+unknown)?)?\s*\)"""
_INDEX = rf"""(?:no\s+primary\s+index
    | (?:unique\s+)?primary\s+index\s*\(\s*{_WORD}(?:\s*,\s*{_WORD})*\s*\)
      (?:\s*partition\s+by\s+{_RANGE})?)"""
_TABLE = rf"""\s*create\s+(?P<multiset>multiset\s+)?table\s+{name("name")}\s*
    (?:,\s*(?:no\s+)?fallback\s*)?"""

# create multiset table x as (select ...) with no data [and statistics] primary index (a)
_TABLE_AS = re.compile(
    rf"""{_TABLE}\bas\s*\((?P<body>.*)\)\s*with\s+(?:no\s+)?data
    (?:\s+and\s+(?:no\s+)?statistics)?\s*(?P<index>{_INDEX})?\s*""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
# create multiset table x (a bigint not null, ...) primary index (a)
_TABLE_OF = re.compile(
    rf"""{_TABLE}\((?P<body>.*?)\)\s*(?P<index>{_INDEX})?\s*""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
# replace view x as select ...
_VIEW = re.compile(
    rf"""\s*(?:create|replace)\s+view\s+{name("name")}\s+as\b(?P<body>.*)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Definition:
    """A CREATE or REPLACE statement taken apart."""

    kind: str  # view, table as (a query), table of (columns)
    name: Source
    body: Source
    multiset: bool
    index: Source | None

    @property
    def indexed(self) -> str:
        """The columns of the primary index; `*` if it has none."""
        found = re.search(r"\(([^)]*)\)", self.index.text) if self.index else None
        return found[1] if found else "*"


def definition(source: Source) -> Definition | None:
    """Take a CREATE TABLE, CREATE VIEW or REPLACE VIEW apart; None if it has no form we know."""
    for kind, pattern in (("table as", _TABLE_AS), ("table of", _TABLE_OF), ("view", _VIEW)):
        if found := pattern.fullmatch(source.shape):
            group = found.groupdict()
            return Definition(
                kind,
                source.cut(*found.span("name")),
                source.cut(*found.span("body")),
                bool(group.get("multiset")),
                source.cut(*found.span("index")) if group.get("index") else None,
            )
    return None


_COLUMNS = rf"""column\s*\(\s*{_WORD}(?:\s*,\s*{_WORD})*\s*\)"""

# Statements of hooks; they have no expressions to look into.
_UTILITY = re.compile(
    rf"""\s*(?:
        collect\s+statistics\s+(?:using\s+system\s+threshold\s+for\s+current\s+)?
        {_COLUMNS}(?:\s*,\s*{_COLUMNS})*\s*on\s+{name("on")}
      | set\s+query_band\s*=\s*{_LITERAL}\s*(?:update\s+)?for\s+(?:session|transaction)
    )\s*""",
    re.IGNORECASE | re.VERBOSE,
)


def is_utility(source: Source) -> bool:
    return bool(_UTILITY.fullmatch(source.shape))
