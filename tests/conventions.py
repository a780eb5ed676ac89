"""The checkers behind test_conventions: each returns what it objects to, one sentence a fault."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from orchestration.erasure.days import PERSONAL, TABLE

LAYERS = {
    "load": {"load", "source"},
    "staging": {"load", "staging", "source"},
    "changed": {"staging", "changed", "intermediate", "marts", "source"},
    "intermediate": {"staging", "changed", "intermediate"},
    "marts": {"staging", "changed", "intermediate", "marts", "seed"},
    "audit": {"load", "staging", "audit", "source"},
    "overview": {"staging", "intermediate", "marts", "audit", "overview"},
}
"""What the models of a folder may read."""

NAMES = {
    "load": r"load_[a-z]+(_[a-z]+)*",
    "staging": r"stg_[a-z]+__[a-z_]+",
    "changed": r"changed_[a-z]+(_[a-z]+)*",
    "intermediate": r"int_[a-z]+__[a-z_]+",
    "marts": r"(?!load_|stg_|int_)[a-z]+(_[a-z]+)*",
    "audit": r"(?!load_|stg_|int_)[a-z]+(_[a-z]+)*",
    "overview": r"overview_[a-z]+(_[a-z]+)*",
}
MOST_LINES = {"model": 120, "macro": 150, ".py": 350, ".yml": 250, ".yaml": 250}
"""About a third of each is normal."""
MOST_MACROS = 12
ADD_A_MART = "CONTRIBUTING.md, Add a mart"

Manifest = Mapping[str, Any]


def models(manifest: Manifest) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def layer(node: Mapping[str, Any]) -> str:
    """The folder of a model; `source` and `seed` for those."""
    return str(node["fqn"][1] if node["resource_type"] == "model" else node["resource_type"])


def naming_faults(manifest: Manifest) -> list[str]:
    return [
        f"{node['name']}: a model in {layer(node)}/ is named {NAMES[layer(node)]}"
        for node in models(manifest)
        if not re.fullmatch(NAMES[layer(node)], node["name"])
    ]


def layering_faults(manifest: Manifest) -> list[str]:
    known = {**manifest["nodes"], **manifest["sources"]}
    return [
        f"{node['name']}: {layer(node)} may not read {layer(known[parent])} ({parent})"
        for node in models(manifest)
        for parent in node["depends_on"]["nodes"]
        if layer(known[parent]) not in LAYERS[layer(node)]
    ]


LOOKS_PERSONAL = re.compile(
    r"visit(or|_id)|session|customer|person|order_id|e?mail|phone|(^|_)ip(_|$)|address|url|referrer"
    r"|user_agent|device|cookie|raw_(line|value)"
)


def personal_faults(manifest: Manifest) -> list[str]:
    """Columns that look as if they were of a person, and do not say so; persons in public views."""
    faults = []
    for node in models(manifest):
        for name, column in node["columns"].items():
            is_named = bool(column["meta"].get("personal_data"))
            if not is_named and LOOKS_PERSONAL.search(name):
                faults.append(f"{node['name']}.{name}: looks personal, and has no meta: "
                              "{personal_data: …}")  # fmt: skip
            if is_named and node["name"].endswith("_public"):
                faults.append(f"{node['name']}.{name}: no person may be in a public view")
            if is_named and node["name"] == TABLE and name not in PERSONAL:
                faults.append(f"{node['name']}.{name}: make forget leaves it in the history lake; "
                              "add it to PERSONAL in orchestration/erasure/days.py")  # fmt: skip
    return faults


def description_faults(manifest: Manifest) -> list[str]:
    described = [*models(manifest), *manifest["sources"].values()]
    described += [node for node in manifest["nodes"].values() if node["resource_type"] == "seed"]
    faults = [f"{node['name']}: no description" for node in described if not node["description"]]
    for node in described:
        if not node["columns"] and node["resource_type"] != "source":
            faults.append(f"{node['name']}: no columns")
        for name, column in node["columns"].items():
            if not column["description"]:
                faults.append(f"{node['name']}.{name}: no description")
            if not column["data_type"] and node["resource_type"] != "seed":
                faults.append(f"{node['name']}.{name}: no data_type")
    return faults


def contract_faults(manifest: Manifest) -> list[str]:
    return [
        f"{node['name']}: a mart without an enforced contract"
        for node in models(manifest)
        if layer(node) == "marts" and not node["contract"]["enforced"]
    ]


def grain_faults(manifest: Manifest, exceptions: Mapping[str, str]) -> list[str]:
    """Models whose grain is not tested, or not by the key that the merge goes by."""
    tested = {
        node["attached_node"]: node["test_metadata"]["kwargs"]["columns"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and (node.get("test_metadata") or {}).get("name") == "unique_key"
    }
    faults = []
    for node in models(manifest):
        grain, key = tested.get(node["unique_id"]), node["config"].get("unique_key")
        # Views of the overview are made with its page: tests/overview holds them to their grain.
        if layer(node) in ("load", "changed", "overview") or node["name"] in exceptions:
            continue
        if not grain:
            faults.append(f"{node['name']}: no unique_key test")
        elif key and sorted(key) != sorted(grain):
            faults.append(f"{node['name']}: tested by {grain}, merged by {key}")
    return faults


def size_faults(files: Mapping[str, str]) -> list[str]:
    return [
        f"{path}: {lines} lines, at most {most}"
        for path, text in files.items()
        if (most := _most_lines(path)) and (lines := text.count("\n")) > most
    ]


def _most_lines(path: str) -> int | None:
    if path.startswith("dbt_project/macros/"):
        return MOST_LINES["macro"]
    if path.endswith(".sql") and path.startswith("dbt_project/"):
        return MOST_LINES["model"]
    return MOST_LINES.get(path[path.rfind(".") :])


def alias_faults(path: str, sql: str) -> list[str]:
    """`ref('x') as y`: dbt renders a subquery with an alias of its own for --empty and --sample."""
    direct = r"(?:from|join)\s+\{\{\s*(?:ref|source)\([^{}]*\)\s*\}\}\s+as\s+\w+"
    joined = r"(?:ref|source)\([^()]*\)\s*~\s*['\"]\s+as\s+\w+"
    return [
        f"{path}: an aliased ref breaks --empty: {match}"
        for match in re.findall(f"{direct}|{joined}", _without_comments(sql))
    ]


def dialect_faults(path: str, sql: str) -> list[str]:
    """What models may not say, for it is one engine's own or cuts results silently."""
    code = re.sub(r"'[^']*'", "''", _without_comments(sql))
    return [
        f"{path}: {word} in a model"
        for word, pattern in (("::", r"::"), ("LIMIT", r"(?i)\blimit\b"))
        if re.search(pattern, code)
    ]


