"""Who visits the shop, and what they look at: sessions of people and of bots."""

from typing import NamedTuple

import numpy as np

from ingestion.simulation.retailer.assortment import Assortment, Locations
from ingestion.simulation.retailer.config import (
    HOUR,
    SECOND,
    Floats,
    Ints,
    RetailerConfig,
    Slice,
    pick,
)
from ingestion.simulation.retailer.render import scramble

CHANNELS = ("web", "app", "store-kiosk", "web")
"""Those of people, and that of bots."""
BOT = 3
CHANNEL_SHARES = np.array((0.54, 0.38, 0.08))
PICKUP_RATES = np.array((0.15, 0.15, 0.5, 0))
"""Visits that ask for pickup, per channel."""
AGENTS: tuple[tuple[str, ...], ...] = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/141.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Version/26.0 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/141.0.0.0 Mobile Safari/537.36",
    ),
    ("ShopApp/8.2 (iPhone; iOS 26.0)", "ShopApp/8.2 (Android 15)", ""),
    ("StoreKiosk/3.1",),
    (
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
        "PriceCrawler/1.4",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " HeadlessChrome/141.0.0.0 Safari/537.36",
    ),
)
"""User agents per channel; '' = none sent."""
REFERRERS = ("", "https://www.google.com/", "https://www.instagram.com/", "https://mail.example/")
BOTS = 40
"""Visitors that are bots; their numbers come before those of people."""

BAG_RATE = 0.12
"""Views of a SKU by people that are followed by a wish to put it in the bag …"""
BUY_RATE = 0.3
"""… and wishes to have it that end in a wish to buy it."""
PAGE_RATE, SEARCH_RATE = 0.35, 0.25
"""People's visits that begin on the home page, and that search before the first view."""
LONGEST_VISIT = 40 * 60 * SECOND


class Clicks(NamedTuple):
    """Events of one kind, as columns; `at` is in microseconds since the start, on whole ms."""

    at: Ints
    visit: Ints
    subject: Ints
    """Views: the style, or the number of styles + the SKU. Searches: the style that the visitor
    will see first. Home page: index into `REFERRERS`."""


class Wishes(NamedTuple):
    """SKUs that people want to put in the bag, and then perhaps to buy."""

    at: Ints
    visit: Ints
    sku: Ints
    buy_at: Ints
    """-1 = not at all."""


class Visits(NamedTuple):
    """The visits that begin in one slice, as columns, and what happens in them."""

    visitor: Ints
    device: Ints
    """Index into all `AGENTS`."""
    store: Ints
    """Index of the store of a pickup; -1 = ship."""
    views: Clicks
    searches: Clicks
    pages: Clicks
    wishes: Wishes


def draw_visits(
    config: RetailerConfig, goods: Assortment, locations: Locations, piece: Slice
) -> Visits:
    """The visits that begin in this slice; all of their events happen in the period."""
    rng = config.rng(5, piece.number)
    people = _visit_lengths(rng, piece.human_views, 4, 30)
    lengths = np.concatenate((people, _visit_lengths(rng, piece.bot_views, 30, 200)))
    n = len(lengths)
    is_bot = np.arange(n) >= len(people)
    pool = config.views // 5 + 1
    visitor = np.where(is_bot, rng.integers(BOTS, size=n), BOTS + rng.integers(pool, size=n))
    # A visitor keeps channel and user agent.
    luck = scramble(visitor, config.seed).astype(np.float64) / 2.0**64
    channel = np.where(is_bot, BOT, pick(CHANNEL_SHARES, luck))
    agents = np.array([len(agents) for agents in AGENTS])
    first_agent = np.cumsum(agents) - agents
    device = first_agent[channel] + (luck * 1e6 % 1 * agents[channel]).astype(np.int64)
    picks_up = rng.random(n) < PICKUP_RATES[channel]
    near = pick(locations.store_weight, rng.random(n))

    # Views: seconds since the visit began, the first after a visit to the home page.
    visit = np.repeat(np.arange(n), lengths)
    first = np.cumsum(lengths) - lengths
    gap = 0.8 + rng.exponential(np.where(is_bot, 2.0, 35.0)[visit])
    gap[first] = rng.uniform(1, 8, n)
    passed = np.cumsum(gap)
    since = passed - (passed - gap)[first][visit]
    checkout = since[first + lengths - 1] + rng.uniform(30, 240, n)
    begin = piece.begin + rng.random(n) * (piece.end - piece.begin)
    # Visits have a maximum length; one that reaches the end of the period is compressed.
    room = np.clip(config.hours * HOUR - SECOND / 1000 - begin, 0, LONGEST_VISIT)
    pace = np.minimum(1, room / (checkout * SECOND))

    def instant(visits: Ints, seconds: Floats) -> Ints:
        at: Ints = (begin[visits] + seconds * pace[visits] * SECOND).astype(np.int64)
        return at // 1000 * 1000

    # People look at what is popular; bots look at everything alike.
    popular = pick(goods.style_weight, rng.random(len(visit)))
    anything = rng.integers(len(goods.styles), size=len(visit))
    style = np.where(is_bot[visit], anything, popular)
    named = rng.random(len(visit)) < config.sku_views
    # A size is often chosen on the page that was open already.
    stays = named & (rng.random(len(visit)) < 0.6)
    stays[first] = False
    style = style[np.maximum.accumulate(np.where(stays, 0, np.arange(len(visit))))]
    sku = goods.draw_skus(rng, style)

    wanted = named & ~is_bot[visit] & goods.active[sku] & (rng.random(len(visit)) < BAG_RATE)
    wish = np.flatnonzero(wanted)
    person = np.flatnonzero(~is_bot)
    page = person[rng.random(len(person)) < PAGE_RATE]
    search = person[rng.random(len(person)) < SEARCH_RATE]
    search_at = instant(search, since[first][search] * rng.uniform(0.3, 0.9, len(search)))
    bag_at = instant(visit[wish], since[wish] + rng.uniform(3, 30, len(wish)))
    buys = rng.random(len(wish)) < BUY_RATE
    buy_at = np.where(buys, instant(visit[wish], checkout[visit[wish]]), -1)
    product = np.where(named, len(goods.styles) + sku, style)
    return Visits(
        visitor,
        device,
        np.where(picks_up, near, -1),
        Clicks(*_begun(instant(visit, since), visit, product)),
        Clicks(*_begun(search_at, search, style[first][search])),
        Clicks(*_begun(instant(page, np.zeros(len(page))), page, visitor[page] % len(REFERRERS))),
        Wishes(*_begun(bag_at, visit[wish], sku[wish], buy_at)),
    )


def _begun(at: Ints, *columns: Ints) -> list[Ints]:
    """These columns without what visits in progress had done before the period."""
    return [column[at >= 0] for column in (at, *columns)]


def _visit_lengths(rng: np.random.Generator, views: int, mean: float, longest: int) -> Ints:
    """Views per visit that sum to `views` exactly."""
    lengths = np.zeros(0, np.int64)
    while lengths.sum() < views:
        more = rng.geometric(1 / mean, int((views - lengths.sum()) / mean) + 8)
        lengths = np.concatenate((lengths, np.minimum(more, longest)))
    total = np.cumsum(lengths)
    count = int(np.searchsorted(total, views)) + 1 if views else 0
    lengths = lengths[:count]
    lengths[-1:] -= total[count - 1 : count] - views
    return lengths
