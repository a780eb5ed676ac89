"""The parts of events that repeat, rendered once: members of a JSON object without the braces."""

import json
from urllib.parse import quote_plus

from ingestion.simulation.retailer.assortment import Assortment, Locations
from ingestion.simulation.retailer.traffic import AGENTS, CHANNELS, REFERRERS

SITE = "https://shop.example"


def members(**fields: object) -> str:
    """`"a":1,"b":"x"`: the text between the braces; '' values are left out."""
    present = {name: value for name, value in fields.items() if value != ""}
    return json.dumps(present, separators=(",", ":"), ensure_ascii=False)[1:-1]


def product_fields(goods: Assortment) -> list[str]:
    """For each style and then for each SKU: which product, and the address of its page."""
    styles, skus = [], []
    for style in goods.styles:
        url = f"{SITE}/{style.category.department}/{style.category.name}/{style.id}".lower()
        styles.append(members(style_id=style.id, url=url))
        for size in style.category.sizes:
            sku = f"{style.id}-{size}"
            skus.append(members(style_id=style.id, sku_id=sku, url=f"{url}?size={size}"))
    return styles + skus


def search_fields(goods: Assortment) -> list[str]:
    """For each style: the search that leads to it."""
    queries = (f"{style.color} {style.category.name.lower()}" for style in goods.styles)
    return [members(url=f"{SITE}/search?q={quote_plus(query)}") for query in queries]


def page_fields() -> list[str]:
    """The home page, for each way that leads there."""
    return [members(url=f"{SITE}/", referrer=referrer) for referrer in REFERRERS]


def device_fields() -> list[str]:
    """Channel and user agent of each device."""
    return [
        members(channel=channel, user_agent=agent)
        for channel, agents in zip(CHANNELS, AGENTS, strict=True)
        for agent in agents
    ]


def fulfilment_fields(locations: Locations) -> list[str]:
    """For each store: a pickup there. The last one (index -1): to be shipped."""
    stores = locations.ids[locations.centres :]
    pickups = [members(fulfilment="pickup", store_id=store) for store in stores]
    return [*pickups, members(fulfilment="ship")]


def catalog_row(goods: Assortment, sku: int, prices: list[float]) -> str:
    """A SKU's row of the catalog, but for the time it was written."""
    number = int(goods.sku_style[sku])
    style = goods.styles[number]
    return members(
        sku_id=goods.sku_ids[sku],
        style_id=style.id,
        brand=style.brand.name,
        department=style.category.department,
        category=style.category.name,
        color=style.color,
        size=goods.sku_size[sku],
        price=prices[number],
        currency="EUR",
        size_share=float(goods.size_share[sku]),
        is_active=bool(goods.active[sku]),
    )
