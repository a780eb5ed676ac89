"""What the retailer sells and where: brands, styles, sizes, stores and distribution centres."""

from dataclasses import dataclass

import numpy as np

from ingestion.simulation.retailer.config import Floats, Ints, RetailerConfig


@dataclass(frozen=True)
class Brand:
    """A brand and how well it is stocked."""

    name: str
    prefix: str
    """Begins its style ids."""
    days: float
    """Days of demand that its planners want in stock."""
    service: float
    """Share of the due deliveries that arrive."""


BRANDS = (
    Brand("Northfold", "NF", 3.4, 0.95),
    Brand("Marlowe & Finch", "MF", 2.6, 0.85),
    Brand("Oakline", "OL", 2.3, 0.85),
    Brand("Tidewater", "TW", 2.0, 0.75),
    Brand("Solano", "SO", 1.7, 0.65),
    Brand("Juniper Row", "JR", 1.2, 0.45),
)

_ALPHA = {"XS": 8, "S": 20, "M": 29, "L": 25, "XL": 13, "XXL": 5}
_WAIST = {"28": 6, "29": 9, "30": 16, "31": 17, "32": 21, "33": 13, "34": 12, "36": 6}
_SHOE = {"36": 5, "37": 11, "38": 19, "39": 22, "40": 18, "41": 12, "42": 8, "43": 5}
_KIDS = {"104": 16, "116": 23, "128": 25, "140": 21, "152": 15}
_ONE = {"ONE": 1}

CATEGORIES: tuple[tuple[str, str, float, dict[str, int]], ...] = (
    ("Women", "Dresses", 89.95, _ALPHA),
    ("Women", "Tops", 34.95, _ALPHA),
    ("Women", "Jeans", 79.95, _WAIST),
    ("Women", "Knitwear", 69.95, _ALPHA),
    ("Men", "Shirts", 49.95, _ALPHA),
    ("Men", "Trousers", 79.95, _WAIST),
    ("Men", "Jackets", 149.95, _ALPHA),
    ("Kids", "T-Shirts", 17.95, _KIDS),
    ("Kids", "Outerwear", 59.95, _KIDS),
    ("Shoes", "Sneakers", 99.95, _SHOE),
    ("Shoes", "Boots", 139.95, _SHOE),
    ("Accessories", "Bags", 59.95, _ONE),
    ("Accessories", "Scarves", 29.95, _ONE),
)
"""Department, category, usual price in EUR, and how demand spreads over the sizes."""

COLORS = ("black", "white", "navy", "sand", "olive", "rust", "sky", "grey", "crème")

INACTIVE = 0.03
"""Share of SKUs no longer offered; old links still lead to them now and then."""
DISCONTINUED_EVERY = 60
"""One style in so many has no active SKU left."""
OLD_LINK_DEMAND = 0.05
"""Demand for an inactive SKU as a share of its former demand."""


@dataclass(frozen=True)
class Locations:
    """Distribution centres first, then stores."""

    ids: list[str]
    centres: int
    store_weight: Floats
    """Share of each store in the stores' demand; sums to 1."""


@dataclass(frozen=True)
class Assortment:
    """All styles and SKUs; a SKU is known by its index, and a style's SKUs are adjacent."""

    style_ids: list[str]
    style_brand: list[int]
    style_category: list[int]
    style_color: list[str]
    style_price: list[float]
    style_weight: Floats
    """Share of the traffic; sums to 1."""
    sku_ids: list[str]
    sku_size: list[str]
    sku_style: Ints
    size_share: Floats
    """The catalog's size curve: three decimals, about 1 per style."""
    active: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    demand: Floats
    """Share of a SKU in the total demand; sums to about 1."""
    last_sku: Ints
    """The last SKU of each style."""
    size_steps: Floats
    """Style index + the running share of its sizes: one search draws a size for any style."""

    def draw_skus(self, rng: np.random.Generator, styles: Ints) -> Ints:
        """A SKU of each of these styles, by its size curve."""
        at = np.searchsorted(self.size_steps, styles + rng.random(len(styles)), side="right")
        return np.minimum(at, self.last_sku[styles])


def build_locations(config: RetailerConfig) -> Locations:
    """Two or three distribution centres and the stores, with very different traffic."""
    rng = config.rng(1)
    centres = 3 if config.locations >= 100 else 2
    stores = config.locations - centres
    ids = [f"dc-{k + 1}" for k in range(centres)] + [f"store-{k + 1:04d}" for k in range(stores)]
    weight = rng.lognormal(0, 0.5, stores)
    return Locations(ids, centres, weight / weight.sum())


def build_assortment(config: RetailerConfig) -> Assortment:
    """The styles with their brands, prices and size curves."""
    rng = config.rng(2)
    n = config.styles
    # Zipf traffic; the ranks are shuffled, so that an id does not reveal popularity.
    weight = rng.permutation(1 / np.arange(1, n + 1) ** 0.7)
    weight /= weight.sum()
    brand = rng.permutation(np.arange(n) % len(BRANDS)).tolist()
    category = rng.permutation(np.arange(n) % len(CATEGORIES)).tolist()
    price = [round(CATEGORIES[c][2] * float(rng.choice((0.7, 1, 1, 1.4))), 2) for c in category]
    color = [COLORS[k] for k in rng.integers(len(COLORS), size=n).tolist()]
    style_ids = [f"{BRANDS[b].prefix}-{1001 + s}" for s, b in enumerate(brand)]

    sku_style: list[int] = []
    sku_size: list[str] = []
    curves: list[Floats] = []
    for style, c in enumerate(category):
        sizes = CATEGORIES[c][3]
        sku_style += [style] * len(sizes)
        sku_size += sizes
        curve = np.array(list(sizes.values())) * rng.lognormal(0, 0.15, len(sizes))
        curves.append(curve / curve.sum())
    styles = np.array(sku_style, np.int64)
    share = np.concatenate(curves)

    sizes_of = np.bincount(styles, minlength=n)
    active = (rng.random(len(styles)) >= INACTIVE) | (sizes_of[styles] == 1)
    # The most popular style is never the one that is gone; any other may be.
    gone = rng.choice(np.argsort(-weight)[1:], n // DISCONTINUED_EVERY, replace=False)
    active[np.isin(styles, gone)] = False
    wanted = share * np.where(active, 1, OLD_LINK_DEMAND)
    of_style = np.bincount(styles, wanted, n)
    running = np.cumsum(wanted / of_style[styles])
    return Assortment(
        style_ids=style_ids,
        style_brand=brand,
        style_category=category,
        style_color=color,
        style_price=price,
        style_weight=weight,
        sku_ids=[f"{style_ids[s]}-{size}" for s, size in zip(sku_style, sku_size, strict=True)],
        sku_size=sku_size,
        sku_style=styles,
        size_share=np.maximum(np.round(share, 3), 0.001),
        active=active,
        demand=weight[styles] * wanted,
        last_sku=np.cumsum(sizes_of) - 1,
        size_steps=np.minimum(running, styles + 1),
    )
