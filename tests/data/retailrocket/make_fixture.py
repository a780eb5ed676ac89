"""Makes the CSV files beside it: made-up data in the exact layout of the RetailRocket data set.

Run it by hand after a change, and commit what it writes: `python make_fixture.py`. The layout is
that of the Kaggle files: unsorted visits, hashed properties and values, weekly snapshots of items
that are cut into two parts, and a category tree whose roots have no parent.
"""

import csv
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
DAY = 86_400_000
FIRST_SNAPSHOT = 1_431_226_800_000  # 2015-05-10 03:00 UTC, the first one of the real files
CATEGORIES = [(1_016, 213), (213, 100), (809, 169), (570, 9), (169, ""), (100, ""), (9, "")]
ITEMS = [355_908, 248_676, 318_965, 253_185, 367_447, 22_556, 443_030, 439_202, 428_805, 82_389]
UNDESCRIBED_ITEM = 10_572  # people look at it, but no property of it is known


def main() -> None:
    draw = random.Random(2015)
    _write("category_tree.csv", ("categoryid", "parentid"), CATEGORIES)

    properties: list[Sequence[object]] = []
    for item in ITEMS:
        first_week = 1 if item == ITEMS[-1] else 0
        category = draw.choice(CATEGORIES[:4])[0]
        for week in range(first_week, 4):
            at = FIRST_SNAPSHOT + 7 * DAY * week
            properties.append((at, item, "available", int(draw.random() < 0.6)))
            properties.append((at, item, "790", f"n{draw.randrange(1_000, 90_000)}.000"))
            if week == first_week:
                properties.append((at, item, "categoryid", category))
                properties.append((at, item, "888", f"{draw.randrange(10**6)} n12.000 424566"))
    draw.shuffle(properties)
    half = len(properties) // 2
    header = ("timestamp", "itemid", "property", "value")
    _write("item_properties_part1.csv", header, properties[:half])
    _write("item_properties_part2.csv", header, properties[half:])

    visits: list[Sequence[object]] = []
    for _ in range(78):
        at = FIRST_SNAPSHOT - 2 * DAY + draw.randrange(26 * DAY)
        visitor = draw.randrange(250_000, 250_020)
        item = draw.choice([*ITEMS, ITEMS[0], ITEMS[1], UNDESCRIBED_ITEM])
        visits.append((at, visitor, "view", item, ""))
        if draw.random() < 0.2:
            visits.append((at + 40_123, visitor, "addtocart", item, ""))
            if draw.random() < 0.5:
                order = draw.randrange(17_000)
                visits.append((at + 300_456, visitor, "transaction", item, order))
    visits.append(visits[0])  # the real file has such rows as well
    draw.shuffle(visits)
    _write("events.csv", ("timestamp", "visitorid", "event", "itemid", "transactionid"), visits)


def _write(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with (HERE / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
