"""The rules that are read off the text: what sqlglot's tree no longer shows.

The parser forgives a trailing comma, takes LIMIT for TOP, `!=` for `<>`, NVL for COALESCE, and
puts NULLS FIRST where nothing is written. These rules look at a statement's shape (`rules_masks`),
so literals, comments and quoted names never trigger them.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.teradata.rules_catalogue import RULES, Finding
from tests.teradata.rules_masks import Source
from tests.teradata.rules_vocabulary import (
    FUNCTIONS,
    INTERVAL_UNITS,
    SYNTAX,
    TYPES,
)

_END_OF_LIST = r"\)|;|\Z|\b(?:from|where|group|order|having|qualify|union|on|select)\b"
_PATTERNS: Final = [
    (rule, re.compile(pattern, re.IGNORECASE))
    for rule, pattern in (
        ("cast_operator", r"::"),
        ("not_equal", r"!="),
        ("lambda", r"->"),
        ("nested_type", r"[\[{]"),
        ("operator", r"[%^&~?@#$\\`]|(?<!:):(?!:)|!(?!=)|==|\*\*|//|=>|\b\d+_\d"),
        ("operator", r"(?!\b(?:date|timestamp)')\b\w+'"),  # x'41', n'text'
        ("limit", r"\blimit\b"),
        ("offset", r"\boffset\b"),
        ("if_exists", r"\bif\s+(?:not\s+)?exists\b"),
        ("create_or_replace", r"\bcreate\s+or\s+replace\b"),
        ("group_by_all", r"\b(?:group|order)\s+by\s+all\b"),
        ("join_kind", r"\b(?:semi|anti|positional)\s+join\b|\bnatural\b|\basof\b"),
        ("star_exclude", r"\bexclude\b|\*\s*(?:except|replace|rename)\s*\("),
        ("count_distinct_list", r"\bcount\s*\(\s*distinct\b(?:[^()]|\([^()]*\))*,"),
        ("trailing_comma", rf",\s*(?:{_END_OF_LIST})"),
        ("filter", r"\)\s*filter\s*\("),
        ("boolean", r"\b(?:true|false)\b"),
        ("ilike", r"\bilike\b"),
        ("date_trunc", r"\bdate_?trunc\b|\btimestamp_trunc\b"),
        ("is_distinct", r"\bis\s+(?:not\s+)?distinct\s+from\b"),
        ("unnest", r"\bunnest\b"),
        ("lateral", r"\blateral\b"),
        ("lambda", r"\blambda\b"),
        ("time_zone", r"\bat\s+(?:time\s+zone|local)\b"),
        ("char_length", r"\b(?:var)?char\b(?!\s*\(\s*\d+\s*\))"),
        ("char_set", r"\b(?:var)?char\s*\(\s*\d+\s*\)(?!\s*character\s+set\s+unicode\b)"),
    )
]


def check_patterns(source: Source) -> Iterator[Finding]:
    """What a pattern can tell, on the statement as it was written."""
    for rule, pattern in _PATTERNS:
        for found in pattern.finditer(source.shape):
            yield Finding(RULES[rule], source.near(*found.span()))
    body = source.shape.rstrip().rstrip(";")
    for found in re.finditer(";", body):
        yield Finding(RULES["several_statements"], source.near(*found.span()))
    if (quotes := re.sub(r"""'[^']*'|"[^"]*\"""", "", source.shape)) and re.search("['\"]", quotes):
        yield Finding(RULES["unparsed"], "a quote that is not closed")


_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|\w+|[^\w\s]""")


@dataclass(frozen=True)
class _Token:
    word: str  # lower case; a literal or a quoted name is its quote
    start: int
    end: int
    opener: str  # the word before the parenthesis it stands in
    depth: int


def _tokens(source: Source) -> list[_Token]:
    out: list[_Token] = []
    openers = [""]
    for found in _TOKEN.finditer(source.shape):
        word = found[0].lower() if found[0][0] not in "'\"" else found[0][0]
        if word == ")" and len(openers) > 1:
            openers.pop()
        out.append(_Token(word, *found.span(), openers[-1], len(openers)))
        if word == "(":
            openers.append(out[-2].word if len(out) > 1 else "")
    return out


def check_tokens(source: Source) -> Iterator[Finding]:
    """What needs a token's neighbours, on the masked statement."""
    tokens = _tokens(source)
    for i, token in enumerate(tokens):
        following = [t.word for t in tokens[i + 1 : i + 4]] + ["", "", ""]
        rule = _at_word(source, tokens, i, following)
        if rule:
            yield Finding(RULES[rule], source.near(token.start, token.end))
        if token.word == "order" and following[0] == "by":
            yield from _unordered_nulls(source, tokens, i + 2)
        if following[0] == "(" and re.match(r"[^\W\d]", token.word):
            if not _is_no_function(tokens, i):
                yield Finding(RULES["function"], token.word)
            elif not _has_its_form(tokens, i):
                yield Finding(RULES["function_form"], source.near(token.start, token.end))
    yield from _clause_order(source, tokens)


