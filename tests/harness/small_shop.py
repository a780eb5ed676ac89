"""A shop whose figures can all be computed by hand, and whose names are as hostile as possible."""

from datetime import datetime, timedelta

from tests.harness.minute_lines import Line, landed, sku, stock, view
from tests.harness.referee import Delivery

NOON = datetime(2026, 11, 20, 12, 0)
"""The newest view comes half a minute before."""
EVIL = "<script>alert(1)</script>"
STORES = ("Riga", '"><b>&?"store=#1')
"""Of pickup views; nobody has counted the second one. No name has an odd number of quotes:
Teradata's object store reader skips such a record."""
ARABIC = "دار الأناقة"
LONG = "Outerwear & more " * 11 + "and so on 200"
assert len(LONG) == 200


def at(hours: float, days: int = 0) -> datetime:
    """This many hours before noon, this many days before."""
    return NOON - timedelta(days=days, hours=hours)


def _catalog() -> list[Line]:
    shirt = {
        "price": 19.90,
        "currency": "EUR",
        "brand": ARABIC,
        "category": LONG,
        "department": "Women",
        "color": "crème",
    }
    evil = {
        "price": 100,
        "currency": EVIL,
        "style_id": EVIL,
        "brand": "\"><img src=x onerror='alert(1)'>\"",
        "category": "O'Neill",
    }
    return [
        *(sku(at(0, 9), f"shirt-{size}", size=size, **shirt) for size in ("S", "M", "L")),
        *(sku(at(0, 9), f"{EVIL}-{size}", size=size, **evil) for size in ("38", "40")),
    ]


def days() -> list[Delivery]:
    """Nine days: M of the shirt is out at times, the evil 38 since this morning, ghosts are new."""
    lines = _catalog()
    lines += [
        stock(at(0, 9), f"shirt-{size}", 5, place) for size in "SML" for place in ("DC", "Riga")
    ]
    lines += [stock(at(0, 9), f"{EVIL}-{size}", 3) for size in (38, 40)]
    for day in range(8, -1, -1):
        lines += _views(day)
    lines += [
        stock(at(2.5, 2), "shirt-M", 0),  # Riga still has five
        stock(at(2.2), f"{EVIL}-38", 0),
        stock(at(1.9), "shirt-S", 0, "DC"),
        stock(at(1.8), "shirt-S", 0, "Riga"),
        stock(at(0.2), "shirt-S", 7, "Riga"),
    ]
    return landed(NOON, *lines)


def _views(day: int) -> list[Line]:
    """From nine to noon, more each hour; half of them of the style only, some of an unknown SKU."""
    found = []
    for hour in (3, 2, 1):
        for number in range(16 - 4 * hour):
            moment = at(hour - number / 20 - 0.01, day)
            name = ("shirt-S", "shirt-M", f"{EVIL}-38", "ghost")[number % 4]
            style = EVIL if "-38" in name else "ghost" if name == "ghost" else "shirt"
            chosen = name if number % 8 < 4 else None
            channel = ("web", "app")[number % 2]
            found.append(view(moment, chosen or "", style_id=style, channel=channel))
    found.append(view(NOON - timedelta(days=day, seconds=30), "shirt-L", channel="app"))
    found.append(view(at(0.5, day), "shirt-L", channel="app", event_type="purchase", quantity=5))
    found += [
        view(at(0.4, day), chosen, fulfilment="pickup", store_id=store)
        for store in STORES
        for chosen in ("", "shirt-M", f"{EVIL}-38")
    ]
    return found
