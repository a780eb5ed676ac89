"""`make teradata-script`: the set-up that a database administrator reads and runs on Teradata.

One file for the settings at hand, in order of use. dbt_project/docs/teradata.md explains it.
"""

from ingestion.settings import Settings

DATABASES = {
    "landing": ("1e9", "foreign tables over the lake, and the keys to it"),
    "load": ("50e9", "one batch, created again by each cycle"),
    "staging": ("20e12", "every accepted event"),
    "audit": ("100e9", "objects, offsets, late and quarantined lines"),
    "intermediate": ("5e12", "stock states and size curves"),
    "marts": ("20e12", "what analysts read"),
    "overview": ("1e9", "SQL views; dbt docs creates tables here for a moment"),
    "seeds": ("1e9", "names of stores"),
}
"""Of each database <prefix>_<name>: its permanent space without fallback, and what it holds."""
VIEWS_READ = {
    "audit": ("audit", "marts", "overview"),
    "intermediate": ("marts", "overview"),
    "marts": ("overview",),
    "seeds": (),
    "staging": ("marts", "overview"),
}
"""By database, those whose SQL views read it."""
DICTIONARY = ("databasesv", "tablesv", "columnsv")
RIGHTS = (
    "select, insert, update, delete, create table, drop table, create view, drop view, statistics"
)


def script(settings: Settings) -> str:
    """The whole set-up, as statements that end in a semicolon, with comments."""
    prefix, user = settings.db_prefix, settings.teradata_user
    landing, definer = f"{prefix}_landing", settings.teradata_authorization == "definer"
    return "\n".join(
        [
            *_databases(prefix),
            "",
            *_user(prefix, user),
            "",
            *_rights(prefix, user),
            "",
            *_keys(landing, user, definer=definer),
            "",
        ]
    )


def _databases(prefix: str) -> list[str]:
    total = f"{sum(float(size) for size, _ in DATABASES.values()) / 1e12:.3f}e12"
    lines = [
        "-- Set-up of TWIST on Teradata 17.10 or later: read it, replace each <…> with a value,",
        "-- run it as a user who may create databases and users below <parent>, and may pass on",
        "-- the rights on dbc and td_sysfnlib that end section 3: DBC has them. Each statement",
        "-- is a request. <parent> needs the space of section 1, and the spool of the user.",
        "",
        "-- 1. Databases. Space without fallback: with it (VantageCloud's default), double each.",
        f'create database {prefix} from "<parent>" as permanent = {total};',
    ]
    for name, (size, holds) in DATABASES.items():
        lines += [
            f"-- {holds}:",
            f"create database {prefix}_{name} from {prefix} as permanent = {size};",
        ]
    return lines


def _user(prefix: str, user: str) -> list[str]:
    return [
        "-- 2. The user of dbt and Dagster. Every load refuses a session that is not as here:",
        "--    in UTC, as timestamps have no zone; texts in the order of their bytes; with Unicode",
        "--    Pass Through, which STARTUP turns on, or one emoji fails a load (6705).",
        f'create user {user} from {prefix} as password = "<password>", permanent = 0,',
        "    spool = 2e12, time zone = '00:00', default character set unicode,",
        "    collation = charset_coll,",
        "    startup = 'set session character set unicode pass through on;';",
    ]


def _rights(prefix: str, user: str) -> list[str]:
    return [
        "-- 3. Rights. Those on a database do not reach the databases below it.",
        *(f"grant {RIGHTS}\n    on {prefix}_{name} to {user};" for name in DATABASES),
        "-- SQL views that read another database: theirs must be able to pass the right on (3523).",
        *(
            f"grant select on {prefix}_{read} to {prefix}_{reader} with grant option;"
            for read, readers in VIEWS_READ.items()
            for reader in readers
            if reader != read
        ),
        "-- What dbt reads of the dictionary, and the functions and table operators of the loads.",
        *(f"grant select on dbc.{view} to {user};" for view in DICTIONARY),
        f"grant execute function on td_sysfnlib to {user};",
    ]


def _keys(landing: str, user: str, *, definer: bool) -> list[str]:
    key = "user '<key id>' password '<secret>';"
    lines = [
        "-- 4. Keys to the object store. READ_NOS and WRITE_NOS take an authorization without AS",
        "--    DEFINER or INVOKER (6881), and the right to execute it (3523).",
        "--    One that may list and read the landing lake, one that may write the history lake.",
        f"create authorization {landing}.landing_access\n    {key}",
        f"create authorization {landing}.history_access\n    {key}",
        f"grant execute on {landing} to {user};",
    ]
    if definer:
        lines += [
            "--    Foreign tables with one of their own: TWIST_TERADATA_AUTHORIZATION is definer.",
            f"create authorization {landing}.table_access as definer trusted\n    {key}",
        ]
    return lines
