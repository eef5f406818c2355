"""Queries in a SOW: what they may do, what they never can, and what they leave."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from backoffice.contract.flow import flow_of
from backoffice.contract.kind import Kind
from backoffice.errors import EngineError
from backoffice.transform.guarding import faults_of, placed, types_of
from tests.transform.steps.tabular import agreed, run

KNOWN = {
    "input": {"a": Kind.TEXT, "b": Kind.INTEGER, "d": Kind.DATE, "n": Kind.NUMBER, "user": Kind.TEXT},
    "lk": {"a": Kind.TEXT, "c": Kind.TEXT},
}

ESCAPES = """\
select * from read_csv('/etc/passwd')
select * from read_csv_auto('/etc/passwd')
select * from read_parquet('/proc/self/fd/3')
select * from read_json('x')
select * from '/etc/passwd'
select * from "/proc/self/fd/3"
from '/etc/passwd'
select * from read_text('/proc/self/environ')
select read_blob('/etc/passwd')
select * from glob('*')
select * from sniff_csv('x')
select * from st_read('x')
select * from duckdb_settings()
select * from duckdb_secrets()
select * from duckdb_tables
select * from information_schema.tables
select * from sqlite_master
select * from pg_catalog.pg_tables
select * from main.input
select * from memory.main.input
select memory.main.input.a from input
select getenv('HOME')
select "getenv"('HOME')
select main.getenv('HOME')
select system.main.getenv('HOME')
select 'HOME'.getenv()
select try(getenv('HOME'))
select current_setting('memory_limit')
select getvariable('x')
select which_secret('x', 'y')
select version()
select txid_current()
select now()
select today()
select current_date
select current_timestamp
select localtime
select "localtimestamp"
select age(d) from input
select strftime(now(), '%Y')
select * replace (now() as a) from input
select sum(b) over (order by now()) from input
select user
select "current_user" from input
select user from input
select "session_user"
select random()
select uuid()
select setseed(0.5)
select * from input order by random()
select a from input group by all having count(*) > random()
attach 'x' as y
copy input to '/tmp/x'
copy (select 1) to '/tmp/x'
/* x */ copy input to 'y'
export database 'x'
pragma database_list
call pragma_version()
set memory_limit = '1GB'
set variable x = 1
reset memory_limit
install httpfs
load httpfs
use memory
checkpoint
vacuum
create table x as select 1
create macro f() as 1
drop table input
insert into input values (1)
update input set a = 1
delete from input
select 1; drop table input
with x as (delete from input returning *) select * from x
with x as (insert into input values (1) returning *) select * from x
with recursive r as (select 1 as n union all select n + 1 from r) select * from r
with "/etc/passwd" as (select 1) select * from "/etc/passwd"
select * from (with "/etc/passwd" as (select 1) select 1) q, "/etc/passwd"
with input as (select 1 as a) select * from input
with lk as (select 1 as a) select * from lk
select * from range(1000000000000)
select * from generate_series(1, 10)
select unnest(range(10))
select * from unnest([1, 2])
select repeat('x', 1000000000)
select lpad('x', 1000000000, 'y')
select rpad(a, b, 'y') from input
select * from query('select 1')
select * from query_table('input')
select columns(*) from input
select * from input tablesample 10%
select * from input using sample 3
select * from input at (version => 1)
select * from input pivot (count(a) for b in (1, 2))
pivot input on a using count(*)
unpivot input on a
summarize input
describe input
explain select 1
show tables
select $1
select ?
select #1 from input
select a from other
select input.a.b from input
select nextval('s')
select pg_sleep(1)
select error('x')
select write_log('x')
select hash(a) from input
select list_transform([1], lambda x: x) from input
select [x for x in [1, 2]]
select {'a': 1}.a
select map {'a': 1}
select 'x'::json
select json_extract('{}', '$')
select a from input into outfile 'x'
select * from input natural join read_csv('x')
select * from input join '/etc/passwd' p on true
select (select content from read_text('/etc/passwd'))
select * from (from read_csv('x'))
select case when a in (select * from glob('*')) then 1 end from input
select a from input where exists (from read_text('x'))
select * from input, lateral (select * from read_csv('x'))
select array(select * from glob('*'))
select a.* exclude (b), getenv('x') from input a
select a from input limit 1
select a from input offset 1
select distinct on (a) a from input
select first(a) from input
select any_value(a) from input
select list(a) from input
select string_agg(a, ',') from input
select row_number() over () from input
)(
""".splitlines()


@pytest.mark.parametrize("query", ESCAPES)
def test_a_query_cannot_leave_its_tables_or_depend_on_chance(query):
    assert list(faults_of(query, KNOWN))
    with pytest.raises(EngineError):
        placed(query, KNOWN, {})


WORK = """\
select _row, a, b from input
select * from input
from input select a, b order by a
select i._row, i.a, l.c from input i left join lk l on l.a = i.a
with t as (select a, count(*) as n, sum(n) as s from input group by a) select a, n, s from t
select _row, input.user from input
select _row, case when b > 3 then 'x' else 'y' end as y, n * 2 as t, d + interval 3 day as e from input where a like 'A%'
select a, string_agg(a, ', ' order by _row) as l from input group by a
select _row, row_number() over (partition by a order by _row) as r, lag(b) over (order by _row) as p from input
select a from input union all select a from lk
select a, sum(b) filter (where n > 1) as x from input group by a having count(*) > 1
select * from (values ('a', 1), ('b', 2)) v(a, x)
select date_trunc('month', d) as m, extract(year from d) as y, strftime(d, '%Y') as s, date_diff('day', d, d) as dd from input
select regexp_replace(a, 'x', 'y', 'g') as r, regexp_extract(a, '(x)', 1) as e, string_split(a, ',')[1] as z from input
select a from input order by _row limit 3
select * from input where not exists (select 1 from lk where lk.a = input.a)
select coalesce(a, 'x') as a, nullif(a, '') as n, round(n, 2) as r, cast(n as decimal(10, 2)) as c from input
select try_cast(a as bigint) as t, lpad(a, 5, '0') as l, trim(a) as t2, left(a, 2) as f, substr(a, 2) as s from input
select concat_ws(' ', a, a) as w, levenshtein(a, a) as v, strip_accents(lower(a)) as u from input
select _row, sum(b) over (partition by a order by _row rows between unbounded preceding and current row) as x from input
select arg_min(a, _row) as f, max(d) as d, median(n) as m, count(distinct a) as k from input
""".splitlines()


@pytest.mark.parametrize("query", WORK)
def test_a_query_can_do_what_work_needs(query):
    assert list(faults_of(query, KNOWN)) == []
    assert isinstance(types_of(placed(query, KNOWN, {}), KNOWN), dict)


PIECES = st.sampled_from(
    """select from where group by order limit with as ( ) , * a b d n input lk i x 'x' "user" 1 1.5 = < + || :: varchar
    case when then else end union all join on using is null not in exists read_csv('x') '/etc/passwd' getenv('HOME') now()
    random() count(*) sum(b) over partition row_number() upper(a) current_user "/etc/passwd" copy to attach ; -- /* */ $1 ?
    [ ] { } . # @ \\ lateral unnest range(9) recursive values distinct""".split()  # noqa: SIM905
)
_NEVER = re.compile(
    r"(?i)(?<!as )\b(read_\w+|getenv|now|random|range|unnest)\s*\(|(?<![.\w])current_user\b|[;$?]|with recursive"
)


