"""Random meters, events and queries: our preview against ClickHouse, with the SQL that OpenMeter sends to it.

    python3 -m venv .cache/oracle && .cache/oracle/bin/pip install chdb-core==26.1.0
    npm run build && .cache/oracle/bin/python tests/oracle/oracle.py [--cases 2000] [--seed 1]

Every case is made from a seed of its own. One that differs is shrunk and printed with it; `--seed N --cases 1` runs it
again. OpenMeter: commit 7e57a394a028; ClickHouse: 26.1, in this process (0.9 GB).

Left out is what the preview answers otherwise on purpose: malformed numbers and more than 15 digits, which this ClickHouse
misreads; windows after 2106, days whose midnight does not exist, hours of Lord Howe; sums beyond the number's range.
"""

import argparse
import json
import random
import subprocess
import sys
from datetime import datetime, timezone
from decimal import Decimal
from math import isclose
from pathlib import Path

import chdb.session

TABLE = """CREATE TABLE om_events (namespace String, id String, type LowCardinality(String), subject String,
  source String, time DateTime, data String) ENGINE = MergeTree PARTITION BY toYYYYMM(time)
  ORDER BY (namespace, type, subject, toStartOfHour(time))"""
AGGREGATIONS = ["SUM", "COUNT", "UNIQUE_COUNT", "AVG", "MIN", "MAX", "LATEST"]
WINDOWS = {"MINUTE": "Minute", "HOUR": "Hour", "DAY": "Day", "MONTH": "Month"}
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Auckland", "America/St_Johns"]
# Around changes of the clocks, of months, of the year, and two quiet days.
MOMENTS = ["2024-03-31T00:59:58Z", "2024-10-27T00:30:00Z", "2024-03-10T06:59:59Z", "2024-11-03T05:30:00Z",
           "2024-02-29T23:59:59Z", "2023-12-31T23:59:30Z", "2025-09-28T01:00:00Z", "2024-06-15T12:00:00Z"]


# ---- Cases ----


class Number(str):
    """A number as it is written."""


