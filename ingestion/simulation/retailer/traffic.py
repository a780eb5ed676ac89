"""Who visits the shop, and what they look at: sessions of people and of bots."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ingestion.simulation.retailer.assortment import Assortment, Locations
from ingestion.simulation.retailer.config import HOUR, SECOND, Floats, Ints, RetailerConfig, Slice
from ingestion.simulation.retailer.render import scramble

CHANNELS = ("web", "app", "store-kiosk")
CHANNEL_SHARES = (0.54, 0.38, 0.08)
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
)
"""User agents of people, per channel; '' = none sent."""
BOT_AGENTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "PriceCrawler/1.4",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " HeadlessChrome/141.0.0.0 Safari/537.36",
)
BOTS = 40
"""Visitors that are bots; their numbers come before those of people."""

BAG_RATE = 0.12
"""Views of a SKU by people that are followed by a wish to put it in the bag …"""
BUY_RATE = 0.3
"""… and wishes to have it that end in a wish to buy it."""
PICKUP_RATES = (0.15, 0.15, 0.5)
"""Visits that ask for pickup, per channel."""
PAGE_RATE, SEARCH_RATE = 0.35, 0.25
"""People's visits that begin on the home page, and that search before the first view."""
LONGEST_VISIT = 40 * 60 * SECOND


@dataclass(frozen=True)
class Visits:
    """The visits that begin in one slice, as columns. Instants are microseconds since the start,
    on whole milliseconds; `*_visit` are indexes into the columns of visits.
    """

    visitor: Ints
    channel: Ints
    agent: Ints
    """Index into `AGENTS[channel]`, or into `BOT_AGENTS`."""
    is_bot: NDArray[np.bool_]
    store: Ints
    """Index of the store of a pickup; -1 = ship."""

    view_visit: Ints
    view_at: Ints
    view_style: Ints
    view_sku: Ints
    """-1 = none chosen."""

    page_visit: Ints
    page_at: Ints
    search_visit: Ints
    search_at: Ints
    search_style: Ints
    """The style that the visitor will see first."""

    wish_visit: Ints
    """SKUs that people want to put in the bag …"""
    wish_sku: Ints
    bag_at: Ints
    buys: NDArray[np.bool_]
    """… and then perhaps to buy."""
    buy_at: Ints


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
    channel, agent = _devices(config, visitor, is_bot)
    picks_up = ~is_bot & (rng.random(n) < np.array(PICKUP_RATES)[channel])
    near = np.searchsorted(np.cumsum(locations.store_weight)[:-1], rng.random(n), side="right")

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

    style = _styles_seen(rng, goods, is_bot[visit])
    named = rng.random(len(visit)) < config.sku_views
    # A size is often chosen on the page that was open already.
    stays = named & (rng.random(len(visit)) < 0.6)
    stays[first] = False
    style = style[np.maximum.accumulate(np.where(stays, 0, np.arange(len(visit))))]
    sku = np.where(named, goods.draw_skus(rng, style), -1)

    wanted = named & ~is_bot[visit] & goods.active[sku] & (rng.random(len(visit)) < BAG_RATE)
    wish = np.flatnonzero(wanted)
    person = np.flatnonzero(~is_bot)
    page = person[rng.random(len(person)) < PAGE_RATE]
    search = person[rng.random(len(person)) < SEARCH_RATE]
    drawn = Visits(
        visitor=visitor,
        channel=channel,
        agent=agent,
        is_bot=is_bot,
        store=np.where(picks_up, near, -1),
        view_visit=visit,
        view_at=instant(visit, since),
        view_style=style,
        view_sku=sku,
        page_visit=page,
        page_at=instant(page, np.zeros(len(page))),
        search_visit=search,
        search_at=instant(search, since[first][search] * rng.uniform(0.3, 0.9, len(search))),
        search_style=style[first][search],
        wish_visit=visit[wish],
        wish_sku=sku[wish],
        bag_at=instant(visit[wish], since[wish] + rng.uniform(3, 30, len(wish))),
        buys=rng.random(len(wish)) < BUY_RATE,
        buy_at=instant(visit[wish], checkout[visit[wish]]),
    )
    return _in_the_period(drawn)


def _in_the_period(visits: Visits) -> Visits:
    """Without what visits in progress had done before the period."""
    view, page, search, wish = (
        at >= 0 for at in (visits.view_at, visits.page_at, visits.search_at, visits.bag_at)
    )
    return replace(
        visits,
        view_visit=visits.view_visit[view],
        view_at=visits.view_at[view],
        view_style=visits.view_style[view],
        view_sku=visits.view_sku[view],
        page_visit=visits.page_visit[page],
        page_at=visits.page_at[page],
        search_visit=visits.search_visit[search],
        search_at=visits.search_at[search],
        search_style=visits.search_style[search],
        wish_visit=visits.wish_visit[wish],
        wish_sku=visits.wish_sku[wish],
        bag_at=visits.bag_at[wish],
        buys=visits.buys[wish],
        buy_at=visits.buy_at[wish],
    )


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


def _devices(config: RetailerConfig, visitor: Ints, is_bot: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Channel and user agent, which a visitor keeps."""
    luck = scramble(visitor, config.seed).astype(np.float64) / 2.0**64
    channel = np.searchsorted(np.cumsum(CHANNEL_SHARES)[:-1], luck, side="right")
    channel = np.where(is_bot, 0, channel)
    choice = np.array([len(agents) for agents in AGENTS])[channel]
    choice = np.where(is_bot, len(BOT_AGENTS), choice)
    return channel, (luck * 1e6 % 1 * choice).astype(np.int64)


def _styles_seen(rng: np.random.Generator, goods: Assortment, is_bot: NDArray[np.bool_]) -> Ints:
    """People look at what is popular; bots look at everything alike."""
    styles = len(goods.style_weight)
    popular = np.searchsorted(
        np.cumsum(goods.style_weight)[:-1], rng.random(len(is_bot)), side="right"
    )
    return np.where(is_bot, rng.integers(styles, size=len(is_bot)), popular)
