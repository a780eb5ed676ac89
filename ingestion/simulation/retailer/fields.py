"""The parts of events that repeat, rendered once: members of a JSON object without the braces."""

import json
from urllib.parse import quote_plus

from ingestion.simulation.retailer.assortment import BRANDS, CATEGORIES, Assortment, Locations
from ingestion.simulation.retailer.traffic import AGENTS, BOT_AGENTS, CHANNELS

SITE = "https://shop.example"
REFERRERS = ("", "https://www.google.com/", "https://www.instagram.com/", "https://mail.example/")


def members(**fields: object) -> str:
    """`"a":1,"b":"x"`: the text between the braces; '' values are left out."""
    present = {name: value for name, value in fields.items() if value != ""}
    return json.dumps(present, separators=(",", ":"), ensure_ascii=False)[1:-1]


def product_fields(goods: Assortment) -> list[str]:
    """For each style and then for each SKU: which product, and the address of its page."""
    urls = [
        f"{SITE}/{'/'.join(CATEGORIES[category][:2])}/{style}".lower()
        for style, category in zip(goods.style_ids, goods.style_category, strict=True)
    ]
    styles = [
        members(style_id=style, url=url) for style, url in zip(goods.style_ids, urls, strict=True)
    ]
    skus = [
        members(style_id=goods.style_ids[style], sku_id=sku, url=f"{urls[style]}?size={size}")
        for style, sku, size in zip(
            goods.sku_style.tolist(), goods.sku_ids, goods.sku_size, strict=True
        )
    ]
    return styles + skus


def search_fields(goods: Assortment) -> list[str]:
    """For each style: the search that leads to it."""
    return [
        members(url=f"{SITE}/search?q={quote_plus(f'{color} {CATEGORIES[category][1].lower()}')}")
        for color, category in zip(goods.style_color, goods.style_category, strict=True)
    ]


def page_fields() -> list[str]:
    """The home page, for each way that leads there."""
    return [members(url=f"{SITE}/", referrer=referrer) for referrer in REFERRERS]


def device_fields() -> tuple[list[str], list[int]]:
    """Channel and user agent of each device, and where each channel's (and the bots') begin."""
    texts: list[str] = []
    first: list[int] = []
    for channel, agents in zip((*CHANNELS, CHANNELS[0]), (*AGENTS, BOT_AGENTS), strict=True):
        first.append(len(texts))
        texts += [members(channel=channel, user_agent=agent) for agent in agents]
    return texts, first


def fulfilment_fields(locations: Locations) -> list[str]:
    """For each store: a pickup there. The last one (index -1): to be shipped."""
    stores = locations.ids[locations.centres :]
    return [members(fulfilment="pickup", store_id=store) for store in stores] + [
        members(fulfilment="ship")
    ]


def catalog_rows(goods: Assortment, skus: list[int], prices: list[float]) -> list[str]:
    """For each of these SKUs: its row of the catalog, without the time it was written."""
    rows = []
    for sku in skus:
        style = int(goods.sku_style[sku])
        department, category, _, _ = CATEGORIES[goods.style_category[style]]
        rows.append(
            members(
                sku_id=goods.sku_ids[sku],
                style_id=goods.style_ids[style],
                brand=BRANDS[goods.style_brand[style]].name,
                department=department,
                category=category,
                color=goods.style_color[style],
                size=goods.sku_size[sku],
                price=prices[style],
                currency="EUR",
                size_share=float(goods.size_share[sku]),
                is_active=bool(goods.active[sku]),
            )
        )
    return rows
