"""Where visits come from, as their addresses really look."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.attribution.sources import CLICK_IDS, Source, click_ids, host_of, source_of

PAGE = "https://portal.kz/flat/1042"
OWN = ["portal.kz", "*.portal.kz"]

# What stands behind the page's `?` -> source class, source, medium.
TAGGED = [
    ("utm_source=google&utm_medium=cpc", ("paid_search", "google", "cpc")),
    ("utm_source=yandex&utm_medium=cpc&yclid=1423", ("paid_search", "yandex", "cpc")),
    ("UTM_SOURCE=Yandex&UTM_MEDIUM=CPC", ("paid_search", "yandex", "cpc")),
    ("utm_source=yandex_direct&utm_medium=ppc", ("paid_search", "yandex_direct", "ppc")),
    ("utm_source=yandex&utm_medium=organic", ("organic", "yandex", "organic")),
    ("utm_source=google", ("organic", "google", None)),
    ("utm_source=google&gclid=Cj0K", ("paid_search", "google", None)),
    ("utm_source=google&utm_medium=display", ("display", "google", "display")),
    ("utm_source=instagram&utm_medium=cpc", ("paid_social", "instagram", "cpc")),
    ("utm_source=ig&utm_medium=paid_social", ("paid_social", "ig", "paid_social")),
    ("utm_source=facebook&utm_medium=target", ("paid_social", "facebook", "target")),
    ("utm_source=vk&utm_medium=cpc", ("paid_social", "vk", "cpc")),
    ("utm_source=mytarget&utm_medium=cpc", ("paid_social", "mytarget", "cpc")),
    ("utm_source=vk_ads&utm_medium=cpm", ("display", "vk_ads", "cpm")),
    ("utm_source=tiktok&utm_medium=paid", ("paid_social", "tiktok", "paid")),
    ("utm_source=fb&utm_medium=social", ("social", "fb", "social")),
    ("utm_source=instagram.com", ("social", "instagram.com", None)),
    ("utm_source=tg", ("messenger", "tg", None)),
    ("utm_source=whatsapp&utm_medium=messenger", ("messenger", "whatsapp", "messenger")),
    ("utm_source=sms-astana&utm_medium=sms", ("messenger", "sms-astana", "sms")),
    ("utm_source=krisha&utm_medium=cpc", ("aggregator", "krisha", "cpc")),
    ("utm_source=krisha.kz", ("aggregator", "krisha.kz", None)),
    ("utm_source=www.cian.ru&utm_medium=cpc", ("aggregator", "www.cian.ru", "cpc")),
    ("utm_source=2gis&utm_medium=maps", ("aggregator", "2gis", "maps")),
    ("utm_source=avito&utm_medium=classified", ("aggregator", "avito", "classified")),
    ("utm_source=yandex-feed&utm_medium=feed", ("aggregator", "yandex-feed", "feed")),
    ("utm_source=unisender&utm_medium=email", ("email", "unisender", "email")),
    ("utm_medium=email", ("email", None, "email")),
    ("utm_source=chatgpt.com", ("assistant", "chatgpt.com", None)),
    ("utm_source=partner-bank&utm_medium=affiliate", ("referral", "partner-bank", "affiliate")),
    ("utm_source=billboard-44&utm_medium=offline", ("other", "billboard-44", "offline")),
    ("utm_source=a&utm_source=google&utm_medium=cpc", ("paid_search", "google", "cpc")),
    ("utm_source=%D1%8F%D0%BD%D0%B4%D0%B5%D0%BA%D1%81&utm_medium=cpc", ("paid_search", "яндекс", "cpc")),
    ("gclid=Cj0KCQiA", ("paid_search", "google", "cpc")),
    ("gbraid=0AAAAA", ("paid_search", "google", "cpc")),
    ("wbraid=CjkKCA", ("paid_search", "google", "cpc")),
    ("yclid=17033", ("paid_search", "yandex", "cpc")),
    ("ysclid=lzk3", ("organic", "yandex", "organic")),
    ("yclid=1&ysclid=2", ("paid_search", "yandex", "cpc")),
    ("fbclid=IwAR0", ("social", "facebook", "social")),
    ("msclkid=8f1", ("paid_search", "bing", "cpc")),
    ("rb_clickid=x", ("paid_social", "vk", "cpc")),
    ("utm_source=&utm_medium=&gclid=7", ("paid_search", "google", "cpc")),
    ("gclid=", ("direct", None, None)),
    ("utm_campaign=alone", ("direct", None, None)),
    ("page=2&sort=price", ("direct", None, None)),
]

REFERRED = [
    ("https://www.google.kz/", ("organic", "google", "organic")),
    ("HTTPS://WWW.GOOGLE.COM:443/", ("organic", "google", "organic")),
    ("https://www.google.co.uk/search?q=astana", ("organic", "google", "organic")),
    ("https://google.com.tr/", ("organic", "google", "organic")),
    ("android-app://com.google.android.googlequicksearchbox/", ("organic", "google", "organic")),
    ("https://yandex.kz/", ("organic", "yandex", "organic")),
    ("https://yandex.com.tr/search/?text=daire", ("organic", "yandex", "organic")),
    ("https://ya.ru/", ("organic", "yandex", "organic")),
    ("android-app://ru.yandex.searchplugin/", ("organic", "yandex", "organic")),
    ("https://go.mail.ru/search", ("organic", "mail.ru", "organic")),
    ("https://nova.rambler.ru/search", ("organic", "rambler", "organic")),
    ("https://www.bing.com/", ("organic", "bing", "organic")),
    ("https://duckduckgo.com/", ("organic", "duckduckgo", "organic")),
    ("https://r.search.yahoo.com/_ylt=x", ("organic", "yahoo", "organic")),
    ("https://chatgpt.com/", ("assistant", "chatgpt", "referral")),
    ("https://alice.yandex.ru/", ("assistant", "alice", "referral")),
    ("https://gemini.google.com/app", ("assistant", "gemini", "referral")),
    ("https://away.vk.com/away.php", ("social", "vk", "social")),
    ("https://m.vk.com/", ("social", "vk", "social")),
    ("https://ok.ru/", ("social", "ok", "social")),
    ("https://l.facebook.com/l.php?u=x", ("social", "facebook", "social")),
    ("android-app://com.facebook.katana/", ("social", "facebook", "social")),
    ("https://l.instagram.com/?u=x", ("social", "instagram", "social")),
    ("https://www.tiktok.com/", ("social", "tiktok", "social")),
    ("https://www.youtube.com/", ("social", "youtube", "social")),
    ("https://dzen.ru/a/x", ("social", "dzen", "social")),
    ("https://t.co/abc", ("social", "twitter", "social")),
    ("https://t.me/astana_flats", ("messenger", "telegram", "messenger")),
    ("android-app://org.telegram.messenger/", ("messenger", "telegram", "messenger")),
    ("https://web.whatsapp.com/", ("messenger", "whatsapp", "messenger")),
    ("https://e.mail.ru/inbox/0:1", ("email", "mail.ru", "email")),
    ("https://mail.google.com/", ("email", "gmail", "email")),
    ("android-app://com.google.android.gm/", ("email", "gmail", "email")),
    ("https://mail.yandex.kz/", ("email", "yandex", "email")),
    ("https://krisha.kz/a/show/68", ("aggregator", "krisha", "referral")),
    ("https://m.krisha.kz/", ("aggregator", "krisha", "referral")),
    ("https://2gis.kz/astana/firm/7", ("aggregator", "2gis", "referral")),
    ("https://astana.cian.ru/", ("aggregator", "cian", "referral")),
    ("https://www.avito.ru/", ("aggregator", "avito", "referral")),
    ("https://www.olx.kz/d/", ("aggregator", "olx", "referral")),
    ("https://kn.kz/", ("aggregator", "kn", "referral")),
    ("https://domclick.ru/", ("aggregator", "domclick", "referral")),
    ("https://realty.yandex.ru/", ("aggregator", "yandex-realty", "referral")),
    ("https://yandex.kz/maps/163/astana/", ("aggregator", "yandex-maps", "referral")),
    ("https://www.google.com/maps/place/x", ("aggregator", "google-maps", "referral")),
    ("https://www.tengrinews.kz/article/9", ("referral", "tengrinews.kz", "referral")),
    ("https://notportal.kz/", ("referral", "notportal.kz", "referral")),
    ("https://google.evil.example/", ("referral", "google.evil.example", "referral")),
    ("https://notgoogle.com/", ("referral", "notgoogle.com", "referral")),
    ("http://192.168.0.7/", ("referral", "192.168.0.7", "referral")),
    (None, ("direct", None, None)),
    ("", ("direct", None, None)),
    ("about:blank", ("direct", None, None)),
    ("javascript:alert(1)", ("direct", None, None)),
    ("http://", ("direct", None, None)),
    ("http://[", ("direct", None, None)),
    ("http://[::1", ("direct", None, None)),
    ("%%%", ("direct", None, None)),
    ("krisha.kz", ("direct", None, None)),
]


def seen(source: Source | None) -> tuple[str, str | None, str | None] | None:
    return (source.source_class, source.source, source.medium) if source else None


@pytest.mark.parametrize(("query", "expected"), TAGGED, ids=[query for query, _ in TAGGED])
def test_the_pages_own_address(query: str, expected: tuple[str, str | None, str | None]) -> None:
    assert seen(source_of(f"{PAGE}?{query}", None, OWN)) == expected


@pytest.mark.parametrize(("referrer", "expected"), REFERRED, ids=[str(referrer) for referrer, _ in REFERRED])
def test_the_referrer(referrer: str | None, expected: tuple[str, str | None, str | None]) -> None:
    assert seen(source_of(PAGE, referrer, OWN)) == expected


@pytest.mark.parametrize("host", ["portal.kz", "www.portal.kz", "astana.portal.kz", "PORTAL.kz:8443"])
def test_a_page_of_the_site_itself_only_continues_the_visit(host: str) -> None:
    assert source_of(PAGE, f"https://{host}/flats", OWN) is None


def test_an_advertisement_begins_anew_whatever_the_referrer_is() -> None:
    found = source_of(f"{PAGE}?utm_source=google&utm_medium=cpc", "https://portal.kz/flats", OWN)
    assert seen(found) == ("paid_search", "google", "cpc")


def test_all_that_the_tags_say_is_kept() -> None:
    query = "utm_source=google&utm_medium=cpc&utm_campaign=Астана&utm_term=2+комнатная&utm_content=banner+7"
    found = source_of(f"{PAGE}?{query}", None, OWN)
    assert found == Source("paid_search", "google", "cpc", "Астана", "2 комнатная", "banner 7")


def test_a_click_id_keeps_campaign_and_term() -> None:
    found = source_of(f"{PAGE}?gclid=1&utm_campaign=astana&utm_term=flat", None, OWN)
    assert found == Source("paid_search", "google", "cpc", "astana", "flat")


def test_instagram_hides_behind_facebooks_click_id() -> None:
    assert seen(source_of(f"{PAGE}?fbclid=1", "https://l.instagram.com/", OWN)) == ("social", "instagram", "social")


class TestStatedByTheSite:
    def test_it_wins_over_everything_else(self) -> None:
        stated = {"source": "krisha", "medium": "feed", "campaign": "c", "term": "t", "content": "x"}
        found = source_of(f"{PAGE}?gclid=1", "https://www.google.kz/", OWN, stated)
        assert found == Source("aggregator", "krisha", "feed", "c", "t", "x")

    def test_its_class_is_taken_as_it_is(self) -> None:
        found = source_of(PAGE, None, OWN, {"source": "bigboard", "class": "outdoor"})
        assert seen(found) == ("outdoor", "bigboard", None)

    @pytest.mark.parametrize("nothing", [{}, {"source": None, "medium": "cpc"}, {"source": "", "class": ""}])
    def test_nothing_stated_is_no_statement(self, nothing: dict[str, str | None]) -> None:
        assert seen(source_of(PAGE, "https://ya.ru/", OWN, nothing)) == ("organic", "yandex", "organic")


class TestClickIds:
    def test_all_are_found(self) -> None:
        query = "&".join(f"{name}=of-{name}" for name in CLICK_IDS)
        assert click_ids(f"{PAGE}?{query}") == {name: f"of-{name}" for name in CLICK_IDS}

    def test_empty_ones_are_none(self) -> None:
        assert click_ids(f"{PAGE}?gclid=&page=1") == {}
        assert click_ids(None) == {}


@pytest.mark.parametrize(
    ("address", "host"),
    [("https://www.Example.KZ:8443/x", "example.kz"), ("//cdn.example.kz", "cdn.example.kz"), ("nonsense", None),
     (None, None), ("https://user:secret@example.kz/", "example.kz"), ("http://[2a00::1]/", "2a00::1")],
)  # fmt: skip
def test_hosts(address: str | None, host: str | None) -> None:
    assert host_of(address) == host


_texts = st.text() | st.text(st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010))
_addresses = _texts | st.builds("{}://{}/{}?utm_source={}&{}={}".format, *[_texts] * 6) | st.none()
_statements = st.none() | st.dictionaries(
    st.sampled_from(["source", "medium", "campaign", "term", "content", "class"]), st.none() | _texts
)


@given(_addresses, _addresses, st.lists(_texts, max_size=3), _statements)
def test_any_text_at_all_has_a_source(
    page: str | None, referrer: str | None, own: list[str], stated: dict[str, str | None] | None
) -> None:
    found = source_of(page, referrer, own, stated)
    assert found is None or (isinstance(found.source_class, str) and found.source_class)
    assert set(click_ids(page)) <= set(CLICK_IDS)


@given(st.text(min_size=150, max_size=400).map(lambda text: text.replace("&", "")))
def test_names_are_cut_to_what_can_be_kept(text: str) -> None:
    tagged = source_of(f"{PAGE}?utm_source={text}&utm_medium={text}", None, OWN)
    referred = source_of(PAGE, f"https://{'a' * 300}.example/", OWN)
    for found in (tagged, referred):
        assert found is None or max(len(found.source or ""), len(found.medium or "")) <= 200
