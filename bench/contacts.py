"""A made list of contacts of any size, as a shop's system exports it: seeded, fast, the same bytes every time.

A tenth of the rows are exact duplicates but for their reference, a twentieth near ones; names, dates, countries and
telephone numbers are written in the many ways that people write them. Nobody in it is real.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

__all__ = ["COLUMNS", "write_contacts"]

COLUMNS = (
    "id", "given_name", "family_name", "email", "phone", "street", "postcode", "town", "country", "born", "since",
)  # fmt: skip

_SYLLABLES = "['ka','lo','mi','ra','ne','tu','be','si','jo','da','vi','el','an','or','pe','zu','ha','ri','sa','no']"
_COUNTRIES = (
    "['DE','de','Germany','AT','at','Austria','SI','si','Slovenia','FR','fr','France','IT','it','Italy',' DE ']"
)


def write_contacts(path: Path, rows: int, *, seed: int = 1) -> None:
    """Write ``rows`` rows of CSV with a header to ``path`` (about 110 bytes each)."""
    connection = duckdb.connect(config={"threads": 2, "memory_limit": "2GB", "temp_directory": str(path.parent)})
    try:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(
            f"""COPY (
            WITH numbers AS (
                SELECT n, (hash(n * 7919 + {seed}) >> 1)::BIGINT AS luck,
                       (hash(n + {seed} * 104729) >> 1)::BIGINT AS other FROM range({rows}) r(n)
            ), people AS (  -- a duplicate is the person of an earlier row
                SELECT n, luck, CASE WHEN luck % 100 < 15 AND n > 20 THEN n - 1 - other % 20 ELSE n END AS who,
                       luck % 100 BETWEEN 10 AND 14 AS near
                FROM numbers
            ), parts AS (
                SELECT n, near, (hash(who + {seed} * 15485863) >> 1)::BIGINT AS a,
                       (hash(who * 31 + {seed}) >> 1)::BIGINT AS b, (hash(who * 131 + {seed}) >> 1)::BIGINT AS c,
                       {_SYLLABLES} AS s
                FROM people
            ), named AS (
                SELECT n, near, a, b, c,
                       s[1 + a % 20] || s[1 + (a // 20) % 20] || s[1 + (a // 400) % 20] AS given,
                       s[1 + b % 20] || s[1 + (b // 20) % 20] || s[1 + (b // 400) % 20] || s[1 + (b // 8000) % 20] AS family
                FROM parts
            )
            SELECT 'c-' || n AS id,
                CASE a % 4 WHEN 0 THEN upper(given) WHEN 1 THEN ' ' || given || ' ' ELSE given END AS given_name,
                CASE b % 4 WHEN 0 THEN upper(family) WHEN 1 THEN family || '  ' ELSE family END
                    || CASE WHEN near THEN 'h' ELSE '' END AS family_name,
                CASE a % 3 WHEN 0 THEN upper(given) ELSE given END || '.' || family || (b % 997)
                    || CASE c % 50 WHEN 0 THEN ' at example' ELSE '@example.com' END AS email,
                CASE c % 3 WHEN 0 THEN '+49 ' WHEN 1 THEN '0049-' ELSE '0' END || (151 + c % 20) || '/'
                    || lpad(((c // 100) % 10000000)::VARCHAR, 7, '0') AS phone,
                family || 'str. ' || (1 + a % 199) AS street,
                lpad((b % 99999)::VARCHAR, 5, '0') AS postcode,
                given || 'stadt' AS town,
                {_COUNTRIES}[1 + c % 16] AS country,
                CASE b % 3 WHEN 0 THEN strftime(DATE '1930-01-01' + (b % 27000)::INTEGER, '%d.%m.%Y')
                    WHEN 1 THEN strftime(DATE '1930-01-01' + (b % 27000)::INTEGER, '%Y-%m-%d')
                    ELSE strftime(DATE '1930-01-01' + (b % 27000)::INTEGER, '%Y%m%d') END AS born,
                strftime(DATE '2010-01-01' + (c % 5000)::INTEGER, '%Y-%m-%d') AS since
            FROM named ORDER BY n
            ) TO '{path}' (FORMAT csv, HEADER)"""
        )
    finally:
        connection.close()
