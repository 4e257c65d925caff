"""The measured routes with FastAPI and SQLAlchemy, whose threads wait for psycopg2."""

import datetime
import os
import re

from completion import DUE, DUE_MOST, FAR_US, FIND, VERSION, answer, reads, writes
from fastapi import Body, FastAPI, Header, HTTPException
from sqlalchemy import create_engine, text
from tokens import verified

POOL = 8  # connections of each of two processes

app = FastAPI()
engine = create_engine(os.environ["DATABASE_URL"], pool_size=POOL, max_overflow=0)
clauses = {}
with engine.connect() as first:
    version = first.execute(text(VERSION)).scalar()
engine.dispose()


def execute(connection, statement, values):
    clause = clauses.get(statement)
    if clause is None:
        # In parentheses: SQLAlchemy takes a name with a colon after it, as in :p1::uuid, for none of its own.
        plain = re.sub(r"--.*", "", statement)
        clause = clauses[statement] = text(re.sub(r"\$(\d+)", r"(:p\1)", plain))
    return connection.execute(clause, {f"p{n}": value for n, value in enumerate(values, 1)})


def caller(authorization):
    claims = verified(authorization)
    if not claims:
        raise HTTPException(401)
    return claims["sub"] if claims["role"] == "parent" else None


@app.get("/v1/health")
def health():
    return {"status": "ok"}


@app.get("/v1/children/{child}/account")
def account(child: str, authorization: str = Header(None)):
    parent = caller(authorization)
    with engine.connect() as connection:
        row = execute(connection, FIND, (child, parent)).mappings().first()
    if not row:
        raise HTTPException(404)
    return dict(row)


@app.get("/v1/children/{child}/verifications")
def due(child: str, authorization: str = Header(None)):
    parent = caller(authorization)
    with engine.connect() as connection:
        rows = execute(connection, DUE, (child, parent, 0, 0, DUE_MOST, FAR_US, False)).mappings().all()
    return {"items": [dict(row) for row in rows]}


@app.post("/v1/children/{child}/verifications/{test}/completion")
def complete(child: str, test: int, _: dict = Body(), authorization: str = Header(None)):
    caller(authorization)
    now = datetime.datetime.now(datetime.timezone.utc)
    with engine.begin() as connection:
        locked, before = [execute(connection, sql, values).mappings().first() for sql, values in reads(child, test, now)]
        if not locked or not before:
            raise HTTPException(404)
        if before["completed"]:
            raise HTTPException(409)
        results = []
        for sql, values in writes(child, locked, before, now, version):
            result = execute(connection, sql, values)
            results.append([dict(row) for row in result.mappings()])
    return answer(results, locked)
