"""Where the retailer's locations are: the rows of `dbt_project/seeds/locations.csv`.

`python -m ingestion.simulation.retailer.places > dbt_project/seeds/locations.csv` writes them.
"""

import csv
import sys
from collections.abc import Iterator

from ingestion.simulation.retailer.assortment import build_locations
from ingestion.simulation.retailer.config import RetailerConfig

COLUMNS = ("location_id", "location_name", "location_type", "city", "country")
CENTRES = (("Venlo", "NL"), ("Leipzig", "DE"), ("Lyon", "FR"))
CITIES = (
    ("Berlin", "DE"), ("Paris", "FR"), ("Madrid", "ES"), ("Roma", "IT"), ("Wien", "AT"),
    ("Hamburg", "DE"), ("Warszawa", "PL"), ("Barcelona", "ES"), ("München", "DE"), ("Milano", "IT"),
    ("Praha", "CZ"), ("København", "DK"), ("Köln", "DE"), ("Amsterdam", "NL"), ("Bruxelles", "BE"),
    ("Stockholm", "SE"), ("Lisboa", "PT"), ("Dublin", "IE"), ("Zürich", "CH"), ("Helsinki", "FI"),
)  # fmt: skip


def location_rows(locations: int = RetailerConfig.locations) -> Iterator[tuple[str, ...]]:
    """A row of `COLUMNS` for each of so many locations; those of a smaller retailer are among them,
    except for a third distribution centre."""
    found = build_locations(RetailerConfig(locations=locations))
    for number, location in enumerate(found.ids[: found.centres]):
        city, country = CENTRES[number]
        yield location, f"{city} distribution centre", "distribution centre", city, country
    for number, location in enumerate(found.ids[found.centres :]):
        city, country = CITIES[number % len(CITIES)]
        yield location, f"{city} {number // len(CITIES) + 1}", "store", city, country


if __name__ == "__main__":
    csv.writer(sys.stdout, lineterminator="\n").writerows([COLUMNS, *location_rows()])
