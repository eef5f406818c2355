"""Currencies: the codes of ISO 4217, and the signs that people write instead."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

__all__ = ["CODES", "Currency", "code_of"]

CODES = frozenset(
    """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
    ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND
    VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG""".split()  # noqa: SIM905
)
"""ISO 4217, list one: currencies of countries; without metals, funds and test codes. BGN, which gave way to the euro in
2026, is still met in price lists."""

_SIGNS = {
    "€": "EUR", "EURO": "EUR", "EUROS": "EUR", "£": "GBP", "US$": "USD", "U.S.$": "USD", "A$": "AUD", "AU$": "AUD",
    "C$": "CAD", "CA$": "CAD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "NT$": "TWD", "R$": "BRL", "MX$": "MXN",
    "KČ": "CZK", "KCS": "CZK", "ZŁ": "PLN", "FT": "HUF", "LEI": "RON", "ЛВ": "BGN", "ЛВ.": "BGN", "₽": "RUB",
    "РУБ": "RUB", "РУБ.": "RUB", "ГРН": "UAH", "ГРН.": "UAH", "TL": "TRY", "ZL": "PLN", "RP": "IDR", "RP.": "IDR",
    "RM": "MYR", "₴": "UAH",
    "₺": "TRY", "₹": "INR", "₩": "KRW", "₪": "ILS", "₫": "VND", "฿": "THB", "₱": "PHP", "₦": "NGN", "₸": "KZT", "₾": "GEL",
    "FR.": "CHF", "SFR.": "CHF", "SFR": "CHF", "FR": "CHF", "RMB": "CNY", "CN¥": "CNY", "JP¥": "JPY", "元": "CNY", "円": "JPY",
}  # fmt: skip
"""Signs that mean one currency only. ``$``, ``¥``, ``kr`` and the like mean several: a SOW says which."""

_SEVERAL = {
    "$": frozenset("USD CAD AUD NZD HKD SGD TWD MXN ARS CLP COP".split()),  # noqa: SIM905
    "¥": frozenset({"JPY", "CNY"}),
    "KR": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    "KR.": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    "RS": frozenset({"INR", "PKR", "LKR", "NPR", "MUR"}),
    "RS.": frozenset({"INR", "PKR", "LKR", "NPR", "MUR"}),
}


def _code(text: str) -> str:
    if text not in CODES:
        raise ValueError("not a currency code; write three capitals as in ISO 4217, like `EUR`")
    return text


Currency = Annotated[str, AfterValidator(_code)]
"""A code of ISO 4217."""


def code_of(written: str, stated: str | None) -> str | None:
    """The code that a sign, a code or a word stands for.

    :param stated: the currency that the SOW names: of a sign that means several it decides, if it is one of them.
    """
    sign = re.sub(r"[\s:]", "", written).upper()
    if sign in CODES:
        return sign
    if sign[:3] in CODES and sign[3:] in ("$", "€", "£", "¥"):
        return sign[:3] if code_of(sign[3:], sign[:3]) == sign[:3] else None
    if sign in _SEVERAL:
        return stated if stated in _SEVERAL[sign] else None
    return _SIGNS.get(sign)