def null_faults(path: str, sql: str) -> list[str]:
    """LEAST and GREATEST ignore NULL on DuckDB and return it on Teradata."""
    found = re.findall(r"\b(?:least|greatest)\s*\(", _without_comments(sql), re.IGNORECASE)
    return [
        f"{path}: {call}…) with NULL differs between the engines: write a CASE" for call in found
    ]


def _without_comments(sql: str) -> str:
    return re.sub(r"(?s)\{#.*?#\}|--[^\n]*", "", sql)


def macro_faults(path: str, text: str) -> list[str]:
    """A macro file begins with its comment; a dispatched macro refuses engines nobody wrote."""
    faults = [] if text.startswith("{#-") else [f"{path}: does not begin with a comment block"]
    for name in re.findall(r"adapter\.dispatch\('(\w+)'", text):
        refusal = (
            rf"macro default__{name}\([^)]*\) -?%\}}\s*\{{\{{ unsupported_engine\('{name}'\) \}}\}}"
        )
        if not re.search(refusal, text):
            faults.append(f"{path}: default__{name} does not refuse an unknown engine")
    return faults


def variable_faults(read: Iterable[str], shown: Iterable[str]) -> list[str]:
    """Variables that the code reads and .env.example does not show, and the other way round."""
    return [f"{name}: not in .env.example" for name in sorted(set(read) - set(shown))] + [
        f"{name}: in .env.example, and nothing reads it" for name in sorted(set(shown) - set(read))
    ]