def _at_word(source: Source, tokens: list[_Token], i: int, following: list[str]) -> str | None:
    """The rule that is broken by a word and the three after it."""
    token, (first, second, third, *_) = tokens[i], following
    if token.word == "as" and token.opener in ("cast", "trycast"):
        precise = second == {"decimal": "(", "numeric": "(", "double": "precision"}.get(
            first, second
        )
        return None if first in TYPES and precise else "type"
    if token.word == "as" and not re.fullmatch(r"[\w\"(]+", first):
        return "unparsed"  # sqlglot forgives AS without a name
    if token.word == "interval":
        if first != "'" or second not in INTERVAL_UNITS or third in ("(", "to"):
            return "interval"
        number = source.text[tokens[i + 1].start + 1 : tokens[i + 1].end - 1]
        return None if re.fullmatch(r"-?\d+(\.\d+)?", number) else "interval"
    return None


# Functions that separate their arguments by a word; DuckDB and sqlglot take a comma too.
_SEPARATED: Final = {"extract": "from", "position": "in", "substring": "from"}


def _has_its_form(tokens: list[_Token], i: int) -> bool:
    word = _SEPARATED.get(tokens[i].word)
    if word is None:
        return True
    inside = itertools.takewhile(lambda t: t.depth > tokens[i].depth, tokens[i + 2 :])
    words = [t.word for t in inside if t.depth == tokens[i].depth + 1]
    return word in words and "," not in words


_CLAUSES: Final = ["select", "from", "where", "group", "having", "qualify", "order"]


def _clause_order(source: Source, tokens: list[_Token]) -> Iterator[Finding]:
    """sqlglot takes the clauses of a SELECT in any order."""
    last: dict[int, list[str]] = {}  # by depth, the clauses of the SELECT that is being read
    for token in tokens:
        last = {depth: words for depth, words in last.items() if depth <= token.depth}
        if token.word == "select":
            last[token.depth] = ["select"]
        elif token.word in _CLAUSES and (words := last.get(token.depth)):
            words.append(token.word)
            ordered = _CLAUSES.index(words[-2]) < _CLAUSES.index(token.word)
            if not ordered or {"having", "qualify"} <= set(words):
                yield Finding(RULES["clause_order"], source.near(token.start, token.end))


def _is_no_function(tokens: list[_Token], i: int) -> bool:
    """Whether the word before a parenthesis is an allowed function, syntax, or a table's name."""
    word = tokens[i].word
    if word in FUNCTIONS or word in SYNTAX:
        return True
    start = i
    while start >= 2 and tokens[start - 1].word == ".":
        start -= 2
    before = tokens[start - 1].word if start else ""
    if before in ("into", "as", ")") or (before == "table" and tokens[0].word == "create"):
        return True
    close = next((j for j in range(i + 2, len(tokens)) if tokens[j].depth == tokens[i].depth), i)
    return [t.word for t in tokens[close + 1 : close + 3]] == ["as", "("]  # with name (column) as (


_END_OF_ORDER = ("rows", "range", "groups", "sample", "limit", "qualify", ";")


def _unordered_nulls(source: Source, tokens: list[_Token], i: int) -> Iterator[Finding]:
    """The items of the ORDER BY whose first token is `i` that do not end in NULLS FIRST or LAST."""
    item: list[_Token] = []
    for token in [*tokens[i:], None]:
        inside = token is not None and token.depth >= tokens[i - 1].depth
        ended = token is None or not inside or token.word in _END_OF_ORDER
        if ended or (
            token is not None and token.word == "," and token.depth == tokens[i - 1].depth
        ):
            words = [t.word for t in item[-2:]]
            if item and words not in (["nulls", "first"], ["nulls", "last"]):
                yield Finding(RULES["nulls_order"], source.text[item[0].start : item[-1].end])
            item = []
        elif token is not None:
            item.append(token)
        if ended:
            return
