"""The list of topics is the same in Python, SQL and Kafka Connect's files."""

import json
import re

import yaml

from ingestion.connect import connect_client, kafka_topics
from ingestion.contract.strict_json import SCHEMAS
from ingestion.contract.topics import LANDED_TOPICS, STAGED, TOPICS
from ingestion.settings import ROOT, Settings

MODELS = ROOT / "dbt_project" / "models"


def test_sql_knows_the_topics_that_land() -> None:
    macro = (ROOT / "dbt_project/macros/load/topic_name.sql").read_text()
    found = re.search(r"return\(\[(.*)\]\)", macro)
    assert found
    assert found[1].replace("'", "").split(", ") == list(LANDED_TOPICS)


def test_dbt_has_a_source_and_a_staging_model_of_each() -> None:
    sources = yaml.safe_load((MODELS / "sources.yml").read_text())["sources"]
    (landing,) = (source for source in sources if source["name"] == "landing")
    tables = {table["name"] for table in landing["tables"]}
    assert {f"landing_{topic}" for topic in LANDED_TOPICS} <= tables
    assert {path.stem for path in (MODELS / "staging").glob("*.sql")} == set(STAGED.values())
    assert set(STAGED) == set(TOPICS)


def test_connect_lands_the_event_topics_and_kafka_is_given_all() -> None:
    landing = json.loads((connect_client.FOLDER / "landing.json").read_text())
    assert landing["topics"].split(",") == list(TOPICS)
    assert set(kafka_topics.wanted()) == set(LANDED_TOPICS)


def test_each_has_a_schema_and_a_limit_of_freshness() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(LANDED_TOPICS)
    limits = {name for name in Settings.model_fields if name.startswith("fresh_")}
    assert limits == {f"fresh_{topic}_minutes" for topic in TOPICS} | {"fresh_loader_minutes"}