_MACHINE = "|".join(("/" + "work/", "/" + "farm/", "/" + "root/", "/" + r"home/\w", "/" + "Users/"))
_HOSTS = "|".join(
    (
        "pypi" + r"\.org",
        "python" + "hosted",
        "npm" + r"js\.",
        r"proxy\." + "golang",
        "index" + "-url",
    )
)


def place_faults(path: str, text: str) -> list[str]:
    """Paths of one machine, and hosts of package registries: locks hold hashes, no addresses."""
    return [
        f"{path}:{number}: {match[0]}"
        for number, line in enumerate(text.splitlines(), 1)
        if (match := re.search(rf"(?<![\w.}}])(?:{_MACHINE})|{_HOSTS}", line))
    ]


def makefile_faults(text: str) -> list[str]:
    """Phony targets without a description, and described ones that are not phony."""
    phony = set(re.findall(r"(?m)^\.PHONY: (.+)$", text))
    described = set(re.findall(r"(?m)^([a-z-]+):.*## \S", text))
    return [f"make {name}: no description" for name in sorted(phony - described)] + [
        f"make {name}: not .PHONY" for name in sorted(described - phony)
    ]


def knowing_faults(manifest: Manifest, macros: Mapping[str, str]) -> list[str]:
    """Macros of macros/incremental that name a model, or a column or CTE of one.

    All models share these macros. A rule about one model belongs in that model's file.
    """
    bookkeeping = {"load_id", "model_name"}
    nodes = [n for n in models(manifest) if layer(n) in ("changed", "intermediate", "marts")]
    known = {column for node in nodes for column in node["columns"]} - bookkeeping
    known |= {node["name"] for node in models(manifest)}
    known |= {
        name
        for node in nodes
        for name in re.findall(r"^(?:with )?(\w+) as \($", node["raw_code"], re.MULTILINE)
    }
    return [
        f"{path}: names {word}"
        for path, text in macros.items()
        for word in sorted(known & set(re.findall(r"\w+", re.sub(r"(?s)\{#.*?#\}", "", text))))
    ]


def macros_behind(manifest: Manifest, node: Mapping[str, Any]) -> set[str]:
    """The project's own macros that a model calls, and those that they call.

    A dispatch macro and its implementations count as one.
    """
    found: set[str] = set()
    todo = list(node["depends_on"]["macros"])
    while todo:
        if (macro := todo.pop()).startswith("macro.twist.") and macro not in found:
            found.add(macro)
            todo += manifest["macros"][macro]["depends_on"]["macros"]
    return {macro.split(".")[-1].split("__")[-1] for macro in found}


def mart_faults(manifest: Manifest, compared: set[str], readme: str) -> list[str]:
    """Published marts that no referee judges, or that the README does not explain."""
    faults = []
    for node in models(manifest):
        if layer(node) != "marts" or node["config"]["access"] == "protected":
            continue
        if node["name"] not in compared:
            faults.append(f"{node['name']}: not compared with the referee ({ADD_A_MART})")
        if f"`marts.{node['name']}`" not in readme:
            faults.append(f"{node['name']}: no row in README.md")
    return sorted(faults)


def macros_behind_faults(manifest: Manifest) -> list[str]:
    """Marts that depend on too many macros."""
    behind = {
        node["name"]: sorted(macros_behind(manifest, node))
        for node in models(manifest)
        if layer(node) == "marts"
    }
    return [
        f"{name}: depends on {len(macros)} macros, {MOST_MACROS} are allowed ("
        f"{', '.join(macros)}):"
        " write the rule in the model's SQL, or decide it in staging and read a column"
        for name, macros in behind.items()
        if len(macros) > MOST_MACROS
    ]