@given(pieces=st.lists(PIECES, max_size=14), seed=st.sampled_from([*WORK, ""]), at=st.integers(0, 200))
@settings(max_examples=300, deadline=None)
def test_what_is_accepted_never_says_what_it_may_not(pieces, seed, at):
    query = seed[:at] + " " + " ".join(pieces) + " " + seed[at:]
    if list(faults_of(query, KNOWN)):
        return
    written = placed(query, KNOWN, {}).sql(dialect="duckdb", comments=False)
    code = re.sub(r"'(?:[^']|'')*'|" + r'"(?:[^"]|"")*"', "''", written)
    assert not _NEVER.search(code), written
    parsed = parse_one(written, dialect="duckdb")
    assert {one.name for one in parsed.find_all(exp.Table)} <= {*KNOWN, "t"}


@given(text=st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_text_is_a_traceback(text):
    list(faults_of(text, KNOWN))


def faults(query, columns, *, more="", **others):
    steps = f"- step: sql\n  query: {query!r}\n  columns: {columns}\n{more}"
    return [(loc, fault) for loc, fault, _ in flow_of(agreed(steps, ["a", "b"], others)).faults(thorough=True)]


@pytest.mark.parametrize(
    ("query", "columns", "told"),
    [
        ("select _row, a from input", "{x: text}", "leaves no column `x`"),
        ("select _row, a, b from input", "{a: text}", "leaves `b`, which is not in `columns`"),
        ("select _row, a from input", "{a: number}", "leaves `a` as varchar, not as number"),
        ("select _row, 1 / 3 as a from input", "{a: number}", "as double, not as number"),
        ("select a from input", "{a: text}", "order of the rows"),
        ("select _row, c from input", "{c: text}", 'Referenced column "c" not found'),
        ("select _row, a, b as a from input", "{a: text}", "two columns called `a`"),
        ("select _row, a + 1 as a from input", "{a: integer}", "does not work"),
        ("selec a", "{a: text}", "one SELECT"),
        ("select (", "{a: text}", "no SQL that can be read in line 1"),
        ("select a from input where", "{a: text}", "no SQL"),
        ("select a from o", "{a: text}", "No table is called `o`"),
    ],
)
def test_a_mistake_is_found_before_anything_is_read(query, columns, told):
    found = faults(query, columns)
    assert any(told in fault for _, fault in found), found
    assert all(loc[:2] == ("steps", 0) and loc[2] in ("query", "columns") for loc, _ in found)


def test_other_tables_are_named_first():
    assert faults("select _row, a from o", "{a: text}", o=["a"])
    assert not faults("select _row, a from o", "{a: text}", more="  tables: [o]\n", o=["a"])


def test_it_runs_on_its_own_table_wherever_it_stands():
    found = run(
        """
- {step: trim}
- {step: filter, keep: [{column: a, filled: true}]}
- step: sql
  query: >-
    with known as (select name, max(code) as code from codes group by name)
    select i._row, i.a, k.code, cast(i._row as bigint) as place, 1 as one
    from input i left join known k on k.name = i.a
  columns: {place: integer, a: text, code: text, one: number}
  tables: [codes]
- {step: trim}
""",
        "a,b\n x,1\n,2\ny,3\n",
        codes="name,code\nx,X\n",
    )
    assert found.header == ["place", "a", "code", "one"]
    assert found.rows == [(1, "x", "X", 1), (3, "y", None, 1)]


def test_rows_stand_in_the_stated_order():
    steps = "- {step: sql, query: select a from input, columns: {a: text}, order_by: [a]}"
    assert run(steps, [["a"], ["z"], [""], ["b"]])["a"] == ["b", "z", None]


def test_a_join_that_doubles_rows_leaves_each_its_own_number():
    steps = "- {step: sql, query: 'select i._row, l.c from input i join lk l on l.k = i.a', columns: {c: text}, tables: [lk]}"
    more = steps + "\n- {step: window, make: {place: {how: row_number}}}"
    assert run(more, "a\nx\n", lk="k,c\nx,2\nx,1\n").rows == [("1", 1), ("2", 2)]


def test_an_error_while_it_runs_shows_no_cell():
    steps = "- {step: sql, query: 'select _row, cast(a as bigint) as a from input', columns: {a: integer}}"
    with pytest.raises(EngineError) as failed:
        run(steps, "a\ncanary\n")
    assert "canary" not in str(failed.value)
    assert failed.value.__context__ is None
