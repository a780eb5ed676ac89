"""Reading statements: by sqlglot's tokens where sqlglot's parser knows no Teradata.

Queries are parsed by sqlglot, after the few forms it cannot read were replaced token by token (see
`query`). Definitions and utilities are read by hand, with a `Reader`.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.teradata import Teradata
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from tests.teradata.emulator.errors import NotUnderstoodError, TeradataError

Name = tuple[str, str]
"""Database and object, both in lower case: names are not case specific."""


class _Lexer(Teradata.Tokenizer):
    """sqlglot takes what follows a verb that it does not know for one text; here it is tokens."""

    COMMANDS: ClassVar[set[TokenType]] = set()


def statements(sql: str) -> list["Reader"]:
    """The statements of a request; empty ones do not count."""
    try:
        tokens = _Lexer().tokenize(sql)
    except SqlglotError as error:
        raise TeradataError(3760, f"string not terminated: {error}") from error
    found: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            found.append([])
        else:
            found[-1].append(token)
    return [Reader(tokens, sql) for tokens in found if tokens]


@dataclass
class Reader:
    """A cursor over the tokens of a statement."""

    tokens: list[Token]
    sql: str
    at: int = 0

    @property
    def text(self) -> str:
        """The statement as it was written, without what stands around it."""
        return self.sql[self.tokens[0].start : self.tokens[-1].end + 1]

    @property
    def is_done(self) -> bool:
        return self.at == len(self.tokens)

    def peek(self, ahead: int = 0) -> str:
        """The token in capitals; '' behind the last one, quotes for a text or a quoted name."""
        if self.at + ahead >= len(self.tokens):
            return ""
        token = self.tokens[self.at + ahead]
        if token.token_type == TokenType.STRING:
            return "''"
        if token.token_type == TokenType.IDENTIFIER:
            return '""'
        return token.text.upper()

    def sees(self, words: str) -> int:
        """How many tokens these words are, if they come next; sqlglot has tokens of two words."""
        rest, ahead = words.split(), 0
        while rest:
            token = self.peek(ahead).split()
            if not token or rest[: len(token)] != token:
                return 0
            rest, ahead = rest[len(token) :], ahead + 1
        return ahead

    def accept(self, words: str) -> bool:
        """Go past these words if they come next."""
        found = self.sees(words)
        self.at += found
        return bool(found)

    def expect(self, words: str) -> None:
        if not self.accept(words):
            raise NotUnderstoodError(f"expected {words} before `{self.peek()}` in {self.text}")

    def done(self) -> None:
        """Nothing may follow."""
        if not self.is_done:
            raise NotUnderstoodError(f"`{self.peek()}` in {self.text}")

    def take(self) -> Token:
        if self.is_done:
            raise NotUnderstoodError(f"the end of {self.text}")
        self.at += 1
        return self.tokens[self.at - 1]

    def string(self) -> str:
        token = self.take()
        if token.token_type != TokenType.STRING:
            raise NotUnderstoodError(f"`{token.text}` where a text belongs, in {self.text}")
        return token.text

    def word(self) -> str:
        """A name without its database, in lower case."""
        token = self.take()
        if token.token_type != TokenType.IDENTIFIER and not token.text.isidentifier():
            raise NotUnderstoodError(f"`{token.text}` where a name belongs, in {self.text}")
        if len(token.text) > 128:
            raise TeradataError(3737, f"name of more than 128 characters: {token.text[:20]}…")
        return token.text.lower()

    def name(self) -> Name:
        """database.object; every statement of the project qualifies."""
        database = self.word()
        self.expect(".")
        return database, self.word()

    def names(self) -> list[str]:
        """(a, b, …)"""
        inside = self.parenthesised()
        found = [inside.word()]
        while inside.accept(","):
            found.append(inside.word())
        inside.done()
        return found

    def parenthesised(self) -> "Reader":
        """What stands in the parentheses that open here."""
        self.expect("(")
        start, depth = self.at, 1
        while depth:
            token = self.take()
            depth += (token.token_type == TokenType.L_PAREN) - (
                token.token_type == TokenType.R_PAREN
            )
        return Reader(self.tokens[start : self.at - 1], self.sql)

    def using(self) -> "Reader":
        """`USING (a('…') b('…'))`, as `options` reads it."""
        self.expect("USING")
        inside = self.parenthesised()
        return Reader([_token("using"), *inside.tokens], self.sql)

    def rest(self) -> "Reader":
        reader = Reader(self.tokens[self.at :], self.sql)
        self.at = len(self.tokens)
        return reader


@dataclass
class Query:
    """A parsed query or change, and the listings that its READ_NOS stand for, by their name."""

    tree: exp.Expr
    listings: dict[str, dict[str, str]] = field(default_factory=dict)
    writings: dict[str, tuple["Query", dict[str, str]]] = field(default_factory=dict)
    """What its WRITE_NOS write, and where to."""


REPLACED = {"LIMIT", "CHARACTER", "(", "READ_NOS", "WRITE_NOS", "$PATH", "SAMPLE"}
"""How the forms begin that `query` replaces or refuses."""


def query(reader: Reader) -> Query:
    """Parse what begins with SELECT, WITH, INSERT, UPDATE, DELETE or MERGE.

    Replaced before sqlglot sees it: `character set unicode` goes (the rules ask for it), `(not
    casespecific)` becomes a collation, `read_nos (using …)`, `write_nos (on … using …)` and
    `$path.$part` become names, and `sample n` becomes what sqlglot calls a limit. A LIMIT of one's
    own is no Teradata SQL.
    """
    listings: dict[str, dict[str, str]] = {}
    writings: dict[str, tuple[Query, dict[str, str]]] = {}
    out: list[Token] = []
    while not reader.is_done:
        if reader.peek() not in REPLACED:
            out.append(reader.take())
            continue
        if reader.peek() == "LIMIT":
            raise TeradataError(3706, "syntax error: LIMIT")
        if reader.accept("CHARACTER SET UNICODE"):
            continue
        if reader.accept("( NOT CASESPECIFIC )"):
            out += [_token("collate", TokenType.COLLATE), _token("nocase")]
        elif reader.accept("READ_NOS"):
            name = f"read_nos_{len(listings)}"
            listings[name] = options(reader.parenthesised())
            out.append(_token(name))
        elif reader.accept("WRITE_NOS"):
            name, inside = f"write_nos_{len(writings)}", reader.parenthesised()
            inside.expect("ON")
            written = query(inside.parenthesised())
            writings[name] = (written, options(inside))
            out.append(_token(name))
        elif reader.accept("$PATH ."):
            out.append(_token("path_" + reader.take().text.lstrip("$").lower()))
        elif reader.peek() == "SAMPLE" and reader.peek(1).isdigit():
            reader.take()
            out += [_token("limit", TokenType.LIMIT), reader.take()]
        else:
            out.append(reader.take())
    try:
        trees = Teradata().parser().parse(out, reader.sql)
    except SqlglotError as error:
        message = str(error).replace("\033[4m", "").replace("\033[0m", "").splitlines()[0]
        raise TeradataError(3706, f"syntax error: {message}") from error
    if len(trees) != 1 or trees[0] is None or trees[0].find(exp.Command):
        raise NotUnderstoodError(reader.text)
    _join_update(trees[0])
    return Query(trees[0], listings, writings)


def _join_update(tree: exp.Expr) -> None:
    """UPDATE kept FROM t AS kept, (…) AS found SET …, as UPDATE t AS kept SET … FROM (…) AS found.

    B035-1146 UPDATE (Joined Tables Form): the name after UPDATE is one of FROM's.
    """
    if not isinstance(tree, exp.Update) or not tree.args.get("from_"):
        return
    target = tree.args["from_"].this
    joins = target.args.pop("joins", None) or []
    if len(joins) != 1 or tree.this.db or tree.this.name.lower() != target.alias.lower():
        raise NotUnderstoodError(tree.sql("teradata"))
    tree.set("this", target)
    tree.set("from_", exp.From(this=joins[0].this))


def options(reader: Reader) -> dict[str, str]:
    """USING location('…') storedas('…') authorization(database.name): by their names."""
    reader.expect("USING")
    found: dict[str, str] = {}
    while not reader.is_done:
        key, inside = reader.word(), reader.parenthesised()
        if key in found:
            raise TeradataError(3706, f"syntax error: {key} twice")
        found[key] = ".".join(inside.name()) if key == "authorization" else inside.string()
        inside.done()
    return found


def name_of(table: exp.Table) -> Name:
    """The name of a table in a tree; without its database it is of a CTE."""
    return table.db.lower(), table.name.lower()


def _token(text: str, kind: TokenType = TokenType.VAR) -> Token:
    return Token(kind, text)
