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
    RESERVED,
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
        ("operator", r"[%^&~?@#\\`]|(?<!:):(?!:)|!(?!=)|==|\*\*|//|=>|\b\d+_\d"),
        ("operator", r"(?<!\$path\.)\$(?!path\.\$)"),  # $path.$part is NOS's
        ("operator", r"(?!\b(?:date|timestamp)')\b\w+'"),  # x'41', n'text'
        ("limit", r"\blimit\b"),
        ("offset", r"\boffset\b"),
        ("if_exists", r"\bif\s+(?:not\s+)?exists\b"),
        ("create_or_replace", r"\bcreate\s+or\s+replace\b"),
        ("group_by_all", r"\b(?:group|order)\s+by\s+all\b"),
        ("join_kind", r"\b(?:semi|anti|positional)\s+join\b|\bnatural\b|\basof\b"),
        ("star_exclude", r"\bexclude\b|\*\s*(?:except|replace|rename)\s*\("),
        ("count_distinct_list", r"\bcount\s*\(\s*distinct\b(?:[^()]|\([^()]*\))*,"),
        ("empty_item", rf",\s*(?:,|{_END_OF_LIST})"),
        ("empty_item", r"(?:\(|\b(?:select|distinct|by|from|set|then|else|and|or))\s*,"),
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
    yield from _forgiven(source, tokens)
    yield from _clause_order(source, tokens)


def _at_word(source: Source, tokens: list[_Token], i: int, following: list[str]) -> str | None:
    """The rule that is broken by a word and the three after it."""
    token, (first, second, third, *_) = tokens[i], following
    if token.word == "as" and token.opener in ("cast", "trycast"):
        precise = second == {"decimal": "(", "numeric": "(", "double": "precision"}.get(
            first, second
        )
        return None if first in TYPES and precise else "type"
    if token.word == "interval":
        if first != "'" or second not in INTERVAL_UNITS or third in ("(", "to"):
            return "interval"
        number = source.text[tokens[i + 1].start + 1 : tokens[i + 1].end - 1]
        fraction = r"(\.\d{1,6})?" if second == "second" else ""
        return None if re.fullmatch(r"\d{1,4}" + fraction, number) else "interval"
    return None


# Words after which sqlglot forgives what must not follow, or that nothing follows.
_CUT = frozenset({"", ")", ",", ";"})
_CLAUSE = frozenset({"from", "where", "group", "having", "qualify", "order", "union"})
_NO_VALUE = _CUT | _CLAUSE | {"and", "or", "as", "when", "then", "else", "end"}
_INCOMPLETE: Final = {
    "as": _CUT | _CLAUSE | {"as", "'", "."},
    "by": _CUT | _CLAUSE | {"rows"},
    "distinct": _CUT | _CLAUSE,
    "when": {"then"},
    "not": {"then"},
    **dict.fromkeys(["+", "-", "/", "|", "=", "<", ">"], _NO_VALUE),
}
# Words that want one certain word after or before them.
_AFTER: Final = {"group": {"by"}, "order": {"by"}, "over": {"("}}
_BEFORE: Final = {"all": {"union", "except", "intersect", "select"}}
_FROM: Final = {"extract", "substring", "trim"}
_NO_ARGUMENTS: Final = {"row_number", "rank", "over"}
_ENDS: Final = {"'", ")", "end", "null", "current_date", "current_timestamp"}


def _forgiven(source: Source, tokens: list[_Token]) -> Iterator[Finding]:
    """Errors in the syntax that sqlglot reads over."""
    waiting = [False]  # for the statement and each CASE in it: whether a WHEN has no THEN yet
    words = ["", "", *(token.word for token in tokens), ""]
    for i, token in enumerate(tokens):
        second, first, word, following = words[i : i + 4]
        wrong = following in _INCOMPLETE.get(word, ()) or (word == "as" and following[:1].isdigit())
        wrong |= word == "*" and _ends_operand(first) and following in _NO_VALUE
        wrong |= word in _AFTER and following not in _AFTER[word]
        wrong |= word in ("top", "sample") and not following[:1].isdigit()
        wrong |= word in _BEFORE and first not in _BEFORE[word]
        wrong |= word in ("from", "join") and following == "'" and token.opener not in _FROM
        wrong |= word == "." and not (_ends_operand(first) and re.match(r"[\w\"*]", following))
        wrong |= word == ")" and first == "(" and second not in _NO_ARGUMENTS
        wrong |= word == "as" and not (_ends_operand(first) or first in INTERVAL_UNITS)
        wrong |= word == following and word in RESERVED
        wrong |= word == "from" and first in ("", "(") and token.opener not in _FROM
        if word in ("when", "then"):
            wrong |= waiting[-1] is (word == "when")
            waiting[-1] = word == "when"
        elif word == "case":
            waiting.append(False)
        elif word == "end":
            wrong |= waiting.pop() or not waiting
            waiting = waiting or [False]
        if wrong:
            yield Finding(RULES["unparsed"], source.near(token.start, token.end))
        elif _ends_operand(first) and second != "top" and _is_alias(first, word, following):
            yield Finding(RULES["implicit_alias"], source.near(token.start, token.end))
    if words.count("(") != words.count(")"):
        yield Finding(RULES["unparsed"], "a parenthesis that is not closed")
    if waiting != [False]:
        yield Finding(RULES["unparsed"], "a CASE without END or a WHEN without THEN")


def _is_name(word: str) -> bool:
    return word == '"' or bool(re.match(r"[^\W\d]", word) and word not in RESERVED)


def _ends_operand(word: str) -> bool:
    return word in _ENDS or word[:1].isdigit() or _is_name(word)


def _is_alias(first: str, word: str, following: str) -> bool:
    """Whether a word after an operand is one more, and not syntax: `partition by`, `nulls last`."""
    if word in ("preceding", "following") or (first, word) in (
        ("ignore", "nulls"),
        ("nulls", "last"),
    ):
        return False
    if (word, following) in (("partition", "by"), ("ignore", "nulls")) or word == "nulls":
        return False
    if first == ")" and word.lstrip("_").startswith("dbt_"):
        return False  # dbt's own: (select ... where ...) dbt_subquery
    return word == "'" or word[:1].isdigit() or _is_name(word)


# Functions that separate their arguments by a word; DuckDB and sqlglot take a comma too.
_SEPARATED: Final = {"extract": "from", "position": "in", "substring": "from"}


def _has_its_form(tokens: list[_Token], i: int) -> bool:
    word, depth = tokens[i].word, tokens[i].depth
    inside = itertools.takewhile(lambda t: t.depth > depth, tokens[i + 2 :])
    words = [t.word for t in inside if t.depth == depth + 1]
    if word == "trim" and {"both", "leading", "trailing", "from"} & set(words):
        return words[0] != "from" and words[1] == "from"
    return word not in _SEPARATED or (_SEPARATED[word] in words and "," not in words)


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
            if not ordered:
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
