"""What the retailer sells and where: brands, styles, sizes, stores and distribution centres."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ingestion.simulation.retailer.config import Bools, Floats, Ints, RetailerConfig


class Brand(NamedTuple):
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


class Category(NamedTuple):
    """A group of styles with the same sizes."""

    department: str
    name: str
    price: float
    """The usual one, in EUR."""
    sizes: dict[str, int]
    """How demand spreads over them."""


CATEGORIES = (
    Category("Women", "Dresses", 89.95, _ALPHA),
    Category("Women", "Tops", 34.95, _ALPHA),
    Category("Women", "Jeans", 79.95, _WAIST),
    Category("Women", "Knitwear", 69.95, _ALPHA),
    Category("Men", "Shirts", 49.95, _ALPHA),
    Category("Men", "Trousers", 79.95, _WAIST),
    Category("Men", "Jackets", 149.95, _ALPHA),
    Category("Kids", "T-Shirts", 17.95, _KIDS),
    Category("Kids", "Outerwear", 59.95, _KIDS),
    Category("Shoes", "Sneakers", 99.95, _SHOE),
    Category("Shoes", "Boots", 139.95, _SHOE),
    Category("Accessories", "Bags", 59.95, _ONE),
    Category("Accessories", "Scarves", 29.95, _ONE),
)

COLORS = ("black", "white", "navy", "sand", "olive", "rust", "sky", "grey", "crème")

INACTIVE = 0.03
"""Share of SKUs no longer offered; old links still lead to them now and then."""
DISCONTINUED_EVERY = 60
"""One style in so many has no active SKU left."""
OLD_LINK_DEMAND = 0.05
"""Demand for an inactive SKU as a share of its former demand."""


class Locations(NamedTuple):
    """Distribution centres first, then stores."""

    ids: list[str]
    centres: int
    store_weight: Floats
    """Share of each store in the stores' demand; sums to 1."""


class Style(NamedTuple):
    """What all sizes of a product have in common."""

    id: str
    brand: Brand
    category: Category
    color: str
    price: float


@dataclass(frozen=True)
class Assortment:
    """All styles and SKUs; a SKU is known by its index, and a style's SKUs are adjacent."""

    styles: list[Style]
    style_weight: Floats
    """Share of the traffic; sums to 1."""
    sku_ids: list[str]
    sku_size: list[str]
    sku_style: Ints
    size_share: Floats
    """The catalog's size curve: three decimals, about 1 per style."""
    active: Bools
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
    price = [round(CATEGORIES[c].price * float(rng.choice((0.7, 1, 1, 1.4))), 2) for c in category]
    color = rng.integers(len(COLORS), size=n).tolist()
    styles = [
        Style(f"{BRANDS[b].prefix}-{1001 + k}", BRANDS[b], CATEGORIES[c], COLORS[tint], price[k])
        for k, (b, c, tint) in enumerate(zip(brand, category, color, strict=True))
    ]
    sizes_of = np.array([len(style.category.sizes) for style in styles])
    sku_style = np.repeat(np.arange(n), sizes_of)
    curves = [
        np.array(list(style.category.sizes.values())) * rng.lognormal(0, 0.15, count)
        for style, count in zip(styles, sizes_of, strict=True)
    ]
    share = np.concatenate([curve / curve.sum() for curve in curves])

    active = (rng.random(len(share)) >= INACTIVE) | (sizes_of[sku_style] == 1)
    # The most popular style is never the one that is gone; any other may be.
    gone = rng.choice(np.argsort(-weight)[1:], n // DISCONTINUED_EVERY, replace=False)
    active[np.isin(sku_style, gone)] = False
    asked = share * np.where(active, 1, OLD_LINK_DEMAND)
    running = np.cumsum(asked / np.bincount(sku_style, asked, n)[sku_style])
    return Assortment(
        styles=styles,
        style_weight=weight,
        sku_ids=[f"{style.id}-{size}" for style in styles for size in style.category.sizes],
        sku_size=[size for style in styles for size in style.category.sizes],
        sku_style=sku_style,
        size_share=np.maximum(np.round(share, 3), 0.001),
        active=active,
        demand=weight[sku_style] * asked,
        last_sku=np.cumsum(sizes_of) - 1,
        size_steps=np.minimum(running, sku_style + 1),
    )
