"""What an administrator sets up: databases, users, rights, keys to an object store.

A system without users asks nobody for rights. Otherwise each statement of a session needs those of
its user on the databases it names (B035-1184 Security Administration, Privileges).
"""

import re
from dataclasses import dataclass, field

from tests.teradata.emulator.errors import NotUnderstoodError, TeradataError
from tests.teradata.emulator.syntax import Reader

ADMINISTRATOR = "dbc"
COLLATIONS = {"ascii", "charset_coll", "ebcdic", "host", "jis_coll", "multinational"}
ON_DATABASES = {
    "select", "insert", "update", "delete", "create table", "drop table", "create view",
    "drop view", "statistics", "execute", "execute function",
}  # fmt: skip


@dataclass
class User:
    """What a session takes from its user."""

    name: str
    startup: str = ""
    time_zone: str | None = None
    collation: str = "host"


@dataclass
class Authorization:
    """A key to an object store: simplified, or one AS DEFINER or INVOKER TRUSTED."""

    is_simplified: bool


@dataclass
class Administration:
    """All of a system's users, rights and authorizations; names are in lower case."""

    users: dict[str, User] = field(default_factory=dict)
    space: dict[str, float] = field(default_factory=dict)
    """Permanent space that is left, by database or user made here."""
    rights: set[tuple[str, str, str]] = field(default_factory=set)
    """(grantee, right, database or database.view)"""
    to_grant: set[tuple[str, str]] = field(default_factory=set)
    """(grantee, database) of SELECT WITH GRANT OPTION"""
    authorizations: dict[str, Authorization] = field(default_factory=dict)

    def require(self, user: str, right: str, where: str, what: str = "") -> None:
        if user != ADMINISTRATOR and (user, right, where) not in self.rights:
            if (user, right, what) in self.rights:
                return
            raise TeradataError(
                3523, f"The user does not have {right.upper()} access to {what or where}."
            )

    def require_owner(self, view: tuple[str, str], reads: str) -> None:
        """B035-1144 REPLACE VIEW, Privileges Required: the view's database may pass SELECT on."""
        if self.users and view[0] != reads and (view[0], reads) not in self.to_grant:
            raise TeradataError(
                3523, f"An owner referenced by user does not have SELECT WITH GRANT OPTION access "
                f"to {reads}: {'.'.join(view)}",
            )  # fmt: skip

    def require_key(self, user: str, name: str) -> None:
        """For READ_NOS and WRITE_NOS.

        B035-1144 CREATE AUTHORIZATION; B035-1214 READ_NOS, AUTHORIZATION: a simplified one, named
        with its database, and EXECUTE on it. 6881 is what a system of 17.20 answered to another.
        """
        if not self.users:
            return
        if name not in self.authorizations:
            raise TeradataError(3807, f"Object '{name}' does not exist.")
        if not self.authorizations[name].is_simplified:
            raise TeradataError(6881, "Only Simplified Authorization object is allowed.")
        self.require(user, "execute", name.split(".")[0], name)

    def require_table_key(self, user: str, name: str, of: str, *, is_definer: bool) -> None:
        """For a foreign table: the words in front of the name and the kind of object agree (6953).

        B035-1144 CREATE FOREIGN TABLE, EXTERNAL SECURITY. An object AS DEFINER TRUSTED is named
        without its database (3706), which is the table's.
        """
        if not self.users:
            return
        if is_definer and "." in name:
            raise TeradataError(3706, "syntax error: DEFINER TRUSTED with a qualified name")
        full = f"{of}.{name}" if is_definer else name
        if full not in self.authorizations:
            raise TeradataError(3807, f"Object '{full}' does not exist.")
        if self.authorizations[full].is_simplified is is_definer:
            raise TeradataError(6953, f"{full} is an authorization of another kind.")
        if not is_definer:
            self.require(user, "execute", full.split(".")[0], full)

    # statements

    def create_space(self, reader: Reader, *, is_user: bool) -> str:
        """CREATE DATABASE or USER name FROM owner AS option = value, …; the name.

        B035-1144 CREATE USER: a user needs a password; TIME ZONE is LOCAL, NULL or a text.
        """
        name = reader.word()
        if name in self.space or name in self.users:
            raise TeradataError(5612, f"A user or database named '{name}' already exists.")
        reader.expect("FROM")
        owner = reader.word()
        reader.expect("AS")
        user, permanent, has_password = User(name), 0.0, False
        while True:
            if reader.accept("PERMANENT") or reader.accept("PERM"):
                reader.expect("=")
                permanent = _number(reader)
            elif reader.accept("SPOOL"):
                reader.expect("=")
                _number(reader)
            elif is_user:
                has_password |= _user_option(reader, user)
            else:
                raise NotUnderstoodError(f"`{reader.peek()}` in {reader.text}")
            if not reader.accept(","):
                break
        reader.done()
        if is_user and not has_password:
            raise TeradataError(3706, "syntax error: a user without PASSWORD")
        left = self.space.get(owner, float("inf"))
        if permanent > left:
            raise TeradataError(2644, f"No more room in database {owner}: {left:g} bytes are left.")
        self.space[owner], self.space[name] = left - permanent, permanent
        if is_user:
            self.users[name] = user
        return name

    def grant(self, reader: Reader) -> None:
        """GRANT right, … ON database[.view] TO grantee [WITH GRANT OPTION]."""
        rights, words = [], ""
        while not reader.sees("ON"):
            token = reader.take().text.lower()
            if token == ",":
                rights.append(words)
                words = ""
            else:
                words = f"{words} {token}".strip()
        rights.append(words)
        if wrong := set(rights) - ON_DATABASES:
            raise TeradataError(3706, f"syntax error: {sorted(wrong)} is no right")
        reader.expect("ON")
        where = reader.word()
        while reader.accept("."):
            where += f".{reader.word()}"
        reader.expect("TO")
        grantee = reader.word()
        if where.split(".")[0] not in {*self.space, "td_sysfnlib", ADMINISTRATOR}:
            raise TeradataError(3802, f"Database '{where}' does not exist.")
        if grantee not in self.space:
            raise TeradataError(3802, f"'{grantee}' does not exist.")
        if reader.accept("WITH GRANT OPTION"):
            self.to_grant.add((grantee, where))
        reader.done()
        self.rights |= {(grantee, right, where) for right in rights}

    def create_authorization(self, reader: Reader) -> None:
        """CREATE AUTHORIZATION database.name [AS DEFINER|INVOKER TRUSTED] USER '' PASSWORD ''."""
        name = ".".join(reader.name())
        trusted = reader.accept("AS")
        if trusted and not (reader.accept("DEFINER") or reader.accept("INVOKER")):
            raise TeradataError(3706, "syntax error: AS DEFINER or INVOKER")
        if trusted:
            reader.expect("TRUSTED")
        reader.expect("USER")
        reader.string()
        reader.expect("PASSWORD")
        reader.string()
        reader.done()
        self.authorizations[name] = Authorization(not trusted)


