"""The measured routes with FastAPI and asyncpg."""

import datetime
import os

import asyncpg
from completion import DUE, DUE_MOST, FAR_US, FIND, VERSION, answer, reads, writes
from fastapi import Body, FastAPI, Header, HTTPException
from tokens import verified

app = FastAPI()
state = {}
POOL = 8  # connections of each of two processes


@app.on_event("startup")
async def connect():
    async def prepare(connection):
        await connection.set_type_codec("jsonb", encoder=str, decoder=str, schema="pg_catalog")
    state["pool"] = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=POOL, max_size=POOL, init=prepare)
    state["version"] = await state["pool"].fetchval(VERSION)


def caller(authorization):
    claims = verified(authorization)
    if not claims:
        raise HTTPException(401)
    return claims["sub"] if claims["role"] == "parent" else None


@app.get("/v1/health")
async def health():
    return {"status": "ok"}


@app.get("/v1/children/{child}/account")
async def account(child: str, authorization: str = Header(None)):
    row = await state["pool"].fetchrow(FIND, child, caller(authorization))
    if not row:
        raise HTTPException(404)
    return dict(row)


@app.get("/v1/children/{child}/verifications")
async def due(child: str, authorization: str = Header(None)):
    rows = await state["pool"].fetch(DUE, child, caller(authorization), 0, 0, DUE_MOST, FAR_US, False)
    return {"items": [dict(row) for row in rows]}


@app.post("/v1/children/{child}/verifications/{test}/completion")
async def complete(child: str, test: int, _: dict = Body(), authorization: str = Header(None)):
    caller(authorization)
    now = datetime.datetime.now(datetime.timezone.utc)
    async with state["pool"].acquire() as connection, connection.transaction():
        locked, before = [await connection.fetchrow(text, *values) for text, values in reads(child, test, now)]
        if not locked or not before:
            raise HTTPException(404)
        if before["completed"]:
            raise HTTPException(409)
        results = []
        for text, values in writes(child, locked, before, now, state["version"]):
            rows = await connection.fetch(text, *values)
            results.append([dict(row) for row in rows])
    return answer(results, locked)
