"""Whom to forget, as it is given: what cannot be an id is refused, what was met nowhere is said."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from ingestion.settings import Settings, SettingsError
from orchestration.erasure import registry
from orchestration.erasure.search import Searched, search
from orchestration.warehouse.forget import Erased, visitors_of


def given(folder: Path, content: bytes) -> str:
    (folder / "ids").write_bytes(content)
    return str(folder / "ids")


def test_a_file_of_ids_may_begin_with_a_mark_of_its_encoding(tmp_path: Path) -> None:
    file = given(tmp_path, '\ufeffJürgen\r\n\r\n \n$HOME "x"\nJürgen'.encode())
    assert visitors_of("", file) == ["Jürgen", '$HOME "x"']
    assert visitors_of("a", file) == ["a", "Jürgen", '$HOME "x"']


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b" b", "begins or ends with a blank"),
        (b"b\xc2\xa0", "begins or ends with a blank"),
        (b"b\tc", "has a control character"),
        (b"b\x00", "has a control character"),
        (b"b\xe9", "is no UTF-8"),
    ],
)
def test_a_line_that_is_no_id_is_refused_with_its_number(
    line: bytes, why: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=rf"ids: line 3 {why}: .*nobody is forgotten"):
        visitors_of("", given(tmp_path, b"a\n\n" + line + b"\nc\n"))


def test_a_visitor_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(SettingsError, match="VISITOR is no UTF-8"):
        visitors_of(b"J\xfcrgen".decode(errors="surrogateescape"), "")
    with pytest.raises(SettingsError, match="VISITOR begins or ends with a blank"):
        visitors_of("a ", "")


def test_ids_that_were_met_nowhere_are_counted_and_said() -> None:
    with duckdb.connect() as conn:
        conn.execute(
            "create table erasures as select * from (values ('a', 0, 0, 0, 0), ('b', 0, 0, 1, 0), "
            "('c', 0, 0, 0, 2), ('d', 0, 0, 0, 0)) as t(visitor_hash, staged_rows, fact_rows, "
            "set_aside_rows, object_count)"
        )
        engine: Any = SimpleNamespace(relation=lambda _, name: name)
        dbt: Any = SimpleNamespace(query=lambda sql: conn.execute(sql).fetchall())
        assert registry.met_nowhere(engine, dbt, ["a", "b", "c"]) == 1
        assert registry.met_nowhere(engine, dbt, ["b", "c"]) == 0
    said = str(Erased(3, 1, 1, Searched(), 1))
    assert said.endswith(
        "; of 3 ids, 1 were in no table and in no landed object: check how they are written"
    )
    assert "check how" not in str(Erased(3, 1, 1, Searched(), 0))


def test_ten_digits_are_searched_for_as_a_text_and_it_is_said_where_fewer_are_not(
    tmp_path: Path,
) -> None:
    settings = Settings(_env_file=None, warehouse=str(tmp_path))
    (tmp_path / "catalog.sqlite").write_bytes(b"\x00\x0bx9876543210\x00123\x00")
    assert len(search(settings, ["9876543210", "123"]).found) == 1
    assert search(settings, ["987654321", "876543210", "8765432100"]).found == []
    (tmp_path / "catalog.sqlite").unlink()
    searched = search(settings, ["9876543210", "123", "short"])
    assert "; 2 ids, as they are short or of few digits, were searched for as a visitor_id" in str(
        Erased(3, 1, 1, searched, 0)
    )
    assert "were searched" not in str(Erased(1, 1, 1, search(settings, ["9876543210"]), 0))
