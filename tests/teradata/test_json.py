"""How a line is judged as JSON on Teradata, in both ways that TWIST_TERADATA_JSON chooses."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ingestion.settings import Settings
from orchestration.warehouse.dbt_runner import Dbt
from tests.harness.warm import warm_runner
from tests.teradata import emulator
from tests.teradata.warehouse import refused

LONG = '{"url": "' + "x" * 9_000 + '", "_offset": 5}'
QUERY = """select raw_line, is_object,
    case when is_object = 1 then {{ teradata_repeats_key('raw_line') }} else 0 end as repeats,
    case when is_object = 1 then {{ teradata_json_token('_offset') }} end as offset_token
from (
    select raw_line, is_object,
        cast(case when is_object = 1 then raw_line end
            as json(32000) character set unicode) as document
    from (
        select raw_line, {{ teradata_is_object('raw_line') }} as is_object from twist_load.lines
    ) as numbered
) as documents"""
LINES = [
    '{"_offset": 5}', '{"_offset":-1.50E-2,"a":"\\"}"}', '{"_offset": "5"}',
    '{"_offset": null}',
    '{"a": {"_offset": 1}, "_offset": 2}', '{"a": [1, {"b": ["}", "]"]}], "_offset": [ 3 ]}',
    ' {"_offset" : 7 } ', "{}", "[]", "5", '"a"', "", "null", "{", '{"a": }', '{"a": 1,}',
    '{"a" 1}',
    '{"a": 1 "b": 2}', '{"a": [1 2]}', '{"a": [1,]}', '{"a": 01}', '{"a": 1.}', '{"a": +1}',
    '{"a": .5}', '{"a": 1e}', '{"a": NaN}', '{"a": True}', '{"a": nul}', "{'a': 1}",
    '{"a": 1} {}',
    '{"a": 1}x', '{"a": "\x01"}', '{"a": "\t"}', '{"a": "\\x"}', '{"a": "\\u12"}',
    '{"a": "\\u0000"}',
    '{"a": "\\ud800"}', '{"a": "\\udc00\\ud800"}', '{"a": "\\ud83d\\ude00"}', '{"a": "\ufffd"}',
    '{"a": "😀", "_offset": 1}', '{"a": 1, "a": 2}', '{"a": 1, "b": {"c": 1, "c": 2}}',
    '{"a": {"a": 1}}', '{"a": [{"b": 1}, {"b": 2}]}', '{"x": "\\"a\\":", "a": 1}',
    '{"x": "a", "a": "a"}', '{"\\u0061": 1}', '{"a": "\\u0061"}',
    '{"a": {"b": 1}, "c": {"b": 1}}',
    '{"a": {"b": [], "b": {}}}', '{"a": "x", "b": "\\\\", "a": 1}', '{"a": [[], {}, [{}]]}',
    '{"a": ]}', '{"z": "v", "a": 1, "b": "x", "a": 2}', '{"z": "v", "a": 1, "b": "x", "c": 2}',
    '{"a": [}', '{"a": {]}', '{"":1,"":2}', '{"_offset": true, "b": false}',
]  # fmt: skip

STRING = re.compile(r'"((?:[^"\\]|\\.)*)"([ \t\r\n]*:)?')


def strictly(line: str) -> tuple[int, int, str | None]:
    """The answer by Python's own parser: an object, a key twice, the token of _offset."""
    repeats = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        repeats.append(len({key for key, _ in pairs}) < len(pairs))
        return dict(pairs)

    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        value = json.loads(line, object_pairs_hook=members, parse_constant=refuse)
        texts = json.dumps(value, ensure_ascii=False)
        texts.encode()  # no half of a surrogate pair
    except ValueError:
        return 0, 0, None
    if not isinstance(value, dict) or "\ufffd" in line or "\\u0000" in line:
        return 0, 0, None
    keys = [text for text, colon in STRING.findall(line) if colon]
    twice = any(repeats) or any("\\" in key for key in keys)
    token = emulator.functions.json_members(line, "$._offset")
    return 1, int(twice), token[1:-1] if token else None


@pytest.fixture(params=["functions", "patterns"])
def judge(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[list[str]], dict[str, tuple[Any, ...]]]]:
    """Asks a system about lines."""
    settings = Settings(_env_file=None, target="teradata", teradata_json=request.param)
    system = emulator.System(["twist_load"], tmp_path, refused)
    emulator.install()
    emulator.use(system)
    offline = ("--no-populate-cache", "--no-introspect")
    done = Dbt(settings, runner=warm_runner("teradata")).run("compile", *offline, "--inline", QUERY)
    session = system.logon(tmode="ANSI")
    session.passes_through = True
    session.request(
        "create multiset table twist_load.lines (n bigint, "
        "raw_line varchar(32000) character set unicode) primary index (n)", [],
    )  # fmt: skip

    def ask(lines: list[str]) -> dict[str, tuple[Any, ...]]:
        system.database.executemany(
            "insert into twist_load.lines values (?, ?)", [list(pair) for pair in enumerate(lines)]
        )
        (answer,) = session.request(done.results[0].node.compiled_code, [])
        return {row[0]: tuple(row[1:]) for row in answer.rows}

    ask.way = request.param  # type: ignore[attr-defined]
    yield ask


def test_lines_are_judged_as_a_strict_parser_does(judge: Any) -> None:
    rng = Random(7)
    spoiled = [
        line[:at] + rng.choice('{}[]",:\\0e ') + line[at + rng.randrange(2) :]
        for line in LINES[:8] * 40 + LINES[40:50] * 10
        if line and (at := rng.randrange(len(line))) is not None
    ]
    found = judge(LINES + spoiled)
    other = {
        line: (answer, strictly(line))
        for line, answer in found.items()
        if answer[0] != strictly(line)[0] or (answer[0] and answer[1:] != strictly(line)[1:])
    }
    assert other == {}


def test_a_line_is_cut_at_no_length_of_the_functions(judge: Any) -> None:
    """REGEXP_SUBSTR returns 8,000 characters; the patterns set longer lines aside."""
    expected = (1, 0, "5") if judge.way == "functions" else (0, 0, None)
    assert judge([LONG]) == {LONG: expected}


def test_lines_that_are_nested_too_deep_are_set_aside(judge: Any) -> None:
    deep = ['{"a": ' * n + "1" + "}" * n for n in (20, 21)]
    found = judge(deep)
    assert [found[line][0] for line in deep] == ([1, 0] if judge.way == "functions" else [1, 1])
