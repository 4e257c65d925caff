"""The database of the server before this one: its tables as they were, and odd rows to fill them with."""

import json
import uuid

import support

TABLES = """
create table users (
  id uuid primary key default gen_random_uuid(), email text unique not null, password_hash text not null, name text,
  phone text, country text default 'TW', created_at timestamp default now(), updated_at timestamp default now());
create table children (
  id uuid primary key default gen_random_uuid(), parent_id uuid not null references users (id) on delete cascade,
  name text not null, age integer, created_at timestamp default now(), updated_at timestamp default now());
create table learning_progress (
  id serial primary key, child_id uuid not null references children (id) on delete cascade,
  learning_point_id text not null, learned_at timestamp default now(), tier integer not null,
  status text default 'learning', created_at timestamp default now(), updated_at timestamp default now(),
  unique (child_id, learning_point_id, tier));
create table verification_schedule (
  id serial primary key, child_id uuid not null references children (id) on delete cascade,
  learning_progress_id integer not null references learning_progress (id) on delete cascade, test_day integer not null,
  scheduled_date date not null, completed boolean default false, completed_at timestamp, passed boolean,
  score decimal(5,2), questions jsonb, answers jsonb, created_at timestamp default now(),
  updated_at timestamp default now());
create table points_accounts (
  id serial primary key, child_id uuid unique not null references children (id) on delete cascade,
  total_earned integer default 0, available_points integer default 0, locked_points integer default 0,
  withdrawn_points integer default 0, deficit_points integer default 0, created_at timestamp default now(),
  updated_at timestamp default now());
create table points_transactions (
  id serial primary key, child_id uuid not null references children (id) on delete cascade,
  learning_progress_id integer references learning_progress (id), transaction_type text not null, bonus_type text,
  points integer not null, tier integer, description text, created_at timestamp default now());
create table withdrawal_requests (
  id serial primary key, child_id uuid not null references children (id) on delete cascade,
  parent_id uuid not null references users (id) on delete cascade, amount_ntd decimal(10,2) not null,
  points_amount integer not null, status text default 'pending', bank_account text, transaction_id text,
  created_at timestamp default now(), updated_at timestamp default now(), completed_at timestamp);
create table relationship_discoveries (
  id serial primary key, child_id uuid not null references children (id) on delete cascade,
  source_learning_point_id text not null, target_learning_point_id text not null, relationship_type text not null,
  discovered_at timestamp default now(), bonus_awarded boolean default false,
  unique (child_id, source_learning_point_id, target_learning_point_id, relationship_type));
create index on users (email); create index on children (parent_id); create index on learning_progress (child_id);
create index on verification_schedule (child_id); create index on points_transactions (child_id);
create index on withdrawal_requests (child_id); create index on relationship_discoveries (child_id);
"""

BALANCES = ("total_earned", "available_points", "locked_points", "withdrawn_points", "deficit_points")


def literal(value):
    if value is None:
        return "null"
    if isinstance(value, (dict, list)):
        value = json.dumps(value)
    if isinstance(value, (bool, int, float)):
        return str(value).lower()
    return "'" + str(value).replace("'", "''") + "'"


class Original:
    """A database with the original's tables and nothing in them."""

    def __init__(self, encoding=None):
        self.name = f"lexicraft_original_{uuid.uuid4().hex[:12]}"
        self.admin_url = support.pg_url("postgres", support.superuser())
        tail = f" encoding '{encoding}' locale 'C' template template0" if encoding else ""
        support.psql(self.admin_url, f"create database {self.name}{tail}")
        self.url = support.pg_url(self.name, support.superuser())
        self.sql(TABLES)

    def drop(self):
        support.psql(self.admin_url, f"drop database if exists {self.name} with (force)")

    def sql(self, text):
        return support.psql(self.url, text)

    def add(self, table, **row):
        """Insert a row and return its id."""
        names, values = ", ".join(row), ", ".join(literal(value) for value in row.values())
        return self.sql(f"insert into {table} ({names}) values ({values}) returning id")

    def family(self, **user):
        """A parent with one child; returns both ids."""
        user.setdefault("email", f"{uuid.uuid4().hex[:12]}@example.org")
        user.setdefault("password_hash", "$2b$12$KIXQ4S8bq1Zr1f0oX1f0oeu1Zr1f0oX1f0oeu1Zr1f0oX1f0oeu1Z")
        parent = self.add("users", **user)
        return parent, self.add("children", parent_id=parent, name="Mei", age=9)

    def account(self, child, *balances):
        return self.add("points_accounts", child_id=child, **dict(zip(BALANCES, balances)))

    def learn(self, child, point, tier, status, results=(), open_days=(), moves=(), days_ago=10):
        """Learning progress with tests (day, passed), open tests and transactions (type, points)."""
        began = f"now() - interval '{days_ago} days'"
        progress = int(self.sql(
            f"insert into learning_progress (child_id, learning_point_id, tier, status, learned_at) values "
            f"('{child}', '{point}', {tier}, {literal(status)}, {began}) returning id"))
        rows = "".join(
            f"insert into verification_schedule (child_id, learning_progress_id, test_day, scheduled_date, completed, "
            f"completed_at, passed, score, questions, answers) values ('{child}', {progress}, {day}, "
            f"({began})::date + {day - 1}, true, {began} + interval '{day - 1} days', {literal(passed)}, "
            f"{100 if passed else 0}, '[]', '[]');" for day, passed in results)
        rows += "".join(
            f"insert into verification_schedule (child_id, learning_progress_id, test_day, scheduled_date) values "
            f"('{child}', {progress}, {day}, ({began})::date + {day - 1});" for day in open_days)
        rows += "".join(
            f"insert into points_transactions (child_id, learning_progress_id, transaction_type, points, tier) values "
            f"('{child}', {progress}, '{kind}', {points}, {tier});" for kind, points in moves)
        self.sql(rows or "select")
        return progress