def _number(reader: Reader) -> float:
    return float(reader.take().text)


def _user_option(reader: Reader, user: User) -> bool:
    """One of a user's options; whether it was the password."""
    if reader.accept("PASSWORD"):
        reader.expect("=")
        reader.take()
        return True
    if reader.accept("TIME ZONE"):
        reader.expect("=")
        if reader.accept("LOCAL") or reader.accept("NULL"):
            return False
        sign = "-" if reader.accept("-") else "+"
        if reader.peek() != "''":
            raise TeradataError(3706, f"syntax error: TIME ZONE = {reader.peek()}")
        zone = reader.string()
        if not re.fullmatch(r"\d{2}:\d{2}|GMT", zone):
            raise NotUnderstoodError(f"time zone {zone}")
        user.time_zone = sign + zone.replace("GMT", "00:00")
    elif reader.accept("DEFAULT CHARACTER SET"):
        if reader.take().text.upper() != "UNICODE":
            raise NotUnderstoodError(reader.text)
    elif reader.accept("COLLATION"):
        reader.expect("=")
        user.collation = reader.word()
        if user.collation not in COLLATIONS:
            raise TeradataError(3706, f"syntax error: COLLATION = {user.collation}")
    elif reader.accept("STARTUP"):
        reader.expect("=")
        user.startup = reader.string()
    else:
        raise TeradataError(3706, f"syntax error: `{reader.peek()}` is no option of a user")
    return False
