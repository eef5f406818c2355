"""One job of a peer's, in a process of its own: ``linkage.py splink|recordlinkage DATA FILE``; the last line is JSON.

The models follow the peers' own documentation: Splink's "Deduplicate FEBRL 3" and "Link FEBRL 4" demos, recordlinkage's
"Data deduplication" and "Link two datasets". Neither has one for restaurants: the same kind of model there.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import resource
import sys
import time

import pandas as pd

REFERENCE = {"febrl3": "rec_id", "febrl4": "rec_id", "restaurants": "id"}
LIST = {"febrl4": "list", "restaurants": "guide"}


def read(path: str) -> pd.DataFrame:
    frame = pd.read_csv(path, dtype=str, skipinitialspace=True)
    for name in frame.columns:
        frame[name] = frame[name].str.strip().replace("", None)
    return frame


def with_recordlinkage(name: str, path: str) -> list[tuple[str, str]]:
    import recordlinkage

    frame = read(path).set_index(REFERENCE[name])
    lists = [part for _, part in frame.groupby(LIST[name])] if name in LIST else [frame]
    index = recordlinkage.Index()
    compare = recordlinkage.Compare()
    if name == "restaurants":
        index.block("city")
        compare.string("name", "name", method="jarowinkler", threshold=0.85)
        compare.string("addr", "addr", threshold=0.85)
        compare.exact("phone", "phone")
        compare.exact("type", "type")
        least = 2
    else:
        index.block("given_name")
        compare.exact("given_name", "given_name")
        compare.string("surname", "surname", method="jarowinkler", threshold=0.85)
        compare.exact("date_of_birth", "date_of_birth")
        compare.exact("suburb", "suburb")
        compare.exact("state", "state")
        compare.string("address_1", "address_1", threshold=0.85)
        least = 4
    features = compare.compute(index.index(*lists), *lists)
    return list(features[features.sum(axis=1) >= least].index)


def with_splink(name: str, path: str) -> list[tuple[str, str]]:
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    frame = read(path).rename(columns={REFERENCE[name]: "unique_id"})
    if name == "restaurants":
        frame["phone"] = frame["phone"].str.replace(r"\D", "", regex=True)
        rules = [block_on("phone"), block_on("name"), block_on("addr"), block_on("city", "substr(name, 1, 2)")]
        comparisons = [
            cl.JaroWinklerAtThresholds("name", [0.9, 0.8]), cl.JaroWinklerAtThresholds("addr", [0.9, 0.8]),
            cl.LevenshteinAtThresholds("phone", [1]), cl.ExactMatch("city"), cl.ExactMatch("type"),
        ]  # fmt: skip
        certain, train = [block_on("phone")], [block_on("phone"), block_on("name")]
    else:
        rules = [
            block_on("soc_sec_id"), block_on("given_name"), block_on("surname"), block_on("date_of_birth"),
            block_on("postcode"),
        ]  # fmt: skip
        comparisons = [
            cl.NameComparison("given_name"), cl.NameComparison("surname"),
            cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]), cl.ExactMatch("street_number"),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
        ]  # fmt: skip
        certain = [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")]
        train = [block_on("date_of_birth"), block_on("postcode")]
    linked = name in LIST
    settings = SettingsCreator(
        link_type="link_only" if linked else "dedupe_only",
        blocking_rules_to_generate_predictions=rules,
        comparisons=comparisons,
    )
    api = DuckDBAPI()
    parts = [part.drop(columns=[LIST[name]]) for _, part in frame.groupby(LIST[name])] if linked else [frame]
    linker = Linker([api.register(part) for part in parts] if linked else api.register(frame), settings)
    linker.training.estimate_probability_two_random_records_match(certain, recall=0.9)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    for one in train:
        linker.training.estimate_parameters_using_expectation_maximisation(one)
    found = linker.inference.predict(threshold_match_probability=0.5).as_pandas_dataframe()
    return list(zip(found["unique_id_l"], found["unique_id_r"], strict=True))


def contacts(path: str) -> int:
    """The large list: our blocking lines, comparisons of the same columns; pairs, and groups of them."""
    import duckdb
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    connection = duckdb.connect(config={"threads": 2})
    connection.execute(f"CREATE TABLE contacts AS SELECT * FROM '{path}'")
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="id",
        blocking_rules_to_generate_predictions=[
            block_on("email"), block_on("phone"), block_on("family_name", "postcode"), block_on("given_name", "born"),
        ],
        comparisons=[
            cl.JaroWinklerAtThresholds("email", [0.95]), cl.DamerauLevenshteinAtThresholds("phone", [1]),
            cl.JaroWinklerAtThresholds("given_name", [0.9]), cl.JaroWinklerAtThresholds("family_name", [0.9]),
            cl.JaroWinklerAtThresholds("street", [0.9]), cl.DamerauLevenshteinAtThresholds("postcode", [1]),
            cl.DamerauLevenshteinAtThresholds("born", [1]),
        ],
        retain_intermediate_calculation_columns=False,
    )  # fmt: skip
    api = DuckDBAPI(connection=connection)
    linker = Linker(api.register("contacts"), settings)
    linker.training.estimate_probability_two_random_records_match([block_on("email"), block_on("phone")], recall=0.9)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    for one in (block_on("family_name"), block_on("given_name", "born")):  # each trains what it does not block on
        linker.training.estimate_parameters_using_expectation_maximisation(one)
    pairs = linker.inference.predict(threshold_match_probability=0.5)
    linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, threshold_match_probability=0.5)
    return connection.execute(f"SELECT count(*) FROM {pairs.physical_name}").fetchall()[0][0]


def main(peer: str, name: str, path: str) -> None:
    started = time.monotonic(), time.process_time()
    pairs: list[tuple[str, str]] = []
    if name == "contacts":
        same = contacts(path)
    else:
        pairs = (with_splink if peer == "splink" else with_recordlinkage)(name, path)
        same = len(pairs)
    wall, cpu = time.monotonic() - started[0], time.process_time() - started[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print("\n" + json.dumps({"wall": wall, "cpu": cpu, "peak": peak, "same": same, "pairs": pairs}))


if __name__ == "__main__":
    main(*sys.argv[1:])
