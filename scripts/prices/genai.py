"""Prints the data of genai-prices as JSON, without running it: python3 genai.py data.py

A call like `Tier(start=1, price=Decimal('2'))` becomes {"is": "Tier", "start": 1, "price": "2"}; a number written as a
Decimal is a string of its digits, and so is a date or time in ISO form.
"""

import ast
import datetime
import json
import sys


def plain(node):
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [plain(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {plain(key): plain(value) for key, value in zip(node.keys, node.values)}
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -plain(node.operand)
    if isinstance(node, ast.Attribute):
        return ast.unparse(node)
    if not isinstance(node, ast.Call):
        raise SystemExit(f"genai-prices has something new: {ast.dump(node)[:200]}")
    name = ast.unparse(node.func).removeprefix("datetime.")
    args = [plain(arg) for arg in node.args]
    named = {keyword.arg: plain(keyword.value) for keyword in node.keywords}
    if name == "Decimal":
        return args[0]
    if name == "date":
        return datetime.date(*args, **named).isoformat()
    if name == "timedelta":
        return datetime.timedelta(*args, **named).total_seconds()
    if name == "timezone":
        return datetime.timezone(datetime.timedelta(seconds=args[0]))
    if name == "TzInfo":
        return datetime.timezone(datetime.timedelta(seconds=args[0] if args else 0))
    if name == "time":
        zone = named.pop("tzinfo", None)
        if isinstance(zone, str):
            zone = datetime.timezone.utc
        return datetime.time(*args, **named, tzinfo=zone).isoformat()
    if args:
        raise SystemExit(f"genai-prices has something new: {ast.unparse(node)[:200]}")
    return {"is": name, **named}


for statement in ast.parse(open(sys.argv[1], encoding="utf-8").read()).body:
    if isinstance(statement, ast.AnnAssign) and statement.target.id == "providers":
        json.dump(plain(statement.value), sys.stdout, ensure_ascii=False)