def dump(value):
    """JSON text, numbers as they are written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(map(dump, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{dump(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def number(r):
    kind = r.randrange(8)
    if kind < 3:
        return str(r.randrange(-5, 20))
    if kind == 3:
        return f"{r.randrange(-999, 999)}.{r.randrange(10 ** r.randrange(1, 9))}"
    if kind == 4:
        return r.choice(["1.0", "1e3", "-0", "0", "-0.0", "1E2", "1.50", "12e-1", "0.1", "100", "1e0", "-1.25e2"])
    if kind == 5:
        return r.choice(["1e-4", "0.00012", "1e-7", "0.001", "1e-05", "123456789012345", "1e5", "1e6", "0.000001", "0.0000015"])
    return f"{r.choice(['', '-'])}{r.randrange(1, 10**6)}e{r.randrange(-6, 3)}"


def text(r):
    words = ["a", "b", "A", "", "null", "true", "a_b", "a%b", "a\\b", "é", "ß", "É", "日本", "x\ny", "9", "10", " 1", "1 ",
             "0x10", "1,000", "1_000", "NaN", "inf", "-inf", "Infinity", "nan", "12abc", "+5", "007", ".5", "5.", "1e3", "１２",
             "[]", "{}", "'", '"', "\\", "%", "_", "a%", "😀"]
    return r.choice(words) if r.random() < 0.7 else number(r)


def value(r, depth=0):
    kind = r.randrange(14)
    if kind < 6:
        return Number(number(r))
    if kind < 9:
        return text(r)
    if kind == 9:
        return r.choice([None, True, False])
    if depth > 3:
        return None
    if kind < 12:
        return {key: value(r, depth + 1) for key in r.sample(KEYS, r.randrange(4))}
    return [value(r, depth + 1) for _ in range(r.randrange(4))]


KEYS = ["v", "g", "h", "o", "l", "a-b", "é", "1", "$d", "it's", "__proto__"]


def path(r):
    if r.random() < 0.04:
        return r.choice(["$..v", "$.*", "$.a-b", "$.v[-1]", "$.é", "$[?(@.v)]", "$.", "$.v.", "$$.v", "$.l[0:2]", "$.l[2 to 1]"])
    steps = []
    for _ in range(1 if r.random() < 0.6 else r.randrange(4)):
        key = r.choice(KEYS)
        quoted = r.choice(["['{}']", '["{}"]', '."{}"', "[ '{}' ]"]).format(key.replace("'", "\\'"))
        dotted = r.choice([".{}", " .{}", ". {}"]).format(key)
        index = r.choice(["[0]", "[1]", "[*]", "[1,0]", "[0 to 2]", "[0,1 to 3]", "[ 2 ]", "[4294967296]", "[0 TO 9]"])
        plain = key.isascii() and all(c.isalnum() or c in "_$" for c in key)
        steps.append(index if r.random() < 0.3 else dotted if plain and r.random() < 0.7 else quoted)
    return "$" + "".join(steps)


def instant(r, base):
    at = base + r.choice([0, 1, 30, 60, 3600, 86400, 90000]) * r.randrange(-3, 4)
    fraction = r.choice(["", "", ".1", ".999"])
    return datetime.fromtimestamp(at, timezone.utc).strftime(f"%Y-%m-%dT%H:%M:%S{fraction}Z")


def filter_of(r, depth=0):
    kind = r.randrange(12 if depth < 2 else 10)
    word = lambda: text(r) or "x"
    if kind < 2:
        return {r.choice(["$eq", "$ne"]): word()}
    if kind < 4:
        return {r.choice(["$in", "$nin"]): [word() for _ in range(r.randrange(1, 4))]}
    if kind < 8:
        pattern = r.choice(["%", "a%", "%b", "_", "a_b", "%\\_%", "%A%", "1%", "\\%", "%é%", "_%_", "", "%É", "%\\\\%"])
        return {r.choice(["$like", "$nlike", "$ilike", "$nilike"]): pattern or "%"}
    if kind < 10:
        return {r.choice(["$gt", "$gte", "$lt", "$lte"]): word()}
    return {r.choice(["$and", "$or"]): [filter_of(r, depth + 1) for _ in range(r.randrange(1, 4))]}


def case(seed):
    r = random.Random(seed)
    base = int(datetime.fromisoformat(r.choice(MOMENTS).replace("Z", "+00:00")).timestamp())
    aggregation = r.choice(AGGREGATIONS)
    meter = {"slug": "m", "eventType": "t", "aggregation": aggregation}
    if aggregation != "COUNT":
        meter["valueProperty"] = "$.v" if r.random() < 0.5 else path(r)
    groups = {}
    for key in r.sample(["g", "h", "model", "type", "id", "data", "time", "subject"], r.randrange(4)):
        found = path(r)
        if found != meter.get("valueProperty"):
            groups[key] = found
    if groups:
        meter["groupBy"] = groups
    if r.random() < 0.08:
        meter["eventFrom"] = instant(r, base)
    subjects = ["alice", "bob", "B", "", "é"]
    events = []
    for _ in range(r.choice([0, 1, 4, 12, 12, 30, 30])):
        event = {"specversion": "1.0", "type": r.choice(["t", "t", "t", "t", "T"]), "id": str(r.randrange(40)),
                 "source": r.choice(["s", "s-1"]), "subject": r.choice(subjects[:3] + subjects[4:])}
        event["time"] = instant(r, base) if r.random() < 0.99 else "1970-01-01T00:00:00Z"
        if r.random() < 0.97:
            event["data"] = {key: value(r) for key in r.sample(KEYS, r.randrange(1, 7))}
            if r.random() < 0.6:
                event["data"]["v"] = Number(number(r)) if r.random() < 0.7 else text(r)
            if r.random() < 0.02:
                event["data"]["nonce"] = Number(r.choice(["1e20", "18446744073709551616", "-1e19", "9223372036854775808", "1e21"]))
        events.append(event)
    query = {"meter": "m"}
    if r.random() < 0.2:
        query["from"] = instant(r, base - 7200)
    if r.random() < 0.2:
        query["to"] = instant(r, base + 7200)
    if "from" in query and "to" in query and moment(query["from"]) >= moment(query["to"]):
        del query["to"]
    if r.random() < 0.5:
        query["windowSize"] = r.choice(list(WINDOWS))
        if r.random() < 0.7:
            query["windowTimeZone"] = r.choice(ZONES)
    if r.random() < 0.2:
        query["subject"] = r.sample(subjects[:3] + ["none"], r.randrange(3))
    customers = [{"id": "c1", "key": "alice"}, {"id": "c2", "subjectKeys": ["bob", "alice"]}, {"id": "c3", "key": "B"}]
    if r.random() < 0.2:
        query["filterCustomerId"] = r.sample(["c1", "c2", "c3"], r.randrange(1, 4))
    by = [key for key in ["subject", *groups] if r.random() < 0.5]
    if by:
        query["groupBy"] = by
    filters = {key: filter_of(r) for key in groups if r.random() < 0.15}
    if filters and r.random() < 0.6:
        query["advancedMeterGroupByFilters"] = filters
    elif filters:
        query["filterGroupBy"] = {key: [text(r) or "x" for _ in range(r.randrange(1, 3))] for key in filters}
    options = {"now": "2024-01-01T00:00:00Z", "engine": "25.12", "customers": customers,
               "numeric": r.choice(["float", "decimal"]), "dedupe": r.random() < 0.8}
    return {"meters": [meter], "events": events, "query": query, "options": options}


# ---- The server ----


def moment(time):
    return datetime.fromisoformat(time.replace("Z", "+00:00"))


def unix(time):
    return int(moment(time).timestamp() // 1)


def quote(string):
    return "'" + string.replace("\\", "\\\\").replace("'", "\\'") + "'"


def go_number(token):
    """A number after its way through a float64, as Go prints it."""
    x = float(token)
    sign, digits, exponent = Decimal(repr(x)).normalize().as_tuple()
    digits = "".join(map(str, digits))
    if x == 0:
        return "-0" if token.startswith("-") else "0"
    first = len(digits) + exponent - 1
    if -7 < first < 21:
        plain = f"{Decimal(repr(x)):f}"
        plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
        return plain
    fraction = f".{digits[1:]}" if digits[1:] else ""
    return f"{'-' if sign else ''}{digits[0]}{fraction}e{'+' if first > 0 else '-'}{abs(first):02}"


def normal(item):
    """What the server stores of data."""
    if isinstance(item, Number):
        return Number(go_number(item))
    if isinstance(item, list):
        return [normal(one) for one in item]
    if isinstance(item, dict):
        return {key: normal(item[key]) for key in sorted(item)}
    return item


def stored(case, namespace):
    seen = set()
    for event in case["events"]:
        key = f"{event['source']}-{event['id']}"
        if unix(event["time"]) <= 0 or (case["options"]["dedupe"] and key in seen):
            continue
        seen.add(key)
        data = dump(normal(event["data"])) if "data" in event else ""
        yield json.dumps({"namespace": namespace, "id": event["id"], "type": event["type"], "subject": event["subject"],
                          "source": event["source"], "time": unix(event["time"]), "data": data})


OPERATORS = {"$eq": "=", "$ne": "<>", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<=", "$like": "LIKE", "$nlike": "NOT LIKE"}


def condition(column, given):
    (operator, operand), = given.items()
    if operator in OPERATORS:
        return f"{column} {OPERATORS[operator]} {quote(operand)}"
    if operator in ("$in", "$nin"):
        return f"{column} {'NOT ' if operator == '$nin' else ''}IN ({', '.join(map(quote, operand))})"
    if operator in ("$ilike", "$nilike"):
        return f"LOWER({column}) {'NOT ' if operator == '$nilike' else ''}LIKE LOWER({quote(operand)})"
    return "(" + (" AND " if operator == "$and" else " OR ").join(condition(column, one) for one in operand) + ")"


def sql(case, namespace):
    (meter,), query = case["meters"], case["query"]
    decimal = case["options"]["numeric"] == "decimal"
    zone = quote(query.get("windowTimeZone") or "UTC")
    size = query.get("windowSize")
    time, data, groups = "om_events.time", "om_events.data", meter.get("groupBy", {})
    if not size:
        start = f"tumbleStart(min({time}), toIntervalMinute(1))"
        end = f"tumbleEnd(max({time}), toIntervalMinute(1))"
    else:
        start, end = (f"tumble{edge}({time}, toInterval{WINDOWS[size]}(1), {zone})" for edge in ("Start", "End"))
        if size == "DAY":
            end = "windowstart + toIntervalDay(1)"
        if size == "MONTH":
            start, end = f"toDateTime({start}, {zone})", f"toDateTime({end}, {zone})"
    found = f"JSON_VALUE({data}, {quote(meter.get('valueProperty', '$'))})"
    usable = f"toDecimal128OrNull(nullIf({found}, 'null'), 19)" if decimal else f"ifNotFinite(toFloat64OrNull({found}), null)"
    folded = {"COUNT": "count(*)", "UNIQUE_COUNT": f"uniqExact(nullIf({found}, 'null'))", "LATEST": f"argMax({usable}, {time})"}
    aggregate = folded.get(meter["aggregation"], f"{meter['aggregation'].lower()}({usable})")
    by = sorted(set(query.get("groupBy", [])))
    if "subject" in query:
        by = sorted({*by, "subject"})
    owners = [one for id in query.get("filterCustomerId", []) for one in case["options"]["customers"] if one["id"] == id]
    keys = [(key, one["id"]) for one in owners for key in [one.get("key"), *one.get("subjectKeys", [])] if key]
    columns = [f"{start} AS windowstart", f"{end} AS windowend", f"{aggregate} AS value"]
    columns += ["om_events.subject" if key == "subject" else f"JSON_VALUE({data}, {quote(groups[key])}) AS `{key}`" for key in by]
    grouped = (["windowstart", "windowend"] if size else []) + [key if key == "subject" else f"`{key}`" for key in by]
    if keys:
        pairs = ", ".join(f"{quote(key)}, {quote(id)}" for key, id in keys)
        columns.append(f"map({pairs})[om_events.subject] AS customer_id")
        grouped.append("customer_id")
    where = [f"om_events.namespace = {quote(namespace)}", f"om_events.type = {quote(meter['eventType'])}"]
    if keys:
        where.append(f"om_events.subject IN ({', '.join(quote(key) for key, _ in keys)})")
    if query.get("subject"):
        where.append(f"om_events.subject IN ({', '.join(map(quote, query['subject']))})")
    begins = [unix(at) for at in (query.get("from"), meter.get("eventFrom")) if at]
    if begins:
        where.append(f"{time} >= {max(begins)}")
    if "to" in query:
        where.append(f"{time} < {unix(query['to'])}")
    filters = {**query.get("advancedMeterGroupByFilters", {}), **{k: {"$in": v} for k, v in query.get("filterGroupBy", {}).items()}}
    for key, given in filters.items():
        where.append(condition("subject" if key == "subject" else f"JSON_VALUE({data}, {quote(groups[key])})", given))
    inner = f"SELECT {', '.join(columns)} FROM om_events WHERE {' AND '.join(where)}"
    inner += f" GROUP BY {', '.join(grouped)}" if grouped else ""
    names = ", ".join(f"`{key}`" for key in by)
    shown = "toString(value)" if decimal and meter["aggregation"] in ("SUM", "MIN", "MAX", "LATEST") else "value"
    outer = f"SELECT toUnixTimestamp(windowstart), toUnixTimestamp(windowend), {shown}{', ' + names if names else ''}"
    return f"{outer}{', customer_id' if keys else ''} FROM ({inner})", by, bool(keys)


def server_rows(session, case, namespace):
    lines = list(stored(case, namespace))
    if lines:
        session.query("INSERT INTO om_events FORMAT JSONEachRow " + "\n".join(lines))
    text_of, by, owned = sql(case, namespace)
    try:
        answer = str(session.query(text_of, "JSONCompactEachRow"))
    except RuntimeError as error:
        return {"error": str(error).split("\n")[0][:300]}
    query, rows = case["query"], []
    for line in filter(None, answer.split("\n")):
        start, end, number, *rest = json.loads(line)
        if number is None:
            continue
        if "windowSize" not in query:
            start, end = query.get("from", start), query.get("to", end)
        texts = dict(zip(by, rest))
        subject = texts.pop("subject", None)
        rows.append((when(start), when(end), subject, rest[-1] if owned else None, texts, number))
    return {"rows": sorted(rows, key=repr_of)}


def refuses_path(session, meter):
    for path in [meter.get("valueProperty", "$"), *meter.get("groupBy", {}).values()]:
        try:
            session.query(f"SELECT JSON_VALUE('{{}}', {quote(path)})")
        except RuntimeError:
            return True
    return False


# ---- Comparison ----


def when(time):
    return moment(time) if isinstance(time, str) else datetime.fromtimestamp(time, timezone.utc)


def repr_of(row):
    start, _, subject, customer, texts, _ = row
    return repr((start, subject, customer, sorted(texts.items())))


class Ours:
    """The built package, in a Node process."""

    def __init__(self):
        script = Path(__file__).with_name("preview.mjs")
        self.node = subprocess.Popen(["node", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def rows(self, case):
        events = "\n".join(map(dump, case["events"]))
        self.node.stdin.write(json.dumps({**case, "events": events}) + "\n")
        self.node.stdin.flush()
        answer = json.loads(self.node.stdout.readline())
        if "error" in answer:
            return answer
        rows = [(when(row["windowStart"]), when(row["windowEnd"]), row["subject"], row.get("customerId"), row["groupBy"],
                 row.get("valueDecimal", row["value"])) for row in answer["rows"]]
        return {"rows": sorted(rows, key=repr_of), **({"incomplete": True} if answer.get("incomplete") else {})}


def is_same(case, server, ours):
    if "error" in server or "error" in ours:
        return "error" in server and ours.get("error") == "path_invalid"
    if len(server["rows"]) != len(ours["rows"]) or "incomplete" in ours:
        return False
    # In which order it adds is not said; and before 26.7 it read fractions up to two units in the last place off.
    added = case["meters"][0]["aggregation"] in ("SUM", "AVG")
    near = 0 if case["options"]["numeric"] == "decimal" else 1e-12 if added else 5e-16
    for theirs, own in zip(server["rows"], ours["rows"]):
        if theirs[:-1] != own[:-1]:
            return False
        a, b = theirs[-1], own[-1]
        if isinstance(a, str) != isinstance(b, str):
            return False
        if isinstance(a, str):
            if Decimal(a) != Decimal(b):
                return False
        elif not isclose(float(a), float(b), rel_tol=near, abs_tol=1e-9 if added and near else 0):
            return False
    return True


def shrunk(case, differs):
    """The case without all that it differs without."""
    smaller = True
    while smaller:
        smaller = False
        for owner in (case["events"], case["query"], case["meters"][0].get("groupBy", {}), *(e.get("data", {}) for e in case["events"])):
            for at in (range(len(owner) - 1, -1, -1) if isinstance(owner, list) else list(owner)):
                kept = owner[at]
                del owner[at]
                if differs(case):
                    smaller = True
                elif isinstance(owner, list):
                    owner.insert(at, kept)
                else:
                    owner[at] = kept
    return case


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cases", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    session, ours = chdb.session.Session(), Ours()
    session.query("CREATE DATABASE IF NOT EXISTS om")
    session.query("USE om")
    session.query(TABLE)
    session.query("SET max_threads = 1")
    # Compiled, this version takes negative decimals for large ones in min() and max() (ClickHouse issue 100740).
    session.query("SET compile_aggregate_expressions = 0, compile_expressions = 0")
    asked = rows = refused = different = 0
    verdicts = []

    def answers(case):
        nonlocal asked
        asked += 1
        server, own = server_rows(session, case, str(asked)), ours.rows(case)
        # A path that is not asked for the server finds out later.
        if own.get("error") == "path_invalid" and "error" not in server and refuses_path(session, case["meters"][0]):
            server = {"error": "path"}
        return server, own

    def differs(case):
        try:
            return verdict(case) == verdicts[-1]
        except KeyError:  # the query names what is gone
            return False

    def verdict(case):
        server, own = answers(case)
        return is_same(case, server, own), "error" in server, own.get("error")

    for seed in range(given.seed, given.seed + given.cases):
        made = case(seed)
        server, own = answers(made)
        rows += len(server.get("rows", []))
        refused += "error" in server
        if not is_same(made, server, own):
            different += 1
            verdicts.append((False, "error" in server, own.get("error")))
            least = shrunk(made, differs)
            server, own = answers(least)
            print(f"seed {seed} differs", f"case: {dump(least)}", f"SQL: {sql(least, '')[0]}", f"server: {server}", f"ours: {own}", "", sep="\n")
            if different == 10:
                break
    print(f"{seed - given.seed + 1} cases, {rows} rows, {refused} refused by both, {different} differences")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
